/**
 * One chunk in and out of its stored form, with the WebAssembly module of codec.as. An instance belongs to one thread and works on one chunk
 * at a time: what it returns lies in its own memory and is gone with the next call.
 */
import { codecModule } from './codec-module.ts'
import { XetFormatError } from './errors.ts'
import { gearTable } from './gear-table.ts'
import { hashBytes } from './hash.ts'
import { chunkHeaderBytes, mostChunkBytes, mostStoredChunkBytes } from './limits.ts'

/** How a chunk is stored: as it is, as an LZ4 frame, or as an LZ4 frame of its four byte planes. */
export const scheme = { none: 0, lz4: 1, grouped: 2 }

export interface ChunkHeader {
  /** Payload bytes that follow the header. */
  readonly stored: number
  readonly raw: number
  readonly scheme: number
}

/** The part of the engine's own that is used here: the project's libraries do not declare it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: CodecExports }
}

interface CodecExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly inputAt: { readonly value: number }
  readonly outputAt: { readonly value: number }
  readonly gearAt: { readonly value: number }
  decode(stored: number, raw: number, isGrouped: number): number
  group(length: number): void
  readonly keyAt: { readonly value: number }
  readonly digestAt: { readonly value: number }
  startChunk(): void
  rollGear(from: number, to: number): void
  findBoundary(from: number, to: number): number
  keyedHash(offset: number, length: number): number
}

const failures = [
  null,
  'is not an LZ4 frame',
  'has an LZ4 frame of an unknown kind',
  'has a broken LZ4 block',
  'is not as long as its header says',
  'has a wrong LZ4 checksum',
]

/** Reads the eight bytes before a chunk. Throws `XetFormatError` if they are beyond the limits. */
export function readChunkHeader(bytes: Uint8Array, offset: number): ChunkHeader {
  const at = (index: number): number => bytes[offset + index] ?? 0
  const version = at(0)
  if (version !== 0) throw new XetFormatError(`Chunk headers of version ${version} are not known, only of 0.`)
  const stored = at(1) | (at(2) << 8) | (at(3) << 16)
  const raw = at(5) | (at(6) << 8) | (at(7) << 16)
  if (raw === 0 || raw > mostChunkBytes)
    throw new XetFormatError(`A chunk has 1 to ${mostChunkBytes} bytes, not ${raw}.`)
  if (stored === 0 || stored > mostStoredChunkBytes) {
    throw new XetFormatError(`A chunk is stored in 1 to ${mostStoredChunkBytes} bytes, not ${stored}.`)
  }
  if (at(4) > scheme.grouped) throw new XetFormatError(`The compression scheme ${at(4)} is not known.`)
  if (at(4) === scheme.none && stored !== raw)
    throw new XetFormatError('An uncompressed chunk is not as long as its header says.')
  return { stored, raw, scheme: at(4) }
}

export function writeChunkHeader(bytes: Uint8Array, offset: number, header: ChunkHeader): void {
  bytes[offset] = 0
  for (let index = 0; index < 3; index++) {
    bytes[offset + 1 + index] = (header.stored >> (8 * index)) & 0xff
    bytes[offset + 5 + index] = (header.raw >> (8 * index)) & 0xff
  }
  bytes[offset + 4] = header.scheme
}

export class Codec {
  readonly #exports: CodecExports
  readonly #input: Buffer
  readonly #output: Buffer
  readonly #key: Buffer
  readonly #digest: Buffer

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(codecModule, 'base64'))
    this.#exports = new WebAssembly.Instance(module).exports
    const memory = this.#exports.memory.buffer
    this.#input = Buffer.from(memory, this.#exports.inputAt.value, mostStoredChunkBytes)
    this.#output = Buffer.from(memory, this.#exports.outputAt.value, mostChunkBytes)
    this.#key = Buffer.from(memory, this.#exports.keyAt.value, hashBytes)
    this.#digest = Buffer.from(memory, this.#exports.digestAt.value, hashBytes)
    Buffer.from(memory, this.#exports.gearAt.value).set(gearTable())
  }

  /** The raw bytes of a chunk whose header was read from before `payload`. Throws `XetFormatError`; never gives more than the header says. */
  decode(payload: Uint8Array, header: ChunkHeader): Buffer {
    if (header.scheme === scheme.none) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    this.#input.set(payload)
    const result = this.#exports.decode(payload.length, header.raw, header.scheme === scheme.grouped ? 1 : 0)
    if (result !== 0) throw new XetFormatError(`A chunk ${failures[result] ?? 'cannot be decoded'}.`)
    return this.#output.subarray(0, header.raw)
  }

  /** As `keyedHash()` of hash.ts, ten times faster for short data; at most 1 KiB. The key stays until another is set. */
  keyedHash(data: Uint8Array): Buffer {
    this.#input.set(data)
    if (this.#exports.keyedHash(0, data.length) === 0) throw new RangeError('Only up to 1 KiB is hashed here.')
    return this.#digest
  }

  setKey(key: Uint8Array): void {
    if (key.length !== hashBytes) throw new RangeError(`A key has ${hashBytes} bytes.`)
    this.#key.set(key)
  }

  /**
   * Where the chunk ends that the bytes continue: an offset behind one of them, or -1. The first `unlooked` are only taken into the gear
   * hash, which goes on from call to call and begins anew behind a boundary or by `startChunk()`. At most 256 KiB.
   */
  findBoundary(bytes: Uint8Array, unlooked: number): number {
    this.#input.set(bytes)
    this.#exports.rollGear(0, unlooked)
    return this.#exports.findBoundary(unlooked, bytes.length)
  }

  /** Forgets what the gear hash took in. */
  startChunk(): void {
    this.#exports.startChunk()
  }

  /** The four byte planes of a raw chunk. */
  group(raw: Uint8Array): Buffer {
    this.#input.set(raw)
    this.#exports.group(raw.length)
    return this.#output.subarray(0, raw.length)
  }
}

/** Calls `each` with every chunk in `bytes`, which must be whole chunks as stored. Throws `XetFormatError`. */
export function forEachChunk(
  bytes: Uint8Array,
  each: (header: ChunkHeader, payload: Uint8Array, end: number) => void,
): void {
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes.length - offset < chunkHeaderBytes)
      throw new XetFormatError('The bytes end in the middle of a chunk header.')
    const header = readChunkHeader(bytes, offset)
    const start = offset + chunkHeaderBytes
    offset = start + header.stored
    if (offset > bytes.length) throw new XetFormatError('The bytes end in the middle of a chunk.')
    each(header, bytes.subarray(start, offset), offset)
  }
}
