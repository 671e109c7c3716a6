/**
 * The SHA-256 of files whose terms were found consistent, computed from the stored bytes before anything says that the repo has them: so
 * that nobody can put other bytes behind a known hash. A file that is stored already was computed then; its name says that it is the same.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { chunkIndexes, type FileTerms, type FileToRegister, findKnownFiles, storedRuns } from '../storage/service.ts'
import { type ConsistentFile, invalid } from './check-shard.ts'

/**
 * Raw bytes that are hashed at a time: few large runs are fastest, above all where threads wait long for a core; but two are in memory for
 * each file, so where many are hashed at once, by all requests together, they are smaller.
 */
const mostRunBytes = 4 << 20
const leastRunBytes = 1 << 20
const runBytesOfAll = 8 << 20
let underWay = 0
/** Files at once: as many as there are threads, or a little more while one of them reads. */
const atOnce = 3

export interface Progress {
  /** Raw bytes. */
  total: number
  verified: number
}

export interface VerifiedFiles {
  readonly files: readonly FileToRegister[]
  /** Whether any of them was not stored before. */
  readonly isNews: boolean
}

/** Throws `xet_shard_invalid` where a claimed SHA-256 is not that of the bytes. */
export async function verifyFiles(
  hub: Hub,
  files: readonly ConsistentFile[],
  progress: Progress,
  signal: AbortSignal,
): Promise<VerifiedFiles> {
  const known = await findKnownFiles(
    hub.db,
    files.map((file) => file.hash),
  )
  const unknown = files.filter((file) => !known.has(file.hash))
  progress.total = unknown.reduce((sum, file) => sum + file.size, 0)
  const computed = new Map<string, string>()
  const rest = unknown.values()
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const work = async (): Promise<void> => {
    for (const file of rest) {
      computed.set(file.hash, await sha256Of(hub, file.terms, progress, either))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, unknown.length) }, work))
  } catch (error) {
    failed.abort(error)
    throw error
  }
  const verified = files.map((file) => {
    const sha256 = known.get(file.hash)?.sha256 ?? computed.get(file.hash)
    if (sha256 === undefined) throw new Error(`The file ${file.hash} was left out.`)
    // The right one is not said: it would tell what bytes these are.
    if (file.claimedSha256 !== null && file.claimedSha256 !== sha256) {
      throw invalid(`The bytes of the file ${file.hash} do not have the SHA-256 ${file.claimedSha256}.`)
    }
    return { hash: file.hash, size: file.size, sha256, terms: file.terms }
  })
  return { files: verified, isNews: unknown.length > 0 }
}

async function sha256Of(hub: Hub, terms: FileTerms, progress: Progress, signal: AbortSignal): Promise<string> {
  const hash = hub.xet.openFileHash()
  underWay++
  const runBytes = Math.max(leastRunBytes, Math.min(mostRunBytes, Math.floor(runBytesOfAll / underWay)))
  try {
    let hashing: Promise<void> = Promise.resolve()
    for await (const { bytes, index, from, to } of storedRuns(hub, chunkIndexes(hub.db), terms, runBytes, signal)) {
      // The next run is read while this one is hashed.
      await hashing
      hashing = hash.update(bytes)
      // Awaited before the next run or after the last; a fault is told then.
      hashing.catch(() => undefined)
      progress.verified += index.rawLength(from, to)
    }
    await hashing
    return await hash.digest()
  } catch (error) {
    if (signal.aborted && signal.reason instanceof HoldfastError) throw signal.reason
    throw error
  } finally {
    underWay--
    hash.close()
  }
}
