/** What a commit changed, for a page: the list of files and their patches, both cut at a bound instead of growing. */
import { readCommit } from './commit.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { readObjectInfos } from './objects.ts'
import { GitFailure, runGit, startGit } from './run.ts'
import { assertOid, emptyTreeOid } from './safe-names.ts'

export interface ChangedFile {
  status: 'added' | 'deleted' | 'modified' | 'renamed' | 'type-changed'
  path: string
  /** Where a renamed file was. */
  oldPath: string | null
  oldMode: string
  newMode: string
  oldOid: string
  newOid: string
  /** Lines; null for binary files. */
  additions: number | null
  deletions: number | null
}

export interface DiffSummary {
  files: ChangedFile[]
  /** More files changed than the list holds. */
  isCut: boolean
}

export interface DiffLimits {
  maxFiles?: number
  maxPatchBytes?: number
}

const timeLimitMs = 15_000
const summaryLimit = 4 * 1024 * 1024

/** The files that differ between a commit and a base (null: the empty tree). For a merge, pass its first parent. */
export async function summarizeDiff(
  store: GitStore,
  repo: string,
  base: string | null,
  commit: string,
  limits: DiffLimits = {},
): Promise<DiffSummary> {
  const { bytes, isCut } = await diffTree(
    store,
    repo,
    base,
    commit,
    ['--raw', '--numstat', '--abbrev=40', '-z'],
    summaryLimit,
  )
  const files = parseSummary(bytes.toString('utf8').split('\0'), isCut)
  const maxFiles = limits.maxFiles ?? 1_000
  return { files: files.slice(0, maxFiles), isCut: isCut || files.length > maxFiles }
}

/** The patch as text (`diff --git ...`), up to a bound of bytes. */
export async function readPatch(
  store: GitStore,
  repo: string,
  base: string | null,
  commit: string,
  limits: DiffLimits = {},
): Promise<{ text: string; isCut: boolean }> {
  const { bytes, isCut } = await diffTree(
    store,
    repo,
    base,
    commit,
    ['--patch', '--full-index'],
    limits.maxPatchBytes ?? 1024 * 1024,
  )
  return { text: bytes.toString('utf8'), isCut }
}

/** The common ancestor of two commits, or null. */
export async function mergeBase(store: GitStore, repo: string, one: string, other: string): Promise<string | null> {
  assertOid(one)
  assertOid(other)
  const args = ['--git-dir', repositoryFolder(store, repo), 'merge-base', one, other]
  const { stdout } = await runGit(store, args, { okCodes: [0, 1] })
  return stdout.toString('latin1').trim() || null
}

/** Whether `ancestor` is part of the history of `commit`. No, where one of them is gone: after a restore, or pruned long after a forced push. */
export async function isAncestor(store: GitStore, repo: string, ancestor: string, commit: string): Promise<boolean> {
  assertOid(ancestor)
  assertOid(commit)
  // The usual case, a commit on top of the last one, needs no process.
  if ((await readCommit(store, repo, commit))?.parents.includes(ancestor)) return true
  if ((await readObjectInfos(store, repo, [ancestor, commit])).includes(null)) return false
  const args = ['--git-dir', repositoryFolder(store, repo), 'merge-base', '--is-ancestor', ancestor, commit]
  return (await runGit(store, args, { okCodes: [0, 1] })).code === 0
}

async function diffTree(
  store: GitStore,
  repo: string,
  base: string | null,
  commit: string,
  format: readonly string[],
  limit: number,
): Promise<{ bytes: Buffer; isCut: boolean }> {
  if (base !== null) assertOid(base)
  assertOid(commit)
  const safe = ['-r', '--find-renames', '-l200', '--no-ext-diff', '--no-textconv', '--no-color']
  const args = [
    '--git-dir',
    repositoryFolder(store, repo),
    'diff-tree',
    ...safe,
    ...format,
    base ?? emptyTreeOid,
    commit,
    '--',
  ]
  const child = await startGit(store, args, { timeLimitMs })
  child.stdin.end()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) break
  }
  if (size > limit) {
    child.stop(new GitFailure('aborted', 'the diff is longer than what is shown'))
    return { bytes: Buffer.concat(chunks).subarray(0, limit), isCut: true }
  }
  const { code, stderr } = await child.ended
  if (code !== 0) throw new GitFailure('exit', `git diff-tree ended with code ${code}`, stderr)
  return { bytes: Buffer.concat(chunks), isCut: false }
}

const statuses: Record<string, ChangedFile['status']> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  T: 'type-changed',
}

/** `:mode mode oid oid S`, path (two for a rename), for all; then `added TAB deleted TAB path`, or an empty path and two fields. */
function parseSummary(fields: readonly string[], isCut: boolean): ChangedFile[] {
  const files: ChangedFile[] = []
  const byPath = new Map<string, ChangedFile>()
  let at = 0
  const field = () => fields[at++] ?? ''
  while (fields[at]?.startsWith(':')) {
    const [oldMode = '', newMode = '', oldOid = '', newOid = '', letter = ''] = field().slice(1).split(' ')
    const isRename = letter.startsWith('R')
    const first = field()
    const path = isRename ? field() : first
    const status = statuses[letter.charAt(0)] ?? 'modified'
    const file = {
      status,
      path,
      oldPath: isRename ? first : null,
      oldMode,
      newMode,
      oldOid,
      newOid,
      additions: null,
      deletions: null,
    }
    // The last path of an output that was cut may be half of one.
    if (isCut && at >= fields.length) break
    files.push(file)
    byPath.set(path, file)
  }
  while (at < fields.length) {
    const [added, deleted, name] = field().split('\t')
    if (name === undefined) continue
    const path = name === '' ? [field(), field()][1] : name
    const file = byPath.get(path ?? '')
    if (!file || added === undefined || deleted === undefined || added === '-') continue
    file.additions = Number(added)
    file.deletions = Number(deleted)
  }
  return files
}
