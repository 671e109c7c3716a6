import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkIndex, encodeChunkIndex } from './chunk-index.ts'
import { Codec } from './codec.ts'
import { XetFormatError } from './errors.ts'
import { chunkHash, hashFromString, hashToString, keyedHash, verificationHash } from './hash.ts'
import { fileHashOf, merkleRoot } from './merkle.ts'
import { parseShard, type Shard } from './shard.ts'
import { buildDedupShard } from './shard-build.ts'
import { bookend, headerTag, recordBytes } from './shard-layout.ts'
import { readShard } from './shard-read.ts'
import { allRuns, javascriptVectors, pythonVectors, vectorData } from './vectors/vectors.ts'

describe('hashes of the real clients', () => {
  it.each([pythonVectors, javascriptVectors])('are recomputed from their shards', (vectors) => {
    for (const run of vectors.runs) {
      const shards = run.shards.map((text) => parseShard(Buffer.from(text, 'base64')))
      const xorbs = new Map(
        shards.flatMap((shard) => [...shard.xorbs()].map((xorb) => [xorb.hash, [...xorb.chunks()]])),
      )
      for (const [hash, chunks] of xorbs) {
        expect(hashToString(merkleRoot(chunks.map((chunk) => ({ hash: chunk.hash, size: chunk.length }))))).toBe(hash)
      }
      for (const file of shards.flatMap((shard) => [...shard.files()])) {
        const chunks = [...file.terms()].flatMap((term) => {
          const covered = (xorbs.get(term.xorb) ?? []).slice(term.start, term.end)
          expect(covered.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(term.rawLength)
          expect(verificationHash(Buffer.concat(covered.map((chunk) => chunk.hash)))).toEqual(term.verification)
          return covered
        })
        expect(hashToString(fileHashOf(merkleRoot(chunks.map((c) => ({ hash: c.hash, size: c.length })))))).toBe(
          file.hash,
        )
      }
    }
  })

  it('name chunks, files and their SHA-256', () => {
    for (const vectors of [pythonVectors, javascriptVectors]) {
      for (const run of vectors.runs) {
        const shards = run.shards.map((text) => parseShard(Buffer.from(text, 'base64')))
        for (const { name, hash, sha256 } of run.files) {
          const data = vectorData(vectors, name)
          const oid = createHash('sha256').update(data).digest('hex')
          const file = shards.flatMap((shard) => [...shard.files()]).find((one) => one.sha256 === oid)
          expect(file?.size).toBe(data.length)
          if (hash !== undefined) expect(file?.hash).toBe(hash)
          if (sha256 !== undefined) expect(file?.sha256).toBe(sha256)
          const [only] = shards
            .flatMap((shard) => [...shard.xorbs()])
            .flatMap((xorb) => [...xorb.chunks()].filter((c) => c.length === data.length))
          if (only !== undefined && data.length < 8192) expect(chunkHash(data)).toEqual(only.hash)
        }
      }
    }
  })

  it('are printed as little-endian words', () => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
    expect(hashToString(bytes)).toBe('07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918')
    expect(hashFromString(hashToString(bytes))).toEqual(bytes)
    expect(() => hashFromString('0'.repeat(63))).toThrow(XetFormatError)
    expect(() => hashFromString('A'.repeat(64))).toThrow(XetFormatError)
  })

  it('of nothing are zero', () => {
    expect(hashToString(fileHashOf(merkleRoot([])))).toBe('0'.repeat(64))
  })
})

const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((hash) => hash[0] !== 0xff)
const xorbs = fc.array(
  fc.record({ hash: hashes, lengths: fc.array(fc.integer({ min: 1, max: 131_072 }), { minLength: 1, maxLength: 40 }) }),
  { maxLength: 5 },
)
const terms = fc.array(
  fc.record({ xorb: hashes, start: fc.nat(8000), count: fc.integer({ min: 1, max: 192 }), proof: hashes }),
  { maxLength: 6 },
)
const files = fc.array(fc.record({ hash: hashes, terms, verified: fc.boolean(), sha256: fc.option(hashes) }), {
  maxLength: 5,
})

type Made<T> = T extends fc.Arbitrary<infer U> ? U : never

function record(hash: Uint8Array, ...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(recordBytes)
  bytes.set(hash)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, 32 + index * 4)
  return bytes
}

function write(madeFiles: Made<typeof files>, madeXorbs: Made<typeof xorbs>): Buffer {
  const header = Buffer.alloc(recordBytes)
  headerTag.copy(header)
  header.writeBigUInt64LE(2n, 32)
  const parts: Buffer[] = [header]
  for (const file of madeFiles) {
    const flags = (file.verified ? 0x8000_0000 : 0) + (file.sha256 === null ? 0 : 0x4000_0000)
    parts.push(record(file.hash, flags, file.terms.length))
    for (const term of file.terms) {
      parts.push(record(term.xorb, 0, term.count * 1000, term.start, term.start + term.count))
    }
    if (file.verified) for (const term of file.terms) parts.push(record(term.proof))
    if (file.sha256 !== null) parts.push(record(file.sha256))
  }
  parts.push(bookend)
  for (const xorb of madeXorbs) {
    const rawSize = xorb.lengths.reduce((sum, length) => sum + length, 0)
    parts.push(record(xorb.hash, 0, xorb.lengths.length, rawSize, rawSize))
    let offset = 0
    for (const [index, length] of xorb.lengths.entries()) {
      parts.push(record(xorb.hash, offset, length, index % 2 === 0 ? 0x8000_0000 : 0))
      offset += length
    }
  }
  parts.push(bookend)
  return Buffer.concat(parts)
}

/** Reads everything that there is. */
function readAll(shard: Shard): unknown {
  return {
    files: [...shard.files()].map((file) => ({
      hash: file.hash,
      sha256: file.sha256,
      size: file.size,
      terms: [...file.terms()],
    })),
    xorbs: [...shard.xorbs()].map((xorb) => ({ hash: xorb.hash, rawSize: xorb.rawSize, chunks: [...xorb.chunks()] })),
  }
}

function parseOrRefuse(bytes: Buffer): void {
  try {
    readAll(parseShard(bytes))
  } catch (error) {
    expect(error).toBeInstanceOf(XetFormatError)
  }
}

describe('parseShard', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(files, xorbs, (madeFiles, madeXorbs) => {
        const shard = parseShard(write(madeFiles, madeXorbs))
        expect([shard.fileCount, shard.xorbCount]).toEqual([madeFiles.length, madeXorbs.length])
        expect(shard.termCount).toBe(madeFiles.reduce((sum, file) => sum + file.terms.length, 0))
        for (const [index, file] of [...shard.files()].entries()) {
          const made = madeFiles[index]
          expect(file.hash).toBe(hashToString(made?.hash ?? Buffer.alloc(0)))
          expect(file.sha256).toBe(made?.sha256 ? hashToString(made.sha256) : null)
          const read = [...file.terms()]
          expect(read.map((term) => [term.xorb, term.start, term.end, term.rawLength])).toEqual(
            made?.terms.map((t) => [hashToString(t.xorb), t.start, t.start + t.count, t.count * 1000]),
          )
          expect(read.map((term) => term.verification)).toEqual(
            made?.terms.map((term) => (made.verified ? Buffer.from(term.proof) : null)),
          )
        }
        expect([...shard.xorbs()].map((xorb) => [...xorb.chunks()].map((chunk) => chunk.length))).toEqual(
          madeXorbs.map((xorb) => xorb.lengths),
        )
      }),
      { numRuns: 100 },
    )
  })

  it('refuses every truncation and every lengthening', () => {
    for (const text of allRuns.slice(0, 3).flatMap((run) => run.shards)) {
      const bytes = Buffer.from(text, 'base64')
      for (let length = 0; length < bytes.length; length += 1) {
        expect(() => parseShard(bytes.subarray(0, length))).toThrow(XetFormatError)
      }
      expect(() => parseShard(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(XetFormatError)
    }
  })

  it('parses flipped bytes to something or refuses them, never anything else', () => {
    const shards = allRuns
      .flatMap((run) => run.shards)
      .map((text) => Buffer.from(text, 'base64'))
      .filter((b) => b.length < 4000)
    fc.assert(
      fc.property(
        fc.nat(shards.length - 1),
        fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (which, flips) => {
          const bytes = Buffer.from(shards[which] ?? Buffer.alloc(0))
          for (const [at, value] of flips) bytes[at % bytes.length] = value
          parseOrRefuse(bytes)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => parseOrRefuse(Buffer.from(bytes))))
  })

  it('never reads a count of four thousand million', () => {
    const bytes = write([{ hash: Buffer.alloc(32), terms: [], verified: true, sha256: null }], [])
    bytes.writeUInt32LE(0xffff_ffff, recordBytes + 36)
    expect(() => parseShard(bytes)).toThrow(XetFormatError)
  })
})

describe('readShard', () => {
  async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.length; start += size) {
      await setImmediate()
      yield bytes.subarray(start, start + size)
    }
  }

  it('reads a shard of many megabytes and never holds the thread', async () => {
    const one = { hash: Buffer.alloc(32, 7), lengths: Array.from({ length: 8000 }, () => 10) }
    const bytes = write(
      [],
      Array.from({ length: 60 }, () => one),
    )
    expect(bytes.length).toBeGreaterThan(20 << 20)
    // In time of this thread's own: the machine may be busy with other things.
    const used = (): number => process.threadCpuUsage().user / 1000
    let isReading = true
    let longest = 0
    const watching = (async () => {
      for (let before = used(); isReading; before = used()) {
        await setImmediate()
        longest = Math.max(longest, used() - before)
      }
    })()
    const shard = await readShard(pieces(bytes, 65_536))
    isReading = false
    await watching
    expect(shard.xorbCount).toBe(60)
    expect(longest).toBeLessThan(40)
  })

  it('stops at 64 MiB', async () => {
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) yield Buffer.alloc(1 << 20)
    }
    await expect(readShard(endless())).rejects.toThrow(XetFormatError)
  })

  it('refuses hashed chunk names', async () => {
    const index = new ChunkIndex(encodeChunkIndex([{ hash: Buffer.alloc(32, 1), end: 10, rawEnd: 20 }]))
    const input = {
      xorbs: [{ hash: '1'.repeat(64), index }],
      hmacKey: Buffer.alloc(32, 9),
      createdAt: 1000,
      expiresAt: 9000,
    }
    await expect(readShard(pieces(buildDedupShard(input, new Codec()), 100))).rejects.toThrow('their own names')
  })
})

describe('buildDedupShard', () => {
  it('is read back with hashed chunk names', () => {
    const entries = Array.from({ length: 50 }, (_, i) => ({
      hash: chunkHash(Buffer.from([i])),
      end: i * 10 + 10,
      rawEnd: i * 30 + 30,
    }))
    const index = new ChunkIndex(encodeChunkIndex(entries))
    const hmacKey = Buffer.alloc(32, 5)
    const hash = hashToString(index.root())
    const shard = parseShard(
      buildDedupShard({ xorbs: [{ hash, index }], hmacKey, createdAt: 5000, expiresAt: 86_400_000 }, new Codec()),
    )
    expect(shard.hmacKey).toEqual(hmacKey)
    expect(shard.expiresAt).toBe(86_400_000)
    expect(shard.fileCount).toBe(0)
    const [xorb] = shard.xorbs()
    expect([xorb?.hash, xorb?.rawSize, xorb?.diskSize]).toEqual([hash, 1500, 500])
    expect([...(xorb?.chunks() ?? [])].map((chunk) => chunk.hash)).toEqual(
      entries.map((e) => keyedHash(hmacKey, e.hash)),
    )
  })
})
