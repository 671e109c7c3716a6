/** Chunks in the form in which a xorb stores them. */
import { compressFrameSync } from 'lz4-napi'
import { type Codec, scheme, writeChunkHeader } from './codec.ts'
import { chunkHeaderBytes } from './limits.ts'

/** A chunk with its header, in the smallest of the three forms. */
export function storeChunk(codec: Codec, raw: Buffer): Buffer {
  const forms = [
    { kind: scheme.none, bytes: raw },
    { kind: scheme.lz4, bytes: compressFrameSync(raw) },
    { kind: scheme.grouped, bytes: compressFrameSync(codec.group(raw)) },
  ]
  const best = forms.reduce((least, form) => (form.bytes.length < least.bytes.length ? form : least))
  const stored = Buffer.allocUnsafe(chunkHeaderBytes + best.bytes.length)
  writeChunkHeader(stored, 0, { stored: best.bytes.length, raw: raw.length, scheme: best.kind })
  best.bytes.copy(stored, chunkHeaderBytes)
  return stored
}
