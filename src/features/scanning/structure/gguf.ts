/**
 * Whether the header of a GGUF file is true, and what its chat template does: the template is a program (Jinja) that the loader runs, and one that reaches for
 * Python's insides is an attack on whoever renders it.
 */
import { type ByteSource, readBytes } from '../byte-source.ts'
import type { ScanReport } from '../scanner.ts'

/** The header of a large model with its vocabulary has some ten megabytes; what is longer is not read to its end. */
const mostHeader = 64 << 20
const mostKeys = 100_000
const templateKey = /^tokenizer\.chat_template(s|\..*)?$/
/** What a template needs only to get out of its sandbox; Jinja reads the escapes of Python in texts, and puts texts together. */
const escapes =
  /__\w+__|["']__\w|\w__["']|\battr\s*\(|\|\s*attr\b|\b(lipsum|cycler|joiner|self|request|config)\s*\.\s*__|\bimport\s+os\b|\bpopen\b|\\(?:x5[fF]|u005[fF]|U0000005[fF]|137|N\{LOW LINE\})/

const fixed: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const stringType = 8
const arrayType = 9

/** Null where the bytes are not GGUF. */
export async function checkGguf(source: ByteSource): Promise<ScanReport | null> {
  const magic = Buffer.from(await readBytes(source, 0, 4)).toString('latin1')
  if (magic !== 'GGUF') return null
  const bytes = Buffer.from(await readBytes(source, 0, Math.min(source.size, mostHeader)))
  try {
    return readHeader(new HeaderReader(bytes), source.size)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.isCut && source.size > mostHeader)
      return { level: 'caution', message: 'partly scanned: its GGUF header is longer than is read' }
    return { level: 'suspicious', message: `GGUF: ${error.message}` }
  }
}

class Fault extends Error {
  readonly isCut: boolean

  constructor(message: string, isCut = false) {
    super(message)
    this.isCut = isCut
  }
}

function readHeader(reader: HeaderReader, fileSize: number): ScanReport {
  reader.skip(4)
  const version = reader.u32()
  if (version < 1 || version > 3) throw new Fault(`version ${version} is not known`)
  const isShort = version === 1
  const tensors = isShort ? reader.u32() : reader.u64()
  const keys = isShort ? reader.u32() : reader.u64()
  if (tensors * 24 > fileSize) throw new Fault(`it is said to have ${tensors} tensors, more than fit into it`)
  if (keys > mostKeys) throw new Fault(`it is said to have ${keys} keys`)
  let templates = 0
  for (let key = 0; key < keys; key++) {
    const name = reader.text(isShort)
    const type = reader.u32()
    if (!templateKey.test(name)) reader.skipValue(type, isShort)
    else {
      templates++
      for (const template of reader.texts(type, isShort)) {
        const found = escapes.exec(template)?.[0]
        if (found !== undefined) {
          return {
            level: 'unsafe',
            message: `GGUF: its chat template reaches out of its sandbox with "${found.slice(0, 60)}"`,
          }
        }
      }
    }
  }
  for (let tensor = 0; tensor < tensors; tensor++) {
    reader.text(isShort)
    const dimensions = reader.u32()
    if (dimensions > 8) throw new Fault(`a tensor is said to have ${dimensions} dimensions`)
    reader.skip(dimensions * (isShort ? 4 : 8))
    reader.skip(4)
    if (reader.u64() > fileSize) throw new Fault('a tensor lies outside of the file')
  }
  return {
    level: 'safe',
    message: templates === 0 ? null : 'has a chat template, which is a program that its loader runs',
  }
}

class HeaderReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new Fault('its header does not end within the file', true)
    this.#at += length
  }

  u32(): number {
    this.skip(4)
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  u64(): number {
    this.skip(8)
    const value = this.#bytes.readBigUInt64LE(this.#at - 8)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Fault(`a length of ${value} is impossible`)
    return Number(value)
  }

  text(isShort: boolean): string {
    const length = isShort ? this.u32() : this.u64()
    this.skip(length)
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }

  texts(type: number, isShort: boolean): string[] {
    if (type === stringType) return [this.text(isShort)]
    if (type !== arrayType || this.u32() !== stringType) throw new Fault('its chat template is no text')
    const count = isShort ? this.u32() : this.u64()
    return Array.from({ length: Math.min(count, 1_000) }, () => this.text(isShort))
  }

  skipValue(type: number, isShort: boolean, depth = 0): void {
    const width = fixed[type]
    if (width !== undefined) this.skip(width)
    else if (type === stringType) this.skip(isShort ? this.u32() : this.u64())
    else this.#skipArray(type, isShort, depth)
  }

  #skipArray(type: number, isShort: boolean, depth: number): void {
    if (type !== arrayType || depth > 4) throw new Fault(`a value of type ${type} is not known`)
    const inner = this.u32()
    const count = isShort ? this.u32() : this.u64()
    const innerWidth = fixed[inner]
    if (innerWidth !== undefined) this.skip(count * innerWidth)
    else for (let index = 0; index < count; index++) this.skipValue(inner, isShort, depth + 1)
  }
}
