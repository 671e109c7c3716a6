/**
 * The bytes of a blob, in whichever form they lie: the object in the blob store, or the chunks of a Xet file. Whoever asks has been
 * authorized on a repo that links the blob.
 */
import type { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { PassingStream } from '../../platform/blobs/passing-stream.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { chunkIndexes } from './chunk-indexes.ts'
import { type StoredRun, storedRuns } from './stored-runs.ts'
import { selectBlobPlace } from './xet-file-queries.ts'
import { getXetFile, type XetFile } from './xet-files.ts'
import type { FileTerm } from './xet-terms.ts'

/** Raw bytes that are decoded at a time. */
const runBytes = 1 << 20
/** Runs that are read and decoded ahead of the reader. */
const ahead = 3

/** The bytes from `start` to `end`, both included. Throws `entry_not_found` if they are gone. */
export async function openBlob(
  hub: Hub,
  blob: { readonly sha256: string },
  start: number,
  end: number,
): Promise<Readable> {
  const place = await selectBlobPlace(hub.db, blob.sha256)
  const xetHash = place?.xetHash ?? null
  if (xetHash !== null && place?.hasObject === false) return await openXetRange(hub, xetHash, start, end)
  try {
    return await hub.blobs.openRange(objectNamed(blob.sha256), start, end)
  } catch (error) {
    // The object may have moved into the Xet file since its row was read.
    if (xetHash === null || !(error instanceof HoldfastError) || error.code !== 'entry_not_found') throw error
    return await openXetRange(hub, xetHash, start, end)
  }
}

/**
 * The raw bytes of a Xet file from `start` to `end`, both included. Throws `entry_not_found` before anything is sent if they are gone.
 * Destroying the stream ends all work behind it.
 */
export async function openXetRange(hub: Hub, xetHash: string, start: number, end: number): Promise<Readable> {
  const file = await getXetFile(hub.db, xetHash)
  if (!(start >= 0 && start <= end && end < file.size)) throw new RangeError(`Bytes ${start} to ${end} of ${file.size}`)
  const abort = new AbortController()
  const pieces = rawPieces(hub, file, start, end, abort.signal)
  let first: IteratorResult<Buffer> | null = await pieces.next()
  const next = async (): Promise<IteratorResult<Buffer>> => {
    const given = first
    first = null
    return given ?? (await pieces.next())
  }
  // Each piece was made for this reader.
  return new PassingStream({
    // One at a time: two that wait would be copied into one. What is read ahead is read below.
    highWaterMark: 1,
    read() {
      next().then(
        ({ value, done }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      )
    },
    destroy(error, callback) {
      abort.abort()
      pieces.return(undefined).then(
        () => callback(error),
        (fault: unknown) => callback(error ?? (fault instanceof Error ? fault : new Error(String(fault)))),
      )
    },
  })
}

async function* rawPieces(
  hub: Hub,
  file: XetFile,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const indexes = chunkIndexes(hub.db)
  const cut = await cutTerms(file, start, end, async (term) => await indexes.get(term.xorb))
  const runs = storedRuns(hub, indexes, cut.terms, runBytes, signal)
  const decoding: Promise<Buffer>[] = []
  let isRead = false
  const readAhead = async (count: number): Promise<void> => {
    while (!isRead && decoding.length < count) {
      const run = await runs.next()
      if (run.done === true) {
        isRead = true
        return
      }
      const raw = decoded(hub, run.value)
      // Awaited in its turn; a failure is told then.
      raw.catch(() => undefined)
      decoding.push(raw)
    }
  }
  let skip = cut.offset
  let left = end - start + 1
  try {
    // The first piece does not wait for those behind it.
    await readAhead(1)
    while (left > 0) {
      const raw = await decoding.shift()
      if (raw === undefined) throw new Error(`The Xet file ${file.hash} ended ${left} bytes too early.`)
      const piece = raw.subarray(skip, skip + left)
      skip = 0
      left -= piece.length
      yield piece
      if (left > 0) await readAhead(ahead)
    }
  } finally {
    await runs.return(undefined)
  }
}

/** The terms that hold the bytes, the first and the last cut to whole chunks, and where in the first of them the bytes begin. */
export async function cutTerms(
  file: XetFile,
  start: number,
  end: number,
  indexOf: (term: FileTerm) => Promise<{
    rawEndAt(index: number): number
    findByRawOffset(offset: number): number
  }>,
): Promise<{ readonly terms: FileTerm[]; readonly offset: number }> {
  const terms: FileTerm[] = []
  let offset = 0
  let at = 0
  const giveTurn = turnGiver()
  for (let number = 0; number < file.terms.count && at <= end; number++) {
    await giveTurn()
    const termStart = at
    at += file.terms.rawLengthAt(number)
    if (at <= start) continue
    const term = file.terms.at(number)
    if (termStart >= start && at - 1 <= end) {
      terms.push(term)
      continue
    }
    const index = await indexOf(term)
    const base = index.rawEndAt(term.start - 1)
    const from = termStart >= start ? term.start : index.findByRawOffset(base + start - termStart)
    const to = at - 1 <= end ? term.end : index.findByRawOffset(base + end - termStart) + 1
    const rawStart = index.rawEndAt(from - 1)
    if (termStart < start) offset = base + start - termStart - rawStart
    terms.push({ xorb: term.xorb, start: from, end: to, rawLength: index.rawEndAt(to - 1) - rawStart })
  }
  if (at <= end) throw new HoldfastError('entry_not_found')
  return { terms, offset }
}

const headerBytes = 8

/** Chunks that are stored as they are need no thread: their headers are cut out where the bytes lie. */
async function decoded(hub: Hub, { bytes, index, from, to }: StoredRun): Promise<Buffer> {
  const base = index.endAt(from - 1)
  for (let chunk = from; chunk < to; chunk++) {
    // The fifth byte of a header says how the chunk is compressed.
    if (bytes[index.endAt(chunk - 1) - base + 4] !== 0) return await hub.xet.decode(bytes)
  }
  let filled = 0
  for (let chunk = from; chunk < to; chunk++) {
    const start = index.endAt(chunk - 1) - base + headerBytes
    const end = index.endAt(chunk) - base
    bytes.copyWithin(filled, start, end)
    filled += end - start
  }
  // Of just this size, so that whoever has sent it can give its memory back.
  return Buffer.from(bytes.buffer.transfer(filled))
}
