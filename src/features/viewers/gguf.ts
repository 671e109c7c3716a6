/** The header of a GGUF file: metadata and tensors. Read in windows, since a vocabulary of some hundred thousand words stands in its midst. */
import { limits } from './limits.ts'
import { NotShown, type ShownTensors, type Source } from './shown.ts'
import { parametersOf, type Tensor, tensorPage } from './tensor-page.ts'

const windowBytes = 1 << 20
const mostKeys = 100_000
const shownOfArray = 10
const mostText = 64 << 10

const widths: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const stringType = 8
const arrayType = 9

/** Name, values in a block, bytes of a block. */
const types: Readonly<Record<number, readonly [string, number, number]>> = {
  0: ['F32', 1, 4],
  1: ['F16', 1, 2],
  2: ['Q4_0', 32, 18],
  3: ['Q4_1', 32, 20],
  6: ['Q5_0', 32, 22],
  7: ['Q5_1', 32, 24],
  8: ['Q8_0', 32, 34],
  9: ['Q8_1', 32, 36],
  10: ['Q2_K', 256, 84],
  11: ['Q3_K', 256, 110],
  12: ['Q4_K', 256, 144],
  13: ['Q5_K', 256, 176],
  14: ['Q6_K', 256, 210],
  15: ['Q8_K', 256, 292],
  16: ['IQ2_XXS', 256, 66],
  17: ['IQ2_XS', 256, 74],
  18: ['IQ3_XXS', 256, 98],
  19: ['IQ1_S', 256, 50],
  20: ['IQ4_NL', 32, 18],
  21: ['IQ3_S', 256, 110],
  22: ['IQ2_S', 256, 82],
  23: ['IQ4_XS', 256, 136],
  24: ['I8', 1, 1],
  25: ['I16', 1, 2],
  26: ['I32', 1, 4],
  27: ['I64', 1, 8],
  28: ['F64', 1, 8],
  29: ['IQ1_M', 256, 56],
  30: ['BF16', 1, 2],
  34: ['TQ1_0', 256, 54],
  35: ['TQ2_0', 256, 66],
  39: ['MXFP4', 32, 17],
}

export async function ggufHeader(source: Source, from: number): Promise<ShownTensors> {
  const reader = new HeaderReader(source)
  await reader.have(24)
  if (reader.word() !== 'GGUF') throw new NotShown('This file does not begin as GGUF does, whatever its name says.')
  const version = reader.u32()
  if (version < 2 || version > 3)
    throw new NotShown(`This is GGUF of version ${version}; versions 2 and 3 are shown here.`)
  const count = reader.u64()
  const keys = reader.u64()
  if (count > limits.tensors || count * 24 > source.size)
    throw new NotShown(
      `The header is said to list ${count.toLocaleString('en-GB')} tensors, which is more than can be.`,
    )
  if (keys > mostKeys)
    throw new NotShown(`The header is said to have ${keys.toLocaleString('en-GB')} keys, which is more than can be.`)
  const metadata: [string, unknown][] = []
  for (let key = 0; key < keys; key++) {
    const name = await reader.text()
    await reader.have(4)
    metadata.push([name, await readValue(reader, reader.u32())])
  }
  const tensors: Tensor[] = []
  for (let index = 0; index < count; index++) tensors.push(await readTensor(reader))
  return tensorPage(`GGUF, version ${version}`, tensors, metadata, from, [])
}

async function readTensor(reader: HeaderReader): Promise<Tensor> {
  const name = await reader.text()
  await reader.have(4)
  const dimensions = reader.u32()
  if (dimensions > 8) throw new NotShown(`A tensor is said to have ${dimensions} dimensions, so the header is broken.`)
  await reader.have(dimensions * 8 + 12)
  const shape = Array.from({ length: dimensions }, () => reader.u64())
  const type = reader.u32()
  reader.u64()
  const known = types[type]
  if (known === undefined) return { name, dtype: `type ${type}`, shape, bytes: null }
  const [dtype, inBlock, blockBytes] = known
  const bytes = Math.ceil(parametersOf({ name, dtype, shape, bytes: null }) / inBlock) * blockBytes
  return { name, dtype, shape, bytes }
}

async function readValue(reader: HeaderReader, type: number): Promise<unknown> {
  if (type === stringType) return await reader.text()
  if (type === arrayType) return await readArray(reader, 0)
  const width = widths[type]
  if (width === undefined)
    throw new NotShown(`A value is of type ${type}, which GGUF does not know: the header is broken.`)
  await reader.have(width)
  return reader.scalar(type, width)
}

/** The first of its values, and how many there are. */
async function readArray(reader: HeaderReader, depth: number): Promise<string> {
  if (depth > 4) throw new NotShown('Lists are nested too deeply in the header.')
  await reader.have(12)
  const inner = reader.u32()
  const count = reader.u64()
  const width = widths[inner]
  const first: string[] = []
  if (width === undefined && inner !== stringType && inner !== arrayType)
    throw new NotShown(`A value is of type ${inner}, which GGUF does not know: the header is broken.`)
  // What is of one width is passed over without being read.
  const read = width === undefined ? count : Math.min(count, shownOfArray)
  if (count * (width ?? 8) > reader.left) throw new NotShown(endsTooEarly)
  for (let index = 0; index < read; index++) {
    let value: unknown
    if (inner === arrayType) value = await readArray(reader, depth + 1)
    else if (inner === stringType) value = reader.textAtOnce() ?? (await reader.text())
    else value = await readValue(reader, inner)
    if (index < shownOfArray) first.push(typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value))
  }
  if (width !== undefined) reader.skip((count - read) * width)
  const more = count > first.length ? `, … ${count.toLocaleString('en-GB')} values` : ''
  return `[${first.join(', ')}${more}]`
}

const endsTooEarly = 'The header does not end within the file: the file is cut, or its header lies about a length.'

class HeaderReader {
  readonly #source: Source
  #bytes: Buffer = Buffer.alloc(0)
  /** Place of the window in the file, and in the window. */
  #start = 0
  #at = 0

  constructor(source: Source) {
    this.#source = source
  }

  get left(): number {
    return this.#source.size - this.#start - this.#at
  }

  /** Throws `NotShown` where so many bytes do not follow, or lie beyond what is read of a header. */
  async have(length: number): Promise<void> {
    if (this.#at + length <= this.#bytes.length) return
    if (length > this.left) throw new NotShown(endsTooEarly)
    const from = this.#start + this.#at
    if (from + length > limits.ggufHeader)
      throw new NotShown(`The header is longer than ${limits.ggufHeader >> 20} MiB, more than is read here.`)
    const read = await this.#source.read(from, from + Math.max(length, windowBytes))
    this.#bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength)
    this.#start = from
    this.#at = 0
    if (this.#bytes.length < length) throw new NotShown(endsTooEarly)
  }

  skip(length: number): void {
    if (length > this.left) throw new NotShown(endsTooEarly)
    this.#at += length
    if (this.#at <= this.#bytes.length) return
    this.#start += this.#at
    this.#at = 0
    this.#bytes = Buffer.alloc(0)
  }

  word(): string {
    this.#at += 4
    return this.#bytes.toString('latin1', this.#at - 4, this.#at)
  }

  u32(): number {
    this.#at += 4
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  u64(): number {
    this.#at += 8
    const value = this.#bytes.readBigUInt64LE(this.#at - 8)
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new NotShown(`A length of ${value} stands in the header, which is impossible: the header is broken.`)
    return Number(value)
  }

  async text(): Promise<string> {
    await this.have(8)
    const length = this.u64()
    if (length > this.left) throw new NotShown(endsTooEarly)
    const kept = Math.min(length, mostText)
    await this.have(kept)
    const text = this.#bytes.toString('utf8', this.#at, this.#at + kept)
    this.skip(length)
    return text
  }

  /** The next text where it lies in the window already, else null; so a long list of words waits for nothing. */
  textAtOnce(): string | null {
    const bytes = this.#bytes
    if (this.#at + 8 > bytes.length) return null
    const length = bytes.readUInt32LE(this.#at)
    if (bytes.readUInt32LE(this.#at + 4) !== 0 || length > mostText || this.#at + 8 + length > bytes.length) return null
    const text = bytes.toString('utf8', this.#at + 8, this.#at + 8 + length)
    this.#at += 8 + length
    return text
  }

  scalar(type: number, width: number): unknown {
    const bytes = this.#bytes
    const at = this.#at
    this.#at += width
    if (type === 0) return bytes.readUInt8(at)
    if (type === 1) return bytes.readInt8(at)
    if (type === 2) return bytes.readUInt16LE(at)
    if (type === 3) return bytes.readInt16LE(at)
    if (type === 4) return bytes.readUInt32LE(at)
    if (type === 5) return bytes.readInt32LE(at)
    if (type === 6) return bytes.readFloatLE(at)
    if (type === 7) return bytes.readUInt8(at) !== 0
    if (type === 10) return bytes.readBigUInt64LE(at)
    return type === 11 ? bytes.readBigInt64LE(at) : bytes.readDoubleLE(at)
  }
}
