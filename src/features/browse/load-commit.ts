/** What the page of a commit shows: who made it, and what it changed against its first parent, within bounds. */
import { revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import { gitContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { type Commit, readCommit } from '../../platform/git/commit.ts'
import { type ChangedFile, type DiffSummary, readPatch, summarizeDiff } from '../../platform/git/diff.ts'
import { readObjectInfos } from '../../platform/git/objects.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { type RepoAddress, revisionPath } from '../../web/address.ts'
import { type DiffFile, diffViewLimit } from '../../web/diff-view.tsx'
import { findPointers, getRevision } from '../files/service.ts'
import { findHeld } from '../storage/service.ts'
import { briefsOf } from './commit-brief.ts'
import type { CommitChanges } from './history-pages.tsx'
import { inTime } from './in-time.ts'
import { type PatchSection, parsePatch } from './patch.ts'
import type { CommitBrief } from './tree-page.tsx'

type Reading = Allowed<'repo.content.read'>

const mostFiles = 100
const mostCounted = 10_000
const mostPatchBytes = 1_048_576
/** What a page waits for a comparison, which is what it is about. */
const comparingMs = 8_000
const longestMessage = 20_000

export interface CommitView {
  readonly commit: CommitBrief & {
    readonly message: string
    readonly parents: readonly string[]
    readonly committer: { readonly name: string; readonly at: number } | null
  }
  readonly changes: CommitChanges | null
}

/** `id` is a commit id, perhaps abbreviated. Throws `revision_not_found`. */
export async function loadCommit(hub: Hub, allowed: Reading, repo: RepoAddress, id: string): Promise<CommitView> {
  if (!/^[0-9a-f]{5,40}$/.test(id)) throw revisionNotFound(id)
  const found = await getRevision(hub, allowed, id)
  const commit = await readCommit(hub.git, allowed.resource.id, found.commit)
  if (commit === null) throw revisionNotFound(id)
  const [[brief], changes] = await Promise.all([
    briefsOf(hub, allowed.resource.id, [commit]),
    loadChanges(hub, allowed, repo, commit.parents[0] ?? null, commit.oid),
  ])
  if (brief === undefined) throw revisionNotFound(id)
  const { author, committer, parents } = commit
  const isOther = committer.name !== author.name || committer.email !== author.email
  return {
    commit: {
      ...brief,
      message: messageOf(commit, brief.title),
      parents: parents.slice(0, 20),
      committer: isOther ? { name: committer.name, at: committer.at } : null,
    },
    changes,
  }
}

/** The rest of the message, or all of it where its first line was cut. */
function messageOf(commit: Commit, title: string): string {
  const message = title === commit.title || commit.title === '' ? commit.body : commit.message
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage)}…`
}

/** What differs from `base` (null: nothing at all) to `commit`, within bounds; null where comparing takes too long. */
export async function loadChanges(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  base: string | null,
  commit: string,
): Promise<CommitChanges | null> {
  return await inTime(hub.log, () => changesBetween(hub, allowed, repo, base, commit), comparingMs)
}

async function changesBetween(
  hub: Hub,
  allowed: Reading,
  repo: RepoAddress,
  base: string | null,
  commit: string,
): Promise<CommitChanges> {
  const repoId = allowed.resource.id
  const [summary, patch] = await Promise.all([
    summarizeDiff(hub.git, repoId, base, commit, { maxFiles: mostCounted }),
    readPatch(hub.git, repoId, base, commit, { maxPatchBytes: mostPatchBytes }),
  ])
  const shown = summary.files.slice(0, mostFiles)
  // Each side at its own revision: lines that a signed commit takes away stood in one that perhaps is not.
  const heldAt = async (revision: string | null, oids: readonly string[]): Promise<ReadonlySet<string>> => {
    const contents = oids.filter((oid) => oid !== zeroOid).map(gitContent)
    return revision === null ? new Set() : await findHeld(hub, allowed.resource, contents, revision)
  }
  const [heldBefore, heldNow] = await Promise.all([
    heldAt(
      base,
      shown.map(({ oldOid }) => oldOid),
    ),
    heldAt(
      commit,
      shown.map(({ newOid }) => newOid),
    ),
  ])
  const isHeld = ({ oldOid, newOid }: ChangedFile): boolean =>
    heldBefore.has(gitContent(oldOid)) || heldNow.has(gitContent(newOid))
  const parsed = sectionsOf(shown, parsePatch(patch.text, patch.isCut, diffViewLimit))
  const sections = parsed.map((section, index) => {
    const file = shown[index]
    return file !== undefined && isHeld(file) ? null : section
  })
  const sizes = await sizesOf(hub, repoId, shown)
  const at = { now: commit, before: base }
  const files = shown.map((file, index) => fileOf(repo, at, file, sections[index] ?? null, sizes))
  return { files, totals: totalsOf(summary), isCut: summary.isCut }
}

function totalsOf({ files }: DiffSummary): CommitChanges['totals'] {
  let linesAdded = 0
  let linesRemoved = 0
  for (const { additions, deletions } of files) {
    linesAdded += additions ?? 0
    linesRemoved += deletions ?? 0
  }
  return { files: files.length, linesAdded, linesRemoved }
}

/** The patch has the files in the order of the summary; one whose type changed has two sections, a removal and an addition. */
function sectionsOf(files: readonly ChangedFile[], sections: readonly PatchSection[]): (PatchSection | null)[] {
  let at = 0
  return files.map(({ status }) => {
    const first = sections[at++] ?? null
    if (status !== 'type-changed') return first
    const second = sections[at++] ?? null
    if (first === null || second === null) return first
    const isBinary = first.isBinary || second.isBinary
    return { isBinary, hunks: [...first.hunks, ...second.hunks], isCut: first.isCut || second.isCut }
  })
}

interface Sizes {
  /** Bytes of the content, also where git holds a pointer; null for what is no file. */
  sizeOf(oid: string): number | null
  isPointer(oid: string): boolean
}

async function sizesOf(hub: Hub, repoId: string, files: readonly ChangedFile[]): Promise<Sizes> {
  const isBlob = (mode: string, oid: string): boolean => oid !== zeroOid && mode !== '160000'
  const oids = new Set<string>()
  for (const file of files) {
    if (isBlob(file.oldMode, file.oldOid)) oids.add(file.oldOid)
    if (isBlob(file.newMode, file.newOid)) oids.add(file.newOid)
  }
  const infos = (await readObjectInfos(hub.git, repoId, [...oids])).filter((info) => info !== null)
  const pointers = await findPointers(hub, repoId, infos)
  const sizes = new Map(infos.map(({ oid, size }) => [oid, pointers.get(oid)?.size ?? size]))
  return { sizeOf: (oid) => sizes.get(oid) ?? null, isPointer: (oid) => pointers.has(oid) }
}

const changes: Readonly<Record<ChangedFile['status'], DiffFile['change']>> = {
  added: 'added',
  deleted: 'removed',
  modified: 'changed',
  'type-changed': 'changed',
  renamed: 'renamed',
}

function fileOf(
  repo: RepoAddress,
  at: { readonly now: string; readonly before: string | null },
  file: ChangedFile,
  section: PatchSection | null,
  sizes: Sizes,
): DiffFile {
  const isGone = file.status === 'deleted'
  const commit = isGone ? at.before : at.now
  const mode = isGone ? file.oldMode : file.newMode
  const isFile = mode !== '160000' && commit !== null
  const isPointer = sizes.isPointer(file.oldOid) || sizes.isPointer(file.newOid)
  return {
    path: file.path,
    oldPath: file.oldPath,
    change: changes[file.status],
    linesAdded: file.additions ?? 0,
    linesRemoved: file.deletions ?? 0,
    href: isFile ? revisionPath(repo, 'blob', commit, file.path) : null,
    body:
      section?.isBinary || isPointer
        ? {
            kind: 'sizes',
            why: section?.isBinary ? 'binary' : 'large',
            oldSize: sizes.sizeOf(file.oldOid),
            newSize: sizes.sizeOf(file.newOid),
            download: isFile ? `${revisionPath(repo, 'resolve', commit, file.path)}?download=true` : null,
          }
        : { kind: 'text', hunks: section?.hunks ?? [], isCut: section?.isCut ?? true },
  }
}
