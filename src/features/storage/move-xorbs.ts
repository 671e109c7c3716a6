/**
 * The xorbs that the move writes: each grows in a file without a name, and goes through the same door as one that a client sends. They hold
 * chunks of one blob only, so every scope that has the blob may build on them.
 */
import { read, write } from 'node:fs'
import { promisify } from 'node:util'
import type { Hub } from '../../hub.ts'
import type { StagedBlob } from '../../platform/blobs/blob-store.ts'
import { ChunkIndex } from '../../platform/xet/chunk-index.ts'
import { hashToString, isDedupEligible } from '../../platform/xet/hash.ts'
import type { ReceivedXorb } from '../../platform/xet/xet-workers.ts'
import { insertChunks, insertClaim } from './xorb-queries.ts'
import { storeXorb } from './xorbs.ts'

const readAt = promisify(read)
const writeAt = promisify(write)
const copiedAtOnce = 1 << 20

export class MovedXorbs {
  readonly #hub: Hub
  readonly #scopes: readonly [string, ...string[]]
  readonly #signal: AbortSignal
  readonly #open = new Map<number, StagedBlob>()
  /** Stored bytes of those that were written. */
  size = 0

  constructor(hub: Hub, scopes: readonly [string, ...string[]], signal: AbortSignal) {
    this.#hub = hub
    this.#scopes = scopes
    this.#signal = signal
  }

  /** As `CutterOptions.openXorb`. */
  async open(): Promise<number> {
    const staged = await this.#hub.blobs.openStaged()
    this.#open.set(staged.fd, staged)
    return staged.fd
  }

  /** Publishes and claims it. Throws `busy` in the moment in which the same xorb is being removed. */
  async finish(fd: number, xorb: ReceivedXorb & { readonly hash: string }): Promise<ChunkIndex> {
    const { hash } = xorb
    const [scope, ...others] = this.#scopes
    await storeXorb(this.#hub, {
      scope,
      hash,
      receive: async (target) => {
        if (target !== null) {
          await copyBytes(fd, target, xorb.size)
          this.size += xorb.size
        }
        return xorb
      },
      reauthorize: async () => this.#signal.throwIfAborted(),
    })
    const index = new ChunkIndex(xorb.chunkIndex)
    const chunks = chunksToFind(index)
    const now = this.#hub.clock.now()
    await this.#hub.transaction(async (tx) => {
      for (const other of others) await insertClaim(tx, other, hash, now)
      await insertChunks(
        tx,
        this.#scopes.flatMap((claimant) => chunks.map((chunkHash) => ({ scope: claimant, chunkHash, xorbHash: hash }))),
      )
    })
    await this.#discard(fd)
    return index
  }

  /** Nothing may write to the files any more. */
  async close(): Promise<void> {
    for (const fd of [...this.#open.keys()]) await this.#discard(fd)
  }

  async #discard(fd: number): Promise<void> {
    await this.#open.get(fd)?.discard()
    this.#open.delete(fd)
  }
}

/** What global dedup knows of every xorb, and its first chunk: by that a move that was interrupted finds what it had stored. */
function chunksToFind(index: ChunkIndex): string[] {
  const found = new Set<string>([hashToString(index.hashAt(0))])
  for (let number = 1; number < index.count; number++) {
    const hash = index.hashAt(number)
    if (isDedupEligible(hash)) found.add(hashToString(hash))
  }
  return [...found]
}

async function copyBytes(from: number, to: number, size: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(size, copiedAtOnce))
  for (let at = 0; at < size; ) {
    const { bytesRead } = await readAt(from, buffer, 0, Math.min(buffer.length, size - at), at)
    if (bytesRead === 0) throw new Error('A xorb that was just written ended too early.')
    for (let done = 0; done < bytesRead; ) {
      const { bytesWritten } = await writeAt(to, buffer, done, bytesRead - done, at + done)
      done += bytesWritten
    }
    at += bytesRead
  }
}
