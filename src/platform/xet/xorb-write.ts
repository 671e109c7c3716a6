/** Chunks in the form in which a xorb stores them: as they are, or where it is smaller as one of two kinds of LZ4 frame. */
import { compressFrameSync } from 'lz4-napi'
import { type Codec, scheme, writeChunkHeader } from './codec.ts'
import { chunkHeaderBytes } from './limits.ts'

/** What suits a file's chunk mostly suits the next ones: trying all forms on each would take three times as long. */
const trialInterval = 32

/** Stores the chunks of one file, one after the other. */
export class ChunkStorer {
  readonly #codec: Codec
  #kind = scheme.none
  #untilTrial = 0

  constructor(codec: Codec) {
    this.#codec = codec
  }

  /** The chunk with its header. */
  store(raw: Buffer): Buffer {
    if (this.#untilTrial === 0) {
      this.#untilTrial = trialInterval
      const stored = storeChunk(this.#codec, raw)
      this.#kind = stored[4] ?? scheme.none
      return stored
    }
    this.#untilTrial -= 1
    return smallest(raw, this.#kind === scheme.none ? [] : [compressed(this.#codec, raw, this.#kind)])
  }
}

/** A chunk with its header, in the smallest of the three forms. */
export function storeChunk(codec: Codec, raw: Buffer): Buffer {
  return smallest(raw, [compressed(codec, raw, scheme.lz4), compressed(codec, raw, scheme.grouped)])
}

interface StoredForm {
  readonly kind: number
  readonly bytes: Buffer
}

function compressed(codec: Codec, raw: Buffer, kind: number): StoredForm {
  return { kind, bytes: compressFrameSync(kind === scheme.grouped ? codec.group(raw) : raw) }
}

function smallest(raw: Buffer, forms: readonly StoredForm[]): Buffer {
  const plain: StoredForm = { kind: scheme.none, bytes: raw }
  const { kind, bytes } = forms.reduce((least, form) => (form.bytes.length < least.bytes.length ? form : least), plain)
  const stored = Buffer.allocUnsafe(chunkHeaderBytes + bytes.length)
  writeChunkHeader(stored, 0, { stored: bytes.length, raw: raw.length, scheme: kind })
  bytes.copy(stored, chunkHeaderBytes)
  return stored
}
