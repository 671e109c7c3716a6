/** Bytes to text: UTF-8, UTF-16 where a mark says so, and else the Western encoding of old spreadsheets, which is said. */
import { NotShown, type Source } from './shown.ts'

export interface Read {
  readonly text: string
  /** The file goes on behind what was read. */
  readonly isCut: boolean
  readonly notes: string[]
}

/** The text at the beginning of a file, at most `most` bytes of it; what is cut loses the character that it was cut in. */
export async function readText(source: Source, most: number): Promise<Read> {
  const bytes = await source.read(0, Math.min(source.size, most))
  const isCut = bytes.length < source.size
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return { text: decode('utf-16le', bytes, isCut) ?? '', isCut, notes: [] }
  if (first === 0xfe && second === 0xff) return { text: decode('utf-16be', bytes, isCut) ?? '', isCut, notes: [] }
  if (bytes.includes(0)) throw new NotShown('This file is not text, whatever its name says.')
  const text = decode('utf-8', bytes, isCut)
  if (text !== null) return { text, isCut, notes: [] }
  const note = 'This file is not UTF-8, so it is read as Windows-1252: letters beyond ASCII may be wrong.'
  return { text: new TextDecoder('windows-1252').decode(bytes), isCut, notes: [note] }
}

function decode(encoding: string, bytes: Uint8Array, isCut: boolean): string | null {
  try {
    return new TextDecoder(encoding, { fatal: encoding === 'utf-8' }).decode(bytes, { stream: isCut })
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}
