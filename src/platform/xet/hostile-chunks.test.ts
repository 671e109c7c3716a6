import { randomBytes as anyBytes } from 'node:crypto'
import fc from 'fast-check'
import { compressFrameSync } from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { checkChunks } from './check-chunks.ts'
import { Codec, scheme, writeChunkHeader } from './codec.ts'
import { XetFormatError } from './errors.ts'
import { allRuns } from './vectors/vectors.ts'
import { batchBytes, XorbSplitter } from './xorb-splitter.ts'
import { storeChunk } from './xorb-write.ts'

const codec = new Codec()

const xorbs = allRuns.flatMap((run) =>
  run.xorbs.flatMap(({ bytes }) => (bytes === null ? [] : [Buffer.from(bytes, 'base64')])),
)

function check(bytes: Buffer): string {
  return Buffer.from(checkChunks(codec, bytes)).toString('hex')
}

/** What was found, or null if it was refused as it should be. */
function checkOrRefuse(bytes: Buffer): string | null {
  try {
    return check(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(XetFormatError)
    return null
  }
}

describe('chunks from a stranger', () => {
  it('with flipped bytes are refused or have other hashes, and nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.nat(xorbs.length - 1),
        fc.array(fc.tuple(fc.nat(200_000), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 }),
        (which, flips) => {
          const bytes = Buffer.from((xorbs[which] ?? Buffer.alloc(0)).subarray(0, 40_000))
          for (const [at, value] of flips) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ value
          checkOrRefuse(bytes)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('with flipped bits within one small frame never give other bytes than were hashed', () => {
    const raw = Buffer.from('to be or not to be, that is the question; to be or not to be'.repeat(4))
    for (const stored of [storeChunk(codec, raw), storeChunk(codec, Buffer.alloc(5000, 'ab'))]) {
      for (let bit = 0; bit < stored.length * 8; bit++) {
        const bytes = Buffer.from(stored)
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        checkOrRefuse(bytes)
      }
    }
  })

  it('of any payload at all are refused or decoded within their length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 131_072 }),
        fc.constantFrom(scheme.lz4, scheme.grouped),
        fc.boolean(),
        (payload, raw, kind, framed) => {
          // Half of them with a valid frame around a block of anything, which is where the decoder can go wrong.
          const body = framed ? frameOf(payload) : Buffer.from(payload)
          const header = Buffer.alloc(8)
          writeChunkHeader(header, 0, { stored: body.length, raw, scheme: kind })
          const found = checkOrRefuse(Buffer.concat([header, body]))
          if (found !== null) expect(found.length).toBe(80)
        },
      ),
      { numRuns: 5000 },
    )
  })

  it('that repeat themselves at every distance come out as they went in', () => {
    for (let distance = 1; distance < 80; distance++) {
      const pattern = anyBytes(distance)
      for (const length of [distance + 20, 1000, 70_000]) {
        const raw = Buffer.alloc(length, pattern)
        const header = Buffer.alloc(8)
        for (const [kind, bytes] of [
          [scheme.lz4, raw],
          [scheme.grouped, Buffer.from(codec.group(raw))],
        ] as const) {
          const frame = compressFrameSync(bytes)
          writeChunkHeader(header, 0, { stored: frame.length, raw: length, scheme: kind })
          expect(codec.decode(frame, { stored: frame.length, raw: length, scheme: kind }).equals(raw)).toBe(true)
        }
      }
    }
  })

  it('with checksums have them checked', () => {
    const raw = Buffer.alloc(90_000, 'checked text ')
    for (const options of [
      { contentChecksum: true },
      { blockChecksums: true },
      { contentChecksum: true, blockChecksums: true },
    ]) {
      const frame = compressFrameSync(raw, options)
      const header = { stored: frame.length, raw: raw.length, scheme: scheme.lz4 }
      expect(codec.decode(frame, header).equals(raw)).toBe(true)
      for (let at = 0; at < frame.length; at++) {
        const broken = Buffer.from(frame)
        broken[at] = (broken[at] ?? 0) ^ 0x10
        expect(() => codec.decode(broken, header)).toThrow(XetFormatError)
      }
      expect(() =>
        codec.decode(Buffer.concat([frame, Buffer.alloc(1)]), { ...header, stored: frame.length + 1 }),
      ).toThrow()
    }
  })
})

describe('the splitter', () => {
  const split = (pieces: readonly Buffer[]): Buffer => {
    const splitter = new XorbSplitter()
    const parts: Buffer[] = []
    let position = 0
    const keep = (batch: { bytes: ArrayBuffer; length: number; position: number }): void => {
      expect(batch.position).toBe(position)
      position += batch.length
      parts.push(Buffer.from(batch.bytes, 0, batch.length))
    }
    for (const piece of pieces) {
      for (let rest = piece; rest.length > 0; ) {
        if (splitter.needsBuffer) splitter.fill(new ArrayBuffer(batchBytes))
        const { taken, batch } = splitter.push(rest)
        rest = rest.subarray(taken)
        if (batch !== null) keep(batch)
      }
    }
    const last = splitter.end()
    if (last !== null) keep(last)
    return Buffer.concat(parts)
  }

  it('gives whole chunks whatever arrives together', () => {
    const chunk = fc.tuple(fc.integer({ min: 1, max: 131_072 }), fc.integer({ min: 1, max: 262_144 }))
    fc.assert(
      fc.property(
        fc.array(chunk, { minLength: 1, maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 20 }),
        (chunks, sizes) => {
          const bytes = Buffer.concat(
            chunks.map(([raw, stored]) => {
              const part = Buffer.alloc(8 + stored)
              writeChunkHeader(part, 0, { stored, raw, scheme: scheme.lz4 })
              return part
            }),
          )
          const pieces: Buffer[] = []
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1
            pieces.push(bytes.subarray(at, at + size))
            at += size
          }
          expect(split(pieces).equals(bytes)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('takes or refuses any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (pieces) => {
        try {
          split(pieces.map((piece) => Buffer.from(piece)))
        } catch (error) {
          expect(error).toBeInstanceOf(XetFormatError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

/** A frame of one block; its descriptor is that of any frame with these flags. */
function frameOf(block: Uint8Array): Buffer {
  const start = compressFrameSync(Buffer.from('x')).subarray(0, 7)
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  return Buffer.concat([start, size, block, Buffer.alloc(4)])
}
