/** Files as people have them: random bytes, weights in bfloat16, and edited versions. Written piece by piece; equal seeds make equal files. */
import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const piece = 1 << 20

/** Bytes that do not compress, from a stream cipher. */
export async function* randomBytesOf(seed: string, size: number): AsyncGenerator<Buffer> {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(piece)
  for (let left = size; left > 0; left -= piece) yield cipher.update(zeros.subarray(0, Math.min(piece, left)))
}

/** Weights as bfloat16, about normally distributed around zero: what models are made of. */
export async function* weightsOf(seed: string, size: number): AsyncGenerator<Buffer> {
  for await (const random of randomBytesOf(seed, size * 2)) {
    const values = new Float32Array(random.length / 4)
    const halves = new Uint16Array(values.length)
    const bits = new Uint32Array(values.buffer)
    // The sum of four bytes is close enough to a normal distribution for what compression sees of it.
    for (let at = 0; at < values.length; at++) {
      const sum = random.readUInt8(at * 4) + random.readUInt8(at * 4 + 1) + random.readUInt8(at * 4 + 2)
      values[at] = ((sum + random.readUInt8(at * 4 + 3) - 510) / 148) * 0.02 + (random.readUInt8(at * 4) - 128) * 1e-5
    }
    for (let at = 0; at < halves.length; at++) halves[at] = (bits[at] ?? 0) >>> 16
    yield Buffer.from(halves.buffer)
  }
}

export async function writeSample(file: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(file))
}

/** `from` with 4 KiB inserted in the first third, 100 bytes changed in the middle, and 1 MiB appended. */
export async function* editedVersion(from: string, size: number, seed: string): AsyncGenerator<Buffer> {
  const [third, middle] = [Math.floor(size / 3), Math.floor(size / 2)]
  yield* createReadStream(from, { end: third - 1 }) as AsyncIterable<Buffer>
  yield* randomBytesOf(`${seed} inserted`, 4096)
  yield* createReadStream(from, { start: third, end: middle - 1 }) as AsyncIterable<Buffer>
  yield* randomBytesOf(`${seed} changed`, 100)
  yield* createReadStream(from, { start: middle + 100 }) as AsyncIterable<Buffer>
  yield* randomBytesOf(`${seed} appended`, 1 << 20)
}

/** A safetensors file of `layers` equal layers; those in `changed` come from another seed. */
export async function* modelOf(
  seed: string,
  shape: { readonly layers: number; readonly layerBytes: number },
  changed: readonly number[] = [],
): AsyncGenerator<Buffer> {
  const { layers, layerBytes } = shape
  const tensors = Array.from({ length: layers }, (_, layer) => [
    `layer.${layer}.weight`,
    {
      dtype: 'BF16',
      shape: [layerBytes / 2],
      data_offsets: [layer * layerBytes, (layer + 1) * layerBytes],
    },
  ])
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  yield Buffer.concat([length, header])
  for (let layer = 0; layer < layers; layer++) {
    yield* weightsOf(`${seed} ${layer}${changed.includes(layer) ? ' trained again' : ''}`, layerBytes)
  }
}
