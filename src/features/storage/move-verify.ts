/** Whether a file of terms really gives the bytes that it stands for: they are read back as a reader would get them, every one of them. */
import type { Hub } from '../../hub.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { XetFormatError } from '../../platform/xet/errors.ts'
import { chunkIndexes } from './chunk-indexes.ts'
import type { Pace } from './move-pace.ts'
import { insertDamaged, selectDamagedXorbs } from './move-queries.ts'
import { storedRuns } from './stored-runs.ts'
import type { XetFile } from './xet-files.ts'
import type { FileTerms } from './xet-terms.ts'
import { selectXorbSize } from './xorb-queries.ts'
import { xorbNamed } from './xorbs.ts'

/** Raw bytes that are hashed at a time. */
const runBytes = 1 << 20

/** Thrown where stored bytes are not what they should be: nothing is removed then, and nothing registered. */
export class DamagedBytes extends Error {}

/** Throws `DamagedBytes`, after noting which xorbs are to blame. */
export async function verifyFile(hub: Hub, file: XetFile, pace: Pace, signal: AbortSignal): Promise<void> {
  const xorbs = await xorbsOf(file.terms)
  const known = await selectDamagedXorbs(hub.db, xorbs)
  if (known.length > 0) throw new DamagedBytes(`The xorbs ${known.join(', ')} are damaged.`)
  if ((await fileHashOfTerms(hub, file, signal)) !== file.hash) {
    throw new DamagedBytes(`The terms of the file ${file.hash} are those of another one.`)
  }
  const fault = await readBack(hub, file, pace, signal)
  if (fault === null) return
  await blameXorbs(hub, xorbs, signal)
  throw new DamagedBytes(`The file ${file.hash} does not give the bytes of ${file.sha256}: ${fault}`)
}

/** In the order of their hashes, as everybody takes them who locks several. */
export async function xorbsOf(terms: FileTerms): Promise<string[]> {
  const giveTurn = turnGiver()
  const xorbs = new Set<string>()
  for (const { xorb } of terms) {
    xorbs.add(xorb)
    await giveTurn()
  }
  return [...xorbs].sort()
}

async function fileHashOfTerms(hub: Hub, file: XetFile, signal: AbortSignal): Promise<string> {
  const indexes = chunkIndexes(hub.db)
  const list = hub.xet.openChunkList()
  try {
    for (const { xorb, start, end } of file.terms) {
      signal.throwIfAborted()
      await list.add((await indexes.get(xorb)).list(start, end))
    }
    return await list.fileHash()
  } finally {
    list.close()
  }
}

/** What is wrong, or null. */
async function readBack(hub: Hub, file: XetFile, pace: Pace, signal: AbortSignal): Promise<string | null> {
  const hash = hub.xet.openFileHash()
  let size = 0
  try {
    for await (const { bytes, index, from, to } of storedRuns(
      hub,
      chunkIndexes(hub.db),
      file.terms,
      runBytes,
      signal,
    )) {
      await pace.work(() => hash.update(bytes), signal)
      size += index.rawLength(from, to)
    }
    const sha256 = await hash.digest()
    return sha256 === file.sha256 && size === file.size ? null : `they are ${size} bytes with the SHA-256 ${sha256}.`
  } catch (error) {
    if (error instanceof XetFormatError) return error.reason
    throw error
  } finally {
    hash.close()
  }
}

async function blameXorbs(hub: Hub, xorbs: readonly string[], signal: AbortSignal): Promise<void> {
  for (const hash of xorbs) {
    const size = (await selectXorbSize(hub.db, hash)) ?? 0
    try {
      const bytes = await hub.blobs.openRange(xorbNamed(hash), 0, size - 1)
      await hub.xet.receiveXorb(bytes, hash, null, signal)
    } catch (error) {
      if (!(error instanceof XetFormatError)) throw error
      const { reason } = error
      hub.log.error({ xorb: hash, reason }, 'A stored xorb is damaged')
      await hub.transaction((tx) => insertDamaged(tx, { kind: 'xorb', hash, size, reason }, hub.clock.now()))
    }
  }
}
