/** Bytes that can be read from any place: a file, a stored blob, a part of one, or what lies in memory. */
import { Buffer } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'

export const pieceBytes = 1 << 18

export interface ByteSource {
  readonly size: number
  /** Pieces of at most `pieceBytes`; each is only good until the next is asked for. Ends early when the source does. */
  read(from: number, to: number): AsyncIterable<Uint8Array>
}

export async function openFileSource(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const file = await open(path, 'r')
  const { size } = await file.stat()
  return { size, read: (from, to) => readFileRange(file, from, to), close: () => file.close() }
}

async function* readFileRange(file: FileHandle, from: number, to: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(pieceBytes, Math.max(1, to - from)))
  let at = from
  while (at < to) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async *read(from, to) {
      for (let at = from; at < Math.min(to, bytes.length); at += pieceBytes) {
        yield bytes.subarray(at, Math.min(at + pieceBytes, to))
      }
    },
  }
}

/** The part of a source between two places, as a source. */
export function partOf(source: ByteSource, from: number, to: number): ByteSource {
  const end = Math.max(from, Math.min(to, source.size))
  return { size: end - from, read: (first, last) => source.read(from + first, Math.min(from + last, end)) }
}

/** Up to `length` bytes from `from`, in one piece. */
export async function readBytes(source: ByteSource, from: number, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const to = Math.min(source.size, from + length)
  for await (const piece of source.read(from, to)) parts.push(Uint8Array.from(piece))
  return Buffer.concat(parts)
}
