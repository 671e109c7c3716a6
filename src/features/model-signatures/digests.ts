/**
 * Digests of files by their content. Those of large files are their names; what lies in git, and whatever is hashed in another way, is read once
 * and remembered by content, wherever else it lies. Reading is left to jobs; hashing gives others their turn.
 */
import { createHash } from 'node:crypto'
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { readObjects } from '../../platform/git/objects.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import type { HashName } from '../../platform/model-signing/manifest.ts'
import { openFile } from '../files/service.ts'
import { insertDigests, selectDigests } from './queries.ts'

export interface DigestWay {
  readonly hash: HashName
  /** Bytes of a shard; null: the whole file. */
  readonly shardSize: number | null
}

export const plainSha256: DigestWay = { hash: 'sha256', shardSize: null }

/** A file as lists have it: a large file has `lfs`. */
export interface DigestedFile {
  readonly oid: string
  readonly size: number
  readonly lfs: { readonly sha256: string; readonly size: number } | null
}

/** Objects up to this size are read many at a time. */
const smallObject = 65_536
const smallBatch = 100
/** So many rows at a time. */
const rowBatch = 500

/** By the name of the content; whatever is not known yet is absent. */
export async function knownDigests(
  hub: Hub,
  way: DigestWay,
  files: readonly DigestedFile[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const asked = new Set<string>()
  for (const file of files) {
    if (isPlain(way) && file.lfs !== null) found.set(contentOf(file), file.lfs.sha256)
    else asked.add(contentOf(file))
  }
  const contents = [...asked]
  for (let at = 0; at < contents.length; at += rowBatch) {
    const rows = await selectDigests(hub.db, kindOf(way), contents.slice(at, at + rowBatch))
    for (const [content, digest] of rows) found.set(content, digest)
  }
  return found
}

/** Of all files. Reads what is not known yet, which can take long. A large file must be one that the repo has. */
export async function digestsOf(
  hub: Hub,
  repoId: string,
  way: DigestWay,
  files: readonly DigestedFile[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = await knownDigests(hub, way, files)
  const unknown = new Map(files.filter((file) => !found.has(contentOf(file))).map((file) => [contentOf(file), file]))
  let made: { content: string; kind: string; digest: string }[] = []
  const keep = async (content: string, digest: string): Promise<void> => {
    found.set(content, digest)
    made.push({ content, kind: kindOf(way), digest })
    if (made.length < rowBatch) return
    const rows = made
    made = []
    await hub.transaction((tx) => insertDigests(tx, rows))
  }
  const small = [...unknown.values()].filter(({ lfs, size }) => lfs === null && size <= smallObject)
  const giveTurn = turnGiver()
  for (let at = 0; at < small.length; at += smallBatch) {
    signal.throwIfAborted()
    const batch = small.slice(at, at + smallBatch)
    const objects = await readObjects(
      hub.git,
      repoId,
      batch.map(({ oid }) => oid),
      smallObject,
    )
    for (const [index, file] of batch.entries()) {
      const object = objects[index]
      if (object?.type !== 'blob') throw new Error(`The object ${file.oid} cannot be read.`)
      const digester = new Digester(way)
      digester.update(object.bytes)
      unknown.delete(contentOf(file))
      await keep(contentOf(file), digester.digest())
      await giveTurn()
    }
  }
  for (const [content, file] of unknown) await keep(content, await digestOf(hub, repoId, way, file, signal))
  const rows = made
  await hub.transaction((tx) => insertDigests(tx, rows))
  return found
}

async function digestOf(
  hub: Hub,
  repoId: string,
  way: DigestWay,
  file: DigestedFile,
  signal: AbortSignal,
): Promise<string> {
  const digester = new Digester(way)
  const giveTurn = turnGiver()
  for await (const chunk of await openFile(hub, repoId, file)) {
    signal.throwIfAborted()
    digester.update(chunk as Buffer)
    await giveTurn()
  }
  return digester.digest()
}

/** Hashes at most so much without a turn for others. */
const pieceBytes = 1 << 20

class Digester {
  readonly #way: DigestWay
  readonly #digests: string[] = []
  #hasher: Hasher
  #filled = 0

  constructor(way: DigestWay) {
    this.#way = way
    this.#hasher = makeHasher(way.hash)
  }

  update(bytes: Uint8Array): void {
    const { shardSize } = this.#way
    for (let at = 0; at < bytes.length; ) {
      const room = shardSize === null ? pieceBytes : Math.min(pieceBytes, shardSize - this.#filled)
      const piece = bytes.subarray(at, at + room)
      this.#hasher.update(piece)
      this.#filled += piece.length
      at += piece.length
      if (shardSize === null || this.#filled < shardSize) continue
      this.#digests.push(this.#hasher.hex())
      this.#hasher = makeHasher(this.#way.hash)
      this.#filled = 0
    }
  }

  digest(): string {
    if (this.#way.shardSize === null) return this.#hasher.hex()
    return (this.#filled === 0 ? this.#digests : [...this.#digests, this.#hasher.hex()]).join(',')
  }
}

interface Hasher {
  update(bytes: Uint8Array): void
  hex(): string
}

function makeHasher(name: HashName): Hasher {
  if (name === 'blake3') {
    const blake3 = new Blake3Hasher()
    return {
      update: (bytes) => void blake3.update(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
      hex: () => blake3.digest('hex'),
    }
  }
  const hash = createHash(name === 'blake2b' ? 'blake2b512' : 'sha256')
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') }
}

function isPlain({ hash, shardSize }: DigestWay): boolean {
  return hash === 'sha256' && shardSize === null
}

function kindOf({ hash, shardSize }: DigestWay): string {
  return shardSize === null ? hash : `${hash}/${shardSize}`
}
