/**
 * Compares what a shard claims with what is stored: which xorbs there are, their chunks, what the terms add up to, and the name that
 * follows for each file. All of it is answered from our own chunk indexes, without reading a xorb. A refusal never says what would have
 * been right: a file hash or a verification hash proves that the sender knows the chunks.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { hashToString, isDedupEligible } from '../../platform/xet/hash.ts'
import type { Shard, ShardFile, ShardXorb } from '../../platform/xet/shard.ts'
import {
  type ChunkIndexes,
  chunkIndexes,
  type DedupChunk,
  type FileTerms,
  findClaimedXorbs,
  termWriter,
} from '../storage/service.ts'

/** Terms of one file: half a terabyte at the shortest runs that clients make. */
const mostTerms = 1 << 18
const batchSize = 500

export interface ShardToCheck {
  readonly scope: string
  readonly shard: Shard
  readonly maxFileSize: number
  readonly signal: AbortSignal
}

/** A file whose terms lie in xorbs of the scope and whose hash follows from them. Only the claimed SHA-256 is still to be believed. */
export interface ConsistentFile {
  readonly hash: string
  readonly size: number
  readonly claimedSha256: string | null
  readonly terms: FileTerms
}

export interface ConsistentShard {
  readonly files: readonly ConsistentFile[]
  /** By which chunks global dedup may find the xorbs. */
  readonly chunks: readonly DedupChunk[]
}

/** Throws `xet_shard_invalid` and `xet_xorb_missing`. */
export async function checkShard(hub: Hub, input: ShardToCheck): Promise<ConsistentShard> {
  await refuseUnclaimed(hub, input)
  const indexes = chunkIndexes(hub.db)
  const chunks = new Map<string, string>()
  for (const xorb of input.shard.xorbs()) await checkXorb(indexes, xorb, chunks, input.signal)
  const files = new Map<string, ConsistentFile>()
  for (const file of input.shard.files()) {
    input.signal.throwIfAborted()
    const checked = await checkFile(hub, indexes, file, input)
    const before = files.get(checked.hash)
    if (before?.claimedSha256 != null && (checked.claimedSha256 ?? before.claimedSha256) !== before.claimedSha256) {
      throw invalid(`It names the file ${checked.hash} with two SHA-256.`)
    }
    if (before?.claimedSha256 == null) files.set(checked.hash, checked)
    if (checked.terms.count > 0) {
      const first = checked.terms.at(0)
      const index = await indexes.get(first.xorb)
      chunks.set(hashToString(index.hashAt(first.start)), first.xorb)
    }
  }
  return {
    files: [...files.values()],
    chunks: [...chunks].map(([chunkHash, xorbHash]) => ({ chunkHash, xorbHash })),
  }
}

/** What the scope did not send is as good as not there, whoever else has sent it. */
async function refuseUnclaimed(hub: Hub, { scope, shard, signal }: ShardToCheck): Promise<void> {
  const named = new Set<string>()
  const giveTurn = turnGiver()
  for (const xorb of shard.xorbs()) {
    named.add(xorb.hash)
    await giveTurn()
  }
  for (const file of shard.files()) {
    for (const term of file.terms()) {
      named.add(term.xorb)
      await giveTurn()
    }
  }
  signal.throwIfAborted()
  const all = [...named]
  for (let at = 0; at < all.length; at += batchSize) {
    const batch = all.slice(at, at + batchSize)
    const claimed = new Set(await findClaimedXorbs(hub.db, scope, batch))
    for (const xorb of batch) if (!claimed.has(xorb)) throw new HoldfastError('xet_xorb_missing', { xorb })
    await giveTurn()
  }
}

async function checkXorb(
  indexes: ChunkIndexes,
  xorb: ShardXorb,
  chunks: Map<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const giveTurn = turnGiver()
  signal.throwIfAborted()
  const index = await indexes.get(xorb.hash)
  const differs = (): HoldfastError => invalid(`Its list of the chunks of xorb ${xorb.hash} differs from the xorb.`)
  if (xorb.chunkCount !== index.count || xorb.rawSize !== index.rawSize) throw differs()
  let number = 0
  for (const chunk of xorb.chunks()) {
    const hash = index.hashAt(number)
    const rawStart = index.rawEndAt(number - 1)
    if (
      !hash.equals(chunk.hash) ||
      chunk.rawOffset !== rawStart ||
      chunk.length !== index.rawEndAt(number) - rawStart
    ) {
      throw differs()
    }
    // Our own rule and not the client's flag: so nobody fills the table with what nobody asks for.
    if (isDedupEligible(hash)) chunks.set(hashToString(hash), xorb.hash)
    number++
    await giveTurn()
  }
}

async function checkFile(
  hub: Hub,
  indexes: ChunkIndexes,
  file: ShardFile,
  { maxFileSize, signal }: ShardToCheck,
): Promise<ConsistentFile> {
  if (file.termCount > mostTerms) throw invalid(`The file ${file.hash} has more than ${mostTerms} terms.`)
  if (file.size > maxFileSize) throw invalid(`The file ${file.hash} is larger than ${maxFileSize} bytes.`)
  const terms = termWriter(file.termCount)
  let number = 0
  const list = hub.xet.openChunkList()
  try {
    for (const { xorb, rawLength, start, end, verification } of file.terms()) {
      signal.throwIfAborted()
      const index = await indexes.get(xorb)
      const where = `Term ${number} of the file ${file.hash}`
      if (end > index.count) throw invalid(`${where} names chunks that xorb ${xorb} does not have.`)
      if (index.rawLength(start, end) !== rawLength) throw invalid(`${where} does not have ${rawLength} bytes.`)
      if (verification !== null && !verification.equals(index.verification(start, end))) {
        throw invalid(`The verification hash of term ${number} of the file ${file.hash} is wrong.`)
      }
      await list.add(index.list(start, end))
      terms.add({ xorb, start, end, rawLength })
      number++
    }
    if ((await list.fileHash()) !== file.hash)
      throw invalid(`The terms of the file ${file.hash} are those of another file.`)
  } finally {
    list.close()
  }
  return { hash: file.hash, size: file.size, claimedSha256: file.sha256, terms: terms.terms() }
}

export function invalid(reason: string): HoldfastError {
  return new HoldfastError('xet_shard_invalid', { reason })
}
