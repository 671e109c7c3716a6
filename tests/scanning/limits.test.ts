import { Buffer } from 'node:buffer'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type ByteSource, memorySource, type PickleScan, scanPickles } from '../../src/features/scanning/service.ts'
import { callingPickle, get, join, mark, proto, put, stop, text } from './pickle-assembler.ts'
import { zipOf } from './zip-assembler.ts'

const { signal } = new AbortController()
const scan = (source: ByteSource): Promise<PickleScan> => scanPickles(source, { signal })

/** A source that is made while it is read: `piece(index)` of `count` pieces of one size each, between a start and an end. */
function madeSource(start: Buffer, piece: Buffer, count: number, end: Buffer): ByteSource {
  const size = start.length + piece.length * count + end.length
  return {
    size,
    async *read(from, to) {
      let at = 0
      const parts = function* (): Generator<Buffer> {
        yield start
        for (let index = 0; index < count; index++) yield piece
        yield end
      }
      for (const part of parts()) {
        const [first, last] = [Math.max(from - at, 0), Math.min(to - at, part.length)]
        if (first < last) yield part.subarray(first, last)
        at += part.length
        if (at >= to) return
      }
    },
  }
}

/** Memory beyond what was there before, in bytes, at its highest while `work` ran. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage()
  let most = 0
  const look = (): void => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    most = Math.max(most, heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers)
  }
  const timer = setInterval(look, 5)
  try {
    await work()
    look()
  } finally {
    clearInterval(timer)
  }
  return most
}

describe('MAL-9: bounds', () => {
  it('bytes of gibibytes are passed over without being kept, and what follows them is read', async () => {
    const piece = Buffer.alloc(1 << 20, 0x2e)
    const count = 1024
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(piece.length * count))
    const source = madeSource(
      join(proto(4), '\x8e', length),
      piece,
      count,
      join('0', text('os'), text('system'), '\x93', text('echo'), '\x85R.'),
    )
    let found: PickleScan | null = null
    const grown = await growth(async () => {
      found = await scan(source)
    })
    expect(found).toMatchObject({ state: 'complete', verdict: 'dangerous' })
    expect(grown).toBeLessThan(64 << 20)
  })

  it.each([
    [
      'memo entries',
      Buffer.concat(Array.from({ length: 1 << 12 }, () => join(text('some text of no meaning'), '\x94'))),
    ],
    ['items on the stack', Buffer.alloc(1 << 18, 'N')],
    ['marks', Buffer.alloc(1 << 18, '(')],
    ['copies of the top', Buffer.concat([Buffer.from('N'), Buffer.alloc(1 << 18, '2')])],
    ['imports that are all different', null],
  ])(
    'a pickle that grows without end ends in a definite state: %s',
    async (_what, piece) => {
      const many = (): Buffer =>
        Buffer.concat(Array.from({ length: 30_000 }, (_, index) => join(`cmodule${index}\nname\n0`)))
      const source = madeSource(proto(4), piece ?? many(), piece === null ? 1 : 96, join('N.'))
      let found: PickleScan | null = null
      const grown = await growth(async () => {
        found = await scan(source)
      })
      expect(found).toMatchObject({ state: expect.stringMatching(/complete|partly|broken/) })
      expect(grown).toBeLessThan(piece === null ? 128 << 20 : 64 << 20)
    },
    60_000,
  )

  it('MAL-11: more imports than can be listed is partly read, and not ok', async () => {
    const many = Buffer.concat(Array.from({ length: 12_000 }, (_, index) => join(`cmodule${index}\nname\n0`)))
    expect(await scan(memorySource(join(proto(2), many, 'N.')))).toMatchObject({
      state: 'partly',
      verdict: 'dangerous',
    })
  })

  it('a pickle that holds itself is read like any other', async () => {
    const cyclic = join(proto(4), ']', put(0), get(0), 'a', '}', put(1), mark, text('me'), get(1), 'u', '0', stop)
    expect(await scan(memorySource(cyclic))).toMatchObject({ state: 'complete', verdict: 'innocuous' })
  })

  it('a bomb of gzip ends when it has unpacked a hundred times its size', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(64 << 20)))
    const limits = { depth: 6, unpackedBytes: 8 << 20, unpackedRatio: 100, entries: 1000, heldBytes: 1 << 20 }
    const found = await scanPickles(memorySource(bomb), { signal, limits })
    expect(found.state).toBe('partly')
    expect(found.reason).toContain('unpacks to more than')
  })

  it('a bomb of zip entries that share their bytes reads them once', async () => {
    const data = Buffer.alloc(4 << 20)
    const whole = zipOf([{ name: 'a', data, isDeflated: true }])
    expect(await scan(memorySource(whole))).toMatchObject({ state: 'complete', verdict: 'innocuous' })
  })

  it('a zip that holds more entries than may be read is partly read', async () => {
    const parts = Array.from({ length: 40 }, (_, index) => ({ name: `${index}`, data: Buffer.from('x') }))
    const limits = { depth: 6, unpackedBytes: 1 << 30, unpackedRatio: 100, entries: 20, heldBytes: 1 << 20 }
    const last = { name: 'data.pkl', data: callingPickle('os', 'system') }
    expect(await scanPickles(memorySource(zipOf([...parts, last])), { signal, limits })).toMatchObject({
      state: 'partly',
    })
    expect(await scanPickles(memorySource(zipOf([last, ...parts])), { signal, limits })).toMatchObject({
      state: 'partly',
      verdict: 'dangerous',
    })
  })

  it('an archive in a compressed archive that is too large to hold is partly read', async () => {
    const inner = zipOf([
      { name: 'a', data: Buffer.from(Array.from({ length: 1 << 16 }, (_, index) => (index * 31) & 255)) },
    ])
    const limits = { depth: 6, unpackedBytes: 1 << 30, unpackedRatio: 100, entries: 1000, heldBytes: 1 << 12 }
    expect(await scanPickles(memorySource(gzipSync(inner)), { signal, limits })).toMatchObject({ state: 'partly' })
  })

  it('stops at once when it is told to', async () => {
    const stopping = new AbortController()
    const source = madeSource(proto(4), Buffer.alloc(1 << 20, 'N'), 1 << 14, join('.'))
    const running = scanPickles(source, { signal: stopping.signal })
    setTimeout(() => stopping.abort(new Error('Time is up.')), 50)
    await expect(running).rejects.toThrow('Time is up.')
  })

  it('a source that fails ends in an error, with what it said', async () => {
    const source: ByteSource = {
      size: 10,
      read: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('the disk is gone')) }),
      }),
    }
    expect(await scan(source)).toMatchObject({ state: 'error', reason: 'the disk is gone' })
  })

  it('a deflated entry without an end is broken, and what came before counts', async () => {
    const packed = deflateRawSync(callingPickle('os', 'system'))
    const whole = zipOf([{ name: 'a', data: packed.subarray(0, packed.length - 1) }])
    // Stored bytes that claim to be deflated: the method is the third field of each header.
    whole.writeUInt16LE(8, 8)
    whole.writeUInt16LE(8, whole.indexOf(Buffer.from('PK\x01\x02', 'latin1')) + 10)
    expect(await scan(memorySource(whole))).toMatchObject({ state: 'broken', verdict: 'dangerous' })
  })
})
