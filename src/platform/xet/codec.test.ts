import { randomBytes as anyBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Chunker } from './chunker.ts'
import { Codec, forEachChunk } from './codec.ts'
import { chunkHash, hashToString, keyedHash } from './hash.ts'
import { parseShard } from './shard.ts'
import { randomBytes } from './vectors/data.ts'
import { allRuns, pythonVectors, vectorData } from './vectors/vectors.ts'

const codec = new Codec()

describe('decoding what the real clients compressed', () => {
  const xorbs = allRuns
    .flatMap((run) => run.xorbs.map((xorb) => ({ xorb, run })))
    .filter(({ xorb }) => xorb.bytes !== null)

  it.each(xorbs)('gives the chunks that their shard lists ($xorb.hash)', ({ xorb, run }) => {
    const listed = run.shards
      .flatMap((text) => [...parseShard(Buffer.from(text, 'base64')).xorbs()])
      .find((one) => one.hash === xorb.hash)
    const found: string[] = []
    forEachChunk(Buffer.from(xorb.bytes ?? '', 'base64'), (header, payload) => {
      found.push(hashToString(chunkHash(codec.decode(payload, header))))
    })
    expect(found).toEqual([...(listed?.chunks() ?? [])].map((chunk) => hashToString(chunk.hash)))
  })

  it('covers all three schemes, lengths that are no multiple of four, and both clients', () => {
    const seen = new Set<string>()
    for (const { xorb, run } of xorbs) {
      forEachChunk(Buffer.from(xorb.bytes ?? '', 'base64'), (header) => {
        seen.add(`${header.scheme}:${header.raw % 4 === 0}:${pythonVectors.runs.includes(run)}`)
      })
    }
    expect([...seen].sort()).toEqual(
      expect.arrayContaining(['0:false:true', '1:false:true', '2:false:true', '1:true:false']),
    )
    expect([...seen].some((one) => one.startsWith('2') && one.endsWith('false'))).toBe(true)
  })
})

describe('grouping', () => {
  it('is undone for every remainder', () => {
    for (let length = 1; length < 300; length++) {
      const raw = anyBytes(length)
      const planes = Buffer.from(codec.group(raw))
      for (let index = 0; index < length; index++) {
        const plane = index % 4
        const before = [0, 1, 2, 3].slice(0, plane).reduce((sum, which) => sum + Math.ceil((length - which) / 4), 0)
        expect(planes[before + (index >> 2)]).toBe(raw[index])
      }
    }
  })
})

describe('keyed hashes of short data', () => {
  it('equal those of the native package', () => {
    const key = anyBytes(32)
    codec.setKey(key)
    for (const length of [0, 1, 31, 32, 63, 64, 65, 127, 128, 129, 700, 1023, 1024]) {
      const data = anyBytes(length)
      expect(Buffer.from(codec.keyedHash(data)).toString('hex')).toBe(keyedHash(key, data).toString('hex'))
    }
    expect(() => codec.keyedHash(anyBytes(1025))).toThrow(RangeError)
  })
})

describe('the chunker', () => {
  const cut = (data: Buffer, pieces: (offset: number) => number): Buffer[] => {
    const chunker = new Chunker(codec)
    const chunks: Buffer[] = []
    for (let offset = 0; offset < data.length; ) {
      const size = pieces(offset)
      chunks.push(...chunker.cut(data.subarray(offset, offset + size)))
      offset += size
    }
    return [...chunks, ...chunker.end()]
  }

  it.each(pythonVectors.runs.flatMap((run) => run.files.map(({ name }) => ({ name, run }))))(
    'cuts $name where the Python client does',
    ({ name, run }) => {
      const data = vectorData(pythonVectors, name)
      const shard = parseShard(Buffer.from(run.shards[0] ?? '', 'base64'))
      const wanted = new Set([...shard.xorbs()].flatMap((xorb) => [...xorb.chunks()].map((c) => hashToString(c.hash))))
      const mine = cut(data, () => 1 << 20)
      for (const chunk of mine) expect(wanted).toContain(hashToString(chunkHash(chunk)))
      expect(Buffer.concat(mine).equals(data)).toBe(true)
    },
  )

  it('does not care how the bytes arrive', () => {
    const data = randomBytes('pieces', 700_000)
    const lengths = cut(data, () => data.length).map((chunk) => chunk.length)
    for (const size of [1009, 8191, 65_537, 131_072]) {
      expect(cut(data, () => size).map((chunk) => chunk.length)).toEqual(lengths)
    }
    expect(cut(data, (offset) => 1 + ((offset * 7919) % 3000)).map((chunk) => chunk.length)).toEqual(lengths)
  })
})
