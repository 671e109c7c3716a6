/** Bytes in overlapping windows, for scanners that take only so many at a time (MAL-11): what lies across an edge lies whole in the next. */
import { Buffer } from 'node:buffer'
import type { ByteSource } from './byte-source.ts'

export interface Window {
  /** Where it begins in the source. */
  readonly at: number
  /** Good until the next is asked for. */
  readonly bytes: Buffer
}

/** Throws where the source ends early: what was not read must not count as clean. */
export async function* windowsOf(source: ByteSource, size: number, overlap: number): AsyncGenerator<Window> {
  const buffer = Buffer.alloc(Math.min(size, source.size))
  let filled = 0
  let at = 0
  let read = 0
  for await (const piece of source.read(0, source.size)) {
    read += piece.length
    for (let from = 0; from < piece.length; ) {
      const taken = Math.min(piece.length - from, buffer.length - filled)
      buffer.set(piece.subarray(from, from + taken), filled)
      filled += taken
      from += taken
      if (filled < buffer.length) continue
      yield { at, bytes: buffer }
      const kept = at + filled < source.size ? Math.min(overlap, filled) : 0
      buffer.copyWithin(0, filled - kept, filled)
      at += filled - kept
      filled = kept
    }
  }
  if (read !== source.size) throw new Error(`only ${read} of ${source.size} bytes could be read`)
  if (filled > 0 && at + filled === source.size && source.size > buffer.length)
    yield { at, bytes: buffer.subarray(0, filled) }
}
