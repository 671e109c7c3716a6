/**
 * A shard coming in: it says of which chunks files are made. Everything in it is checked, SHA-256 included, before any of it is written;
 * then its files are registered and linked to the repo, as after an upload by LFS, so that the commit finds them.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { XetFormatError } from '../../platform/xet/errors.ts'
import { mostShardBytes } from '../../platform/xet/limits.ts'
import type { Shard } from '../../platform/xet/shard.ts'
import { registeredAtOnce, registerFiles } from '../storage/service.ts'
import { callerOf } from './caller.ts'
import type { CasCall } from './cas-route.ts'
import { checkShard } from './check-shard.ts'
import { places } from './places.ts'
import { bodyFault, bodyOf, checkBodyHeaders, drainBody, untilGone } from './request-body.ts'
import { type Progress, verifyFiles } from './verify-files.ts'

/** Each may hold its 64 MiB in memory. */
const shards = places({ count: 4, perCaller: 2, waiting: 64, waitMs: 120_000 })
const bodyMs = 300_000
const checkMs = 3_600_000
/** Reading back and hashing: an hour, and a second more for each 16 MiB. */
const verifyMs = (size: number): number => 3_600_000 + (size / (16 << 20)) * 1000

export interface ShardWork extends Progress {
  stage: 'validating' | 'committing'
}

export interface ReceivedShard {
  /** Checks and registers. True if anything in it was new. `work` tells how far it is. */
  accept(work: ShardWork): Promise<boolean>
  /** Always to be called. */
  leave(): void
}

/** Waits for a place and reads the body. Throws `xet_shard_invalid` where it is no shard, and `body_too_large`. */
export async function receiveShard(call: CasCall): Promise<ReceivedShard> {
  const { hub, request } = call
  checkBodyHeaders(request, mostShardBytes)
  const bodySignal = untilGone(request, bodyMs)
  const leave = await shards.enter(callerOf(call), bodySignal)
  try {
    const shard = await hub.xet.readShard(bodyOf(request), bodySignal)
    return { leave, accept: (work) => acceptShard(call, shard, work) }
  } catch (error) {
    leave()
    await drainBody(request, mostShardBytes)
    if (error instanceof XetFormatError) {
      throw new HoldfastError('xet_shard_invalid', { reason: error.reason }, { cause: error })
    }
    throw bodyFault(error, request)
  }
}

async function acceptShard(call: CasCall, shard: Shard, work: ShardWork): Promise<boolean> {
  const { hub, request, scope } = call
  const { maxFileSize } = hub.config
  const checked = await checkShard(hub, { scope, shard, maxFileSize, signal: untilGone(request, checkMs) })
  const size = checked.files.reduce((sum, file) => sum + file.size, 0)
  const signal = untilGone(request, verifyMs(size))
  const { files, isNews } = await verifyFiles(hub, checked.files, work, signal)
  signal.throwIfAborted()
  work.stage = 'committing'
  const { files: filesAtOnce, chunks: chunksAtOnce } = registeredAtOnce
  const { chunks } = checked
  const rounds = Math.max(Math.ceil(files.length / filesAtOnce), Math.ceil(chunks.length / chunksAtOnce))
  for (let round = 0; round < rounds; round++) {
    const { resource } = await call.reauthorize()
    const someFiles = files.slice(round * filesAtOnce, (round + 1) * filesAtOnce)
    const someChunks = chunks.slice(round * chunksAtOnce, (round + 1) * chunksAtOnce)
    await registerFiles(hub, { repoId: resource.id, scope }, someFiles, someChunks)
  }
  return isNews
}
