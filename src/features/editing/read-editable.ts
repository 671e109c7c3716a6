/** What of a file can be edited in a page: its text, or why there is none to be had. */
import { contentOf } from '../../domain/quarantine.ts'
import { utf8Text } from '../../domain/utf8-text.ts'
import type { Hub } from '../../hub.ts'
import { readObject } from '../../platform/git/objects.ts'
import { isSafePath } from '../../platform/git/safe-names.ts'
import type { FileMode } from '../../platform/git/stage.ts'
import { entryAt } from '../../platform/git/tree.ts'
import { findEntry, type Reading } from '../files/service.ts'
import { findHeld, revisionHold } from '../storage/service.ts'

/** Bytes of a text that can be edited in a page. */
export const editLimit = 500_000

export type Editable = { readonly entry: EditableEntry } & (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'closed'; readonly why: ClosedReason }
)

export interface EditableEntry {
  readonly path: string
  /** Git's object id. */
  readonly oid: string
  readonly mode: FileMode
  readonly size: number
  /** As scans and downloads name it. */
  readonly content: string
}

export type ClosedReason = keyof typeof closedWords

export const closedWords = {
  large: 'This file is too large to be edited here. It can be renamed, or replaced by uploading it anew.',
  binary: 'This file is not text, so only its name can be changed here. Upload a new one to replace it.',
  stored:
    'Git holds a pointer to this file, whose bytes are stored beside the repository (LFS), so only its name can be changed here. Upload a new one to replace it.',
  link: 'This is a symbolic link, so only its name can be changed here.',
  held: 'This file is held: scanners found it unsafe or have not seen it yet, or its owner does not admit it. Its text is not shown; it can be renamed, replaced or deleted.',
  unsigned: 'This file is held: only signed models are handed out here, and this revision is not verified.',
} as const

/** Null where there is no file at the path. */
export async function readEditable(
  hub: Hub,
  allowed: Reading,
  commit: string | null,
  path: string,
): Promise<Editable | null> {
  if (commit === null || path === '') return null
  const [found, raw] = await Promise.all([
    findEntry(hub, allowed, commit, path),
    // A path that no repo can hold is looked for by neither.
    isSafePath(path) ? entryAt(hub.git, allowed.resource.id, commit, path) : null,
  ])
  if (found === null || raw === null || found.type !== 'file') return null
  const mode = raw.mode === '100755' || raw.mode === '120000' ? raw.mode : '100644'
  const entry = { path, oid: found.oid, mode, size: found.size, content: contentOf(found) } as const
  const closed = (why: ClosedReason): Editable => ({ entry, kind: 'closed', why })
  if (found.isSymlink) return closed('link')
  if ((await revisionHold(hub, allowed.resource, commit)) !== null) return closed('unsigned')
  if ((await findHeld(hub, allowed.resource, [entry.content], commit)).size > 0) return closed('held')
  if (found.lfs !== null) return closed('stored')
  if (found.size > editLimit) return closed('large')
  const object = await readObject(hub.git, allowed.resource.id, found.oid, editLimit)
  // A mark of the byte order is part of the text: what is read must be what is written back.
  const text = object === null ? null : utf8Text(object.bytes, 'kept')
  return text === null ? closed('binary') : { entry, kind: 'text', text }
}
