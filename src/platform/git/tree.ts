/**
 * Folders of a commit. Trees are read whole from the pooled reader and walked here, because git's own `commit:path`
 * names would be taken for revision syntax (`x-gabcdef` is read as an abbreviated id).
 */

import type { GitStore } from './git-store.ts'
import { readNamed, readObject, readObjectInfos } from './objects.ts'
import { GitFailure } from './run.ts'
import { assertOid, assertPath } from './safe-names.ts'

export interface TreeEntry {
  /** From the root of the repository. */
  path: string
  type: 'blob' | 'tree' | 'commit'
  /** `100644`, `100755`, `120000`, `040000` or `160000`. */
  mode: string
  oid: string
  /** Bytes of a blob; 0 for everything else. */
  size: number
}

/** One folder's raw entry. */
export interface RawEntry {
  mode: string
  /** The name's bytes as latin1: compares in git's order and loses nothing. */
  rawName: string
  oid: string
}

const treeLimit = 256 * 1024 * 1024
const sizeBatch = 1_000

/** The entry at a path (the empty path is the root folder), or null. */
export async function entryAt(store: GitStore, repo: string, commit: string, path: string): Promise<TreeEntry | null> {
  assertPath(path)
  const root = await rootTree(store, repo, commit)
  if (root === null) return null
  if (path === '') return { path, type: 'tree', mode: '040000', oid: root.oid, size: 0 }
  const entry = await findEntry(store, repo, root.bytes, path)
  if (entry === null) return null
  const found = toEntry(entry, path)
  return found.type === 'blob' ? ((await withSizes(store, repo, [found]))[0] ?? null) : found
}

/** The entries at many paths, in the order asked; null for what is not there. Folders on the way are read once. */
export async function entriesAt(
  store: GitStore,
  repo: string,
  commit: string,
  paths: readonly string[],
): Promise<(TreeEntry | null)[]> {
  paths.forEach(assertPath)
  const root = await rootTree(store, repo, commit)
  if (root === null) return paths.map(() => null)
  const folders = new Map<string, Promise<Map<string, RawEntry> | null>>()
  const folderAt = (path: string): Promise<Map<string, RawEntry> | null> => {
    let folder = folders.get(path)
    if (folder === undefined) {
      folder = path === '' ? Promise.resolve(indexTree(root.bytes)) : readFolder(path)
      folders.set(path, folder)
    }
    return folder
  }
  const readFolder = async (path: string) => {
    const entry = await entryIn(path)
    if (entry?.mode !== '040000') return null
    return indexTree((await readTree(store, repo, entry.oid)).bytes)
  }
  const entryIn = async (path: string): Promise<RawEntry | null> => {
    const slash = path.lastIndexOf('/')
    const folder = await folderAt(slash < 0 ? '' : path.slice(0, slash))
    return folder?.get(rawName(path.slice(slash + 1))) ?? null
  }
  const found: (TreeEntry | null)[] = []
  for (const path of paths) {
    const entry = path === '' ? { mode: '040000', oid: root.oid, rawName: '' } : await entryIn(path)
    found.push(entry && toEntry(entry, path))
  }
  return withSizes(store, repo, found)
}

export interface ListOptions {
  recursive?: boolean
  /** The last path of the page before. */
  after?: string | null
  limit?: number
}

/** One page of a folder in git's order, folders included, each before its content. Null when the path is no folder. */
export async function listTree(
  store: GitStore,
  repo: string,
  commit: string,
  path: string,
  options: ListOptions = {},
): Promise<{ entries: TreeEntry[]; next: string | null } | null> {
  const limit = options.limit ?? 1_000
  const folder = await entryAt(store, repo, commit, path)
  if (folder?.type !== 'tree') return null
  const entries: TreeEntry[] = []
  for await (const entry of walk(
    store,
    repo,
    folder.oid,
    path,
    options.recursive ?? false,
    afterParts(path, options.after),
  )) {
    entries.push(entry)
    if (entries.length > limit) break
  }
  const isCut = entries.length > limit
  if (isCut) entries.pop()
  const sized = await withSizes(store, repo, entries)
  return { entries: sized, next: isCut ? (entries.at(-1)?.path ?? null) : null }
}

/**
 * All entries below a folder, batch by batch: memory stays bounded however large the repository is. With sizes unless `sizes` is false,
 * which spares asking for each file.
 */
export async function* walkTree(
  store: GitStore,
  repo: string,
  commit: string,
  path = '',
  options: { recursive?: boolean; sizes?: boolean } = {},
): AsyncGenerator<TreeEntry> {
  const folder = await entryAt(store, repo, commit, path)
  if (folder?.type !== 'tree') return
  let batch: TreeEntry[] = []
  for await (const entry of walk(store, repo, folder.oid, path, options.recursive ?? true, [])) {
    batch.push(entry)
    if (batch.length < sizeBatch) continue
    yield* options.sizes === false ? batch : await withSizes(store, repo, batch)
    batch = []
  }
  yield* options.sizes === false ? batch : await withSizes(store, repo, batch)
}

/** Every entry of a tree object, in order. */
export function* parseTree(bytes: Buffer): Generator<RawEntry> {
  for (let position = 0; position < bytes.length; ) {
    const space = bytes.indexOf(0x20, position)
    const zero = bytes.indexOf(0, space)
    if (space < 0 || zero < 0 || zero + 21 > bytes.length) throw new GitFailure('broken', 'a tree object is damaged')
    const mode = bytes.toString('latin1', position, space).padStart(6, '0')
    yield { mode, rawName: bytes.toString('latin1', space + 1, zero), oid: bytes.toString('hex', zero + 1, zero + 21) }
    position = zero + 21
  }
}

/** Calls `visit` with `<mode> <raw name>` of every entry, mode as written; for who looks at very many trees. */
export function visitEntries(bytes: Buffer, visit: (entry: string) => void): void {
  for (let position = 0; position < bytes.length; ) {
    const zero = bytes.indexOf(0, position)
    if (zero < 0 || zero + 21 > bytes.length) throw new GitFailure('broken', 'a tree object is damaged')
    visit(bytes.toString('latin1', position, zero))
    position = zero + 21
  }
}

/** The tree of a commit, or null when there is no such commit. */
export async function rootTree(
  store: GitStore,
  repo: string,
  commit: string,
): Promise<{ oid: string; bytes: Buffer } | null> {
  assertOid(commit)
  return readNamed(store, repo, `${commit}^{tree}`, treeLimit)
}

export async function readTree(store: GitStore, repo: string, oid: string): Promise<{ oid: string; bytes: Buffer }> {
  const tree = await readObject(store, repo, oid, treeLimit)
  if (tree?.type !== 'tree') throw new GitFailure('broken', `tree ${oid} is missing`)
  return tree
}

/** A name as its UTF-8 bytes in latin1, the form of `RawEntry.rawName`. */
export function rawName(name: string): string {
  return Buffer.from(name, 'utf8').toString('latin1')
}

/** Git sorts a folder as if its name ended with a slash. */
export function sortKey(entry: { mode: string; rawName: string }): string {
  return entry.mode === '040000' ? `${entry.rawName}/` : entry.rawName
}

/** Finds one name in a tree object without building its entries. */
export function findInTree(bytes: Buffer, name: string): RawEntry | null {
  const wanted = rawName(name)
  // The same bytes may stand inside a binary id, so a hit is only a hint; a miss is certain and costs no parse.
  if (bytes.indexOf(`${wanted}\0`, 0, 'latin1') < 0) return null
  for (const entry of parseTree(bytes)) if (entry.rawName === wanted) return entry
  return null
}

async function findEntry(store: GitStore, repo: string, root: Buffer, path: string): Promise<RawEntry | null> {
  let bytes = root
  const parts = path.split('/')
  for (const [index, part] of parts.entries()) {
    const entry = findInTree(bytes, part)
    if (entry === null || index === parts.length - 1) return entry
    if (entry.mode !== '040000') return null
    bytes = (await readTree(store, repo, entry.oid)).bytes
  }
  return null
}

async function* walk(
  store: GitStore,
  repo: string,
  tree: string,
  prefix: string,
  isRecursive: boolean,
  after: readonly string[],
): AsyncGenerator<TreeEntry> {
  const { bytes } = await readTree(store, repo, tree)
  const [afterName, ...afterRest] = after
  let isPast = afterName === undefined
  for (const raw of parseTree(bytes)) {
    const name = Buffer.from(raw.rawName, 'latin1').toString('utf8')
    const entry = toEntry(raw, prefix === '' ? name : `${prefix}/${name}`)
    const isAtCursor: boolean = !isPast && name === afterName
    if (!isPast && !isAtCursor) continue
    isPast = true
    if (!isAtCursor) yield entry
    if (isRecursive && entry.type === 'tree')
      yield* walk(store, repo, raw.oid, entry.path, true, isAtCursor ? afterRest : [])
  }
}

function afterParts(path: string, after: string | null | undefined): string[] {
  if (!after) return []
  const relative = path === '' ? after : after.slice(path.length + 1)
  return relative.split('/')
}

function indexTree(bytes: Buffer): Map<string, RawEntry> {
  const index = new Map<string, RawEntry>()
  for (const entry of parseTree(bytes)) index.set(entry.rawName, entry)
  return index
}

function toEntry(raw: RawEntry, path: string): TreeEntry {
  const type = raw.mode === '040000' ? 'tree' : raw.mode === '160000' ? 'commit' : 'blob'
  return { path, type, mode: raw.mode, oid: raw.oid, size: 0 }
}

async function withSizes<T extends TreeEntry | null>(
  store: GitStore,
  repo: string,
  entries: readonly T[],
): Promise<T[]> {
  const blobs = entries.filter((entry) => entry?.type === 'blob')
  const infos = await readObjectInfos(
    store,
    repo,
    blobs.map((entry) => entry?.oid ?? ''),
  )
  let index = 0
  return entries.map((entry) => (entry?.type === 'blob' ? { ...entry, size: infos[index++]?.size ?? 0 } : entry))
}
