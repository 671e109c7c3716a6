/**
 * Reading objects through the pooled `cat-file --batch-command` processes: no spawn for a look-up, thousands in one
 * exchange, and never more of an object in memory than its caller allowed.
 */
import { Readable } from 'node:stream'
import { type GitStore, repositoryFolder } from './git-store.ts'
import type { ObjectContent, ObjectInfo, ObjectType } from './object.ts'
import { ObjectCache } from './object-cache.ts'
import type { PooledProcess } from './process-pool.ts'
import { GitFailure, startGit } from './run.ts'
import { assertOid } from './safe-names.ts'

export type { ObjectContent, ObjectInfo, ObjectType } from './object.ts'

const batchSize = 5_000
const caches = new WeakMap<GitStore, ObjectCache>()
/** Larger blobs get a process of their own, so that slow readers cannot hold the pool. */
const pooledBlobLimit = 1024 * 1024

/** Type and size of each object, in the order asked; null for what is not there. */
export async function readObjectInfos(
  store: GitStore,
  repo: string,
  oids: readonly string[],
): Promise<(ObjectInfo | null)[]> {
  oids.forEach(assertOid)
  const cache = cacheOf(store)
  const infos = oids.map((oid) => cache.findInfo(repo, oid))
  const unknown = oids.filter((_, index) => infos[index] === null)
  if (unknown.length === 0) return infos
  const found = await lookUp(store, repo, unknown)
  for (const [index, info] of found.entries()) if (info !== null) cache.keepInfo(repo, unknown[index] ?? '', info)
  let next = 0
  return infos.map((info) => info ?? found[next++] ?? null)
}

/**
 * Like `readObjectInfos`, for names that this folder composed itself (`refs/heads/x^{commit}`).
 * Never pass what a user wrote: git reads revision syntax here.
 */
export async function lookUp(store: GitStore, repo: string, names: readonly string[]): Promise<(ObjectInfo | null)[]> {
  if (names.length === 0) return []
  return store.readers.use(repositoryFolder(store, repo), async (process) => {
    const infos: (ObjectInfo | null)[] = []
    for (let start = 0; start < names.length; start += batchSize) {
      const batch = names.slice(start, start + batchSize)
      process.child.stdin.write(`${batch.map((name) => `info ${name}\n`).join('')}flush\n`)
      for (let index = 0; index < batch.length; index++) {
        infos.push(parseHeader(process.reader.lineNow() ?? (await process.reader.line())))
      }
    }
    return infos
  })
}

/** A whole object, or null. Throws `too-large` when it has more than `maxBytes`. */
export async function readObject(
  store: GitStore,
  repo: string,
  oid: string,
  maxBytes: number,
): Promise<ObjectContent | null> {
  assertOid(oid)
  return readNamed(store, repo, oid, maxBytes)
}

/** Like `readObject`, for names composed in this folder. */
export async function readNamed(
  store: GitStore,
  repo: string,
  name: string,
  maxBytes: number,
): Promise<ObjectContent | null> {
  const cache = cacheOf(store)
  const known = cache.findContent(repo, name)
  if (known !== null && known.size <= maxBytes) return known
  const content = await store.readers.use(repositoryFolder(store, repo), (process) => {
    process.child.stdin.write(`contents ${name}\nflush\n`)
    return readContent(process, maxBytes)
  })
  if (content !== null) cache.keepContent(repo, name, content)
  return content
}

function cacheOf(store: GitStore): ObjectCache {
  let cache = caches.get(store)
  if (cache === undefined) {
    cache = new ObjectCache()
    caches.set(store, cache)
  }
  return cache
}

/** Many small objects in one exchange, in the order asked; null for what is missing. The caller bounds the sum. */
export async function readObjects(
  store: GitStore,
  repo: string,
  oids: readonly string[],
  maxBytes: number,
): Promise<(ObjectContent | null)[]> {
  oids.forEach(assertOid)
  if (oids.length === 0) return []
  return store.readers.use(repositoryFolder(store, repo), async (process) => {
    process.child.stdin.write(`${oids.map((oid) => `contents ${oid}\n`).join('')}flush\n`)
    const contents: (ObjectContent | null)[] = []
    for (let index = 0; index < oids.length; index++) contents.push(await readContent(process, maxBytes))
    return contents
  })
}

/** First and last byte, both inclusive, as in an HTTP range. */
export interface ByteRange {
  first: number
  last: number
}

/** A blob of any size as a back-pressured stream. The size must be the blob's own (from `readObjectInfos` or a tree). */
export function streamBlob(
  store: GitStore,
  repo: string,
  blob: { oid: string; size: number },
  range?: ByteRange,
): Readable {
  assertOid(blob.oid)
  const first = range?.first ?? 0
  const last = Math.min(range?.last ?? blob.size - 1, blob.size - 1)
  const chunks =
    blob.size <= pooledBlobLimit ? pooledBlob(store, repo, blob.oid) : ownProcessBlob(store, repo, blob.oid)
  return Readable.from(cut(chunks, first, last), { objectMode: false })
}

async function* pooledBlob(store: GitStore, repo: string, oid: string): AsyncGenerator<Buffer> {
  const content = await readObject(store, repo, oid, pooledBlobLimit)
  if (content?.type !== 'blob') throw new GitFailure('broken', `blob ${oid} is missing`)
  yield content.bytes
}

async function* ownProcessBlob(store: GitStore, repo: string, oid: string): AsyncGenerator<Buffer> {
  const args = ['--git-dir', repositoryFolder(store, repo), 'cat-file', 'blob', oid]
  const child = await startGit(store, args, { timeLimitMs: 6 * 3_600_000 })
  try {
    yield* child.stdout as AsyncIterable<Buffer>
    const { code, stderr } = await child.ended
    if (code !== 0) throw new GitFailure('exit', `git cat-file ended with code ${code}`, stderr)
  } finally {
    child.stop(new GitFailure('aborted', 'the blob is not read any further'))
  }
}

/** git cannot seek in a compressed object: what lies before the range is read and dropped, what lies after is not read. */
async function* cut(chunks: AsyncIterable<Buffer>, first: number, last: number): AsyncGenerator<Buffer> {
  let position = 0
  if (last < first) return
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, first - position), Math.max(0, last + 1 - position))
    position += chunk.length
    if (part.length > 0) yield part
    if (position > last) return
  }
}

async function readContent(process: PooledProcess, maxBytes: number): Promise<ObjectContent | null> {
  const info = parseHeader(await process.reader.line())
  if (info === null) return null
  if (info.size > maxBytes) throw new GitFailure('too-large', `object ${info.oid} has ${info.size} bytes`)
  const bytes = await process.reader.exactly(info.size)
  await process.reader.exactly(1)
  return { ...info, bytes }
}

/** `<oid> <type> <size>`, or `<name> missing|ambiguous`. */
export function parseHeader(line: string): ObjectInfo | null {
  const typeEnd = line.indexOf(' ', 41)
  const type = line.slice(41, typeEnd)
  if (typeEnd > 0 && isObjectType(type)) {
    const size = Number(line.slice(typeEnd + 1))
    if (Number.isSafeInteger(size)) return { oid: line.slice(0, 40), type, size }
  }
  if (line.endsWith(' missing') || line.endsWith(' ambiguous')) return null
  throw new GitFailure('broken', `git cat-file answered "${line.slice(0, 100)}"`)
}

function isObjectType(type: string): type is ObjectType {
  return type === 'blob' || type === 'tree' || type === 'commit' || type === 'tag'
}
