/**
 * Refs: the truth of content. Every change is a compare-and-swap in one git transaction and durable when it returns.
 * Losing the race is an answer, not an exception.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cleanMessage, formatPerson, type Person } from './commit.ts'
import { syncFolder } from './durable.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { markWriter } from './marks.ts'
import { lookUp } from './objects.ts'
import { type GitChild, GitFailure, runGit } from './run.ts'
import { assertOid, assertRef, isOid, zeroOid } from './safe-names.ts'

export interface RefMove {
  /** Full name, such as `refs/heads/main`. */
  ref: string
  /** What the ref must hold now; 40 zeroes: it must not exist. */
  oldOid: string
  /** 40 zeroes deletes the ref. */
  newOid: string
}

export type RefMoveResult =
  | { ok: true }
  /** `stale`: the ref holds something else; `name-conflict`: `a` and `a/b` cannot both exist; `locked`: someone else moves it. */
  | { ok: false; reason: 'stale' | 'name-conflict' | 'locked'; message: string }

/** Moves all refs or none. Throws `GitFailure` for what is neither success nor a lost race (a full disk, a missing object). */
export async function moveRefs(store: GitStore, repo: string, moves: readonly RefMove[]): Promise<RefMoveResult> {
  const folder = repositoryFolder(store, repo)
  if (moves.length === 0) return { ok: true }
  const commands = moves.map(refCommand)
  const result = await sendTransaction(store, repo, commands)
  if (result.ok)
    await syncRefFolders(
      folder,
      moves.map((move) => move.ref),
    )
  return result
}

export interface Ref {
  /** Full name, such as `refs/tags/v1`. */
  ref: string
  oid: string
  /** The commit that an annotated tag points at; the same as `oid` for everything else. */
  target: string
}

/** Everything that readers can see or fetch: branches, tags, pull requests, and what the hub keeps beside them. */
export const readableRefs: readonly string[] = ['refs/heads', 'refs/tags', 'refs/pr', 'refs/convert', 'refs/holdfast']

/** The refs under the prefixes, in name order, at most `most` of them. A repo has few enough refs for a list; 100,000 is the bound. */
export async function listRefs(
  store: GitStore,
  repo: string,
  prefixes: readonly string[] = ['refs/heads', 'refs/tags'],
  most = 100_000,
): Promise<Ref[]> {
  for (const prefix of prefixes) assertRef(`${prefix}/x`)
  const format = '--format=%(refname)%00%(objectname)%00%(*objectname)'
  const args = [
    '--git-dir',
    repositoryFolder(store, repo),
    'for-each-ref',
    format,
    `--count=${most}`,
    '--',
    ...prefixes,
  ]
  const { stdout } = await runGit(store, args, { outputLimit: 64 * 1024 * 1024 })
  const refs: Ref[] = []
  for (const line of stdout.toString('utf8').split('\n')) {
    const [ref, oid, peeled] = line.split('\0')
    if (ref && oid) refs.push({ ref, oid, target: peeled || oid })
  }
  return refs
}

/** What each ref holds (unpeeled), in the order asked; null where it does not exist. */
export async function readRefs(store: GitStore, repo: string, refs: readonly string[]): Promise<(string | null)[]> {
  for (const ref of refs) assertRef(ref)
  const values = await Promise.all(refs.slice(0, peekLimit).map((ref) => peekRef(store, repo, ref)))
  const unknown = refs.filter((_, index) => !values[index])
  if (unknown.length === 0) return values
  const existing = await existingRefs(store, repo, unknown)
  const infos = await lookUp(store, repo, unknown)
  const found = new Map(unknown.map((ref, index) => [ref, existing.has(ref) ? (infos[index]?.oid ?? null) : null]))
  return refs.map((ref, index) => values[index] ?? found.get(ref) ?? null)
}

/** What the ref's own file says; null when only git can tell (packed, symbolic, gone). A loose ref always wins over a packed one. */
async function peekRef(store: GitStore, repo: string, ref: string): Promise<string | null> {
  assertRef(ref)
  const text = await readFile(join(repositoryFolder(store, repo), ref), 'latin1').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR') return ''
      throw error
    },
  )
  const oid = text.trim()
  return isOid(oid) ? oid : null
}

/**
 * The refs that may be asked for by name. A missing `refs/heads/x-gabc123` would be read as `git describe` output, that
 * is as the commit abc123: names of that form are asked for exactly, by a process of their own, because no batch can.
 */
export async function existingRefs(store: GitStore, repo: string, refs: readonly string[]): Promise<Set<string>> {
  const doubtful = refs.filter((ref) => /-g[0-9a-f]+$/i.test(ref))
  const existing = new Set(refs.filter((ref) => !doubtful.includes(ref)))
  if (doubtful.length === 0) return existing
  const args = ['--git-dir', repositoryFolder(store, repo), 'for-each-ref', '--format=%(refname)', '--', ...doubtful]
  const found = new Set((await runGit(store, args)).stdout.toString('utf8').split('\n'))
  for (const ref of doubtful) if (found.has(ref)) existing.add(ref)
  return existing
}

/** Writes the object of an annotated tag, durably, and gives its id; the ref is moved to it by the caller. */
export async function writeTagObject(
  store: GitStore,
  repo: string,
  tag: { name: string; target: string; message: string; tagger: Person },
): Promise<string> {
  assertRef(`refs/tags/${tag.name}`)
  assertOid(tag.target)
  const head = `object ${tag.target}\ntype commit\ntag ${tag.name}\ntagger ${formatPerson(tag.tagger)}\n`
  const args = ['--git-dir', repositoryFolder(store, repo), 'hash-object', '-t', 'tag', '-w', '--stdin']
  const { stdout } = await runGit(store, args, { input: `${head}\n${cleanMessage(tag.message)}` })
  return stdout.toString('latin1').trim()
}

/** Syncs the folders that name the refs; git syncs the ref files only, so a power cut could take the new name back. */
export async function syncRefFolders(repositoryPath: string, refs: readonly string[]): Promise<void> {
  const folders = new Set<string>()
  for (const ref of refs) {
    for (let folder = dirname(ref); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  const syncing = [...folders].map((folder) =>
    syncFolder(join(repositoryPath, folder)).catch((error: NodeJS.ErrnoException) => {
      // The last ref of a folder was deleted and git removed the folder; its parent is synced as well.
      if (error.code !== 'ENOENT') throw error
    }),
  )
  await Promise.all(syncing)
}

function refCommand(move: RefMove): string {
  assertRef(move.ref)
  assertOid(move.oldOid)
  assertOid(move.newOid)
  if (move.newOid === zeroOid) return `delete ${move.ref} ${move.oldOid}\n`
  return `update ${move.ref} ${move.newOid} ${move.oldOid}\n`
}

/** More refs than this are asked of git in one exchange. */
const peekLimit = 16

const answers = ['start: ok', 'prepare: ok', 'commit: ok']

/** A long-lived `update-ref --stdin` takes one transaction after another; it dies of a failed one, and is replaced. */
async function sendTransaction(store: GitStore, repo: string, commands: string[]): Promise<RefMoveResult> {
  const refused = await store.refWriters.use(repositoryFolder(store, repo), async ({ child, reader }) => {
    await markOnce(store, child, repo)
    child.stdin.write(`start\n${commands.join('')}prepare\ncommit\n`)
    for (const answer of answers) {
      const line = await reader.lineOrEnd()
      if (line === null) return child.ended
      if (line !== answer) throw new GitFailure('broken', `git update-ref answered "${line.slice(0, 100)}"`)
    }
    return null
  })
  return refused === null ? { ok: true } : explainRefusal(refused)
}

const marked = new WeakSet<GitChild>()

/** Before its first command: after a crash somebody has to wait for this process. */
async function markOnce(store: GitStore, child: GitChild, repo: string): Promise<void> {
  if (marked.has(child)) return
  const unmark = await markWriter(store, child.pid, repo)
  marked.add(child)
  child.ended.then(unmark, unmark).catch(() => undefined)
}

function explainRefusal({ code, stderr }: { code: number; stderr: string }): RefMoveResult {
  const message = stderr.trim()
  if (/but expected|reference already exists|unable to resolve reference|reference is missing/.test(message)) {
    return { ok: false, reason: 'stale', message }
  }
  if (/exists; cannot create|cannot process .* at the same time/.test(message))
    return { ok: false, reason: 'name-conflict', message }
  if (/\.lock': File exists/.test(message)) return { ok: false, reason: 'locked', message }
  throw new GitFailure('exit', `git update-ref ended with code ${code}`, message)
}
