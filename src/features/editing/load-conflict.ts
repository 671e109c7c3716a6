/** What somebody else did to a file while it was being edited: both changes, for whoever has to decide. */
import type { Hub } from '../../hub.ts'
import { readRefs } from '../../platform/git/refs.ts'
import { diffViewLimit } from '../../web/diff-view.tsx'
import { findEntry, listLastCommits, type Reading } from '../files/service.ts'
import type { Conflict } from './edit-page.tsx'
import { textChange } from './line-diff.ts'
import { type Editable, readEditable } from './read-editable.ts'
import type { Draft } from './save-file.ts'

const longestTitle = 100

/** `path`: what was changed, which may be where a renamed file was to go. */
export async function loadConflict(
  hub: Hub,
  reading: Reading,
  branch: string,
  path: string,
  draft: Draft,
  seen: string,
): Promise<{ conflict: Conflict; before: Editable | null; now: Editable | null }> {
  const head = (await readRefs(hub.git, reading.resource.id, [`refs/heads/${branch}`]))[0] ?? null
  const now = await readEditable(hub, reading, head, path)
  const before = draft.before?.entry.path === path ? draft.before : await readEditable(hub, reading, seen || null, path)
  const change = (old: string | null, text: string | null) =>
    old === null || text === null ? null : textChange(old, text, diffViewLimit / 2)
  const conflict = {
    path,
    head: head ?? '',
    by: head === null ? null : await lastChange(hub, reading, head, path),
    isGone: now === null,
    theirs: change(textOf(before), textOf(now)),
    yours: change(textOf(now), draft.text),
  }
  return { conflict, before, now }
}

/** What is not there has no lines; null for what has no text to compare. */
function textOf(file: Editable | null): string | null {
  if (file === null) return ''
  return file.kind === 'text' ? file.text : null
}

async function lastChange(hub: Hub, reading: Reading, head: string, path: string): Promise<Conflict['by']> {
  const entry = await findEntry(hub, reading, head, path)
  if (entry === null) return null
  const last = (await listLastCommits(hub, reading, head, [entry])).get(path)
  if (last === undefined) return null
  return {
    id: last.oid,
    title: last.title.slice(0, longestTitle) || 'no message',
    name: last.author.name,
    at: last.author.at,
  }
}
