/**
 * Reads the stored bytes of a file's terms in order, in runs of whole chunks. One run is in memory at a time, and the range that follows is
 * opened while this one is read, so that a store far away does not make the reader wait for each term.
 */
import type { Readable } from 'node:stream'
import type { Hub } from '../../hub.ts'
import { freeBytes } from '../../platform/blobs/free-bytes.ts'
import { givesChunksAway } from '../../platform/blobs/passing-stream.ts'
import type { ChunkIndex } from '../../platform/xet/chunk-index.ts'
import type { ChunkIndexes } from './chunk-indexes.ts'
import type { FileTerm } from './xet-terms.ts'
import { xorbNamed } from './xorbs.ts'

export interface StoredRun {
  /** Whole chunks as stored, in a memory of their own. */
  readonly bytes: Buffer<ArrayBuffer>
  readonly index: ChunkIndex
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

interface OpenTerm {
  readonly term: FileTerm
  readonly index: ChunkIndex
  readonly stream: Readable
}

/** Runs of at most `rawLimit` raw bytes, at least one chunk each. Ends in an error when `signal` aborts. */
export async function* storedRuns(
  hub: Hub,
  indexes: ChunkIndexes,
  terms: Iterable<FileTerm>,
  rawLimit: number,
  signal: AbortSignal,
): AsyncGenerator<StoredRun> {
  const open = async (term: FileTerm): Promise<OpenTerm> => {
    const index = await indexes.get(term.xorb)
    const { start, end } = index.byteRange(term.start, term.end)
    const stream = await hub.blobs.openRange(xorbNamed(term.xorb), start, end - 1)
    // Heard once more by whoever reads it; without this, a stream that fails while it waits would end the process.
    stream.on('error', () => undefined)
    return { term, index, stream }
  }
  const rest = terms[Symbol.iterator]()
  const openNext = (): Promise<OpenTerm> | null => {
    const { value, done } = rest.next()
    if (done === true) return null
    const opening = open(value)
    // It is awaited in its turn, and the reason is told then.
    opening.catch(() => undefined)
    return opening
  }
  let next = openNext()
  try {
    while (next !== null) {
      const current: OpenTerm = await next
      next = openNext()
      yield* runsOf(current, rawLimit, signal)
    }
  } finally {
    // One that could not be opened leaves nothing to close, and nobody waits for it any more.
    next?.then(({ stream }) => stream.destroy()).catch(() => undefined)
  }
}

async function* runsOf(
  { term, index, stream }: OpenTerm,
  rawLimit: number,
  signal: AbortSignal,
): AsyncGenerator<StoredRun> {
  const stop = (): void => {
    stream.destroy(new Error('Nobody reads this any more.'))
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    const chunks = stream[Symbol.asyncIterator]()
    const spend = givesChunksAway(stream) ? freeBytes : () => undefined
    let chunk: Buffer = Buffer.alloc(0)
    let left = chunk
    for (const { from, to } of index.runs(term.start, term.end, rawLimit)) {
      const { start, end } = index.byteRange(from, to)
      const bytes = Buffer.from(new ArrayBuffer(end - start))
      let filled = 0
      while (filled < bytes.length) {
        if (left.length === 0) {
          const { value, done } = await chunks.next()
          if (done === true) throw new Error(`The xorb ${term.xorb} ended before its chunk ${to - 1}.`)
          chunk = value
          left = chunk
        }
        const taken = left.copy(bytes, filled)
        filled += taken
        left = left.subarray(taken)
        if (left.length === 0) spend(chunk)
      }
      yield { bytes, index, from, to }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}
