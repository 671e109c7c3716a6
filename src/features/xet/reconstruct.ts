/**
 * From a file, or a range of it, to what a client must fetch: the terms, cut to whole chunks, and for each xorb the ranges that cover them.
 * Ranges that touch are one. Each range has an address of its own, so that no client asks for several at once (xet.md 1.3).
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import type { ByteRange } from '../../platform/xet/chunk-index.ts'
import { chunkIndexes, cutTerms, type FileTerm, type XetFile } from '../storage/service.ts'

export interface ChunkRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface Reconstruction {
  /** Where in the first term the range begins. */
  readonly offset: number
  readonly terms: readonly FileTerm[]
  /** Xorbs in the order in which they are needed, each with its ranges in order. */
  readonly xorbs: ReadonlyMap<string, readonly ChunkRange[]>
}

/** `range`: both ends included; null for the whole file. Throws `range_not_satisfiable`. */
export async function reconstruct(
  hub: Hub,
  file: XetFile,
  range: { readonly start: number; readonly end: number } | null,
): Promise<Reconstruction> {
  if (file.size === 0) return { offset: 0, terms: [], xorbs: new Map() }
  const { start, end } = range ?? { start: 0, end: file.size - 1 }
  const indexes = chunkIndexes(hub.db)
  const { terms, offset } = await cutTerms(file, start, end, async (term) => await indexes.get(term.xorb))
  const wanted = new Map<string, ChunkRange[]>()
  const giveTurn = turnGiver()
  for (const term of terms) {
    const ranges = wanted.get(term.xorb)
    if (ranges === undefined) wanted.set(term.xorb, [term])
    else ranges.push(term)
    await giveTurn()
  }
  const xorbs = new Map<string, readonly ChunkRange[]>()
  for (const [xorb, ranges] of wanted) {
    xorbs.set(xorb, merged(ranges))
    await giveTurn()
  }
  return { offset, terms, xorbs }
}

/** In order; ranges that overlap or touch become one. */
export function merged(ranges: readonly ChunkRange[]): ChunkRange[] {
  const result: { start: number; end: number }[] = []
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}

export interface FetchRange {
  readonly chunks: ChunkRange
  readonly bytes: ByteRange
}

/** The ranges of one xorb with the bytes in which they lie. */
export async function fetchRanges(hub: Hub, xorb: string, ranges: readonly ChunkRange[]): Promise<FetchRange[]> {
  const index = await chunkIndexes(hub.db).get(xorb)
  return ranges.map((chunks) => ({ chunks, bytes: index.byteRange(chunks.start, chunks.end) }))
}

/** What a `Range` header asks of the file; null for all of it. Throws `range_not_satisfiable`, also for any range of an empty file. */
export function rangeOf(header: string | null, size: number): { start: number; end: number } | null {
  if (header === null) return null
  const match = /^\s*bytes\s*=\s*(\d{1,20})\s*-\s*(\d{0,20})\s*$/i.exec(header)
  if (match === null) return null
  const start = Number(match[1])
  // Clients that want all of it ask up to 2^64.
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (start >= size || end < start) {
    throw new HoldfastError('range_not_satisfiable', { size }, { headers: { 'content-range': `bytes */${size}` } })
  }
  return { start, end }
}
