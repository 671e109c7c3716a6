/**
 * The attack: a compressed file whose payload only the loader reaches. Behind an empty first stream stands another, which Python's gzip, lzma and bz2 read on with; a
 * header has a wrong checksum, at which only zlib looks; an lzma has properties that nobody writes; a number overflows in the loader and not in the scanner. The
 * scanner stops, has seen nothing, and calls the file safe.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Damaged } from '../../src/features/scanning/containers/decoders/decoder.ts'
import { Lzma2Decoder } from '../../src/features/scanning/containers/decoders/lzma2.ts'
import { memorySource, scanPickles } from '../../src/features/scanning/service.ts'
import { expectSuccess, findPython, runClient } from '../compat/clients.ts'
import { maliciousPickle } from './samples.ts'

const { signal } = new AbortController()
const expectFound = async (bytes: Buffer) =>
  expect(await scanPickles(memorySource(bytes), { signal })).toMatchObject({ verdict: 'dangerous', state: 'complete' })
const empty = Buffer.alloc(0)
const packed = gzipSync(maliciousPickle)

/** `packed` with these flags, and what they say stands behind its header. */
const withFlags = (flags: number, more: Buffer = empty): Buffer =>
  Buffer.concat([packed.subarray(0, 3), Buffer.of(flags), packed.subarray(4, 10), more, packed.subarray(10)])

describe('gzip and zlib', () => {
  test('members one behind another, with and without zeros between them, and a pickle that lies in two of them', async () => {
    const half = maliciousPickle.length >> 1
    const halves = [maliciousPickle.subarray(0, half), maliciousPickle.subarray(half)]
    await expectFound(Buffer.concat([gzipSync(empty), packed]))
    await expectFound(Buffer.concat([gzipSync(empty), Buffer.alloc(5), packed]))
    await expectFound(Buffer.concat([gzipSync(empty), Buffer.alloc(1 << 20), packed]))
    await expectFound(Buffer.concat(halves.flatMap((part) => [gzipSync(part), Buffer.alloc(3)])))
    await expectFound(Buffer.concat(halves.map((part) => deflateSync(part))))
    await expectFound(Buffer.concat([deflateSync(empty), deflateSync(maliciousPickle)]))
  })

  test('headers that zlib refuses and Python reads: a wrong checksum, flags that nobody knows, names and extras of any length', async () => {
    await expectFound(withFlags(2, Buffer.of(9, 9)))
    await expectFound(withFlags(0xe0))
    await expectFound(withFlags(4, Buffer.concat([Buffer.of(0, 0x10), Buffer.alloc(0x1000, 'x')])))
    await expectFound(withFlags(8 | 16 | 2, Buffer.from(`${'name'.repeat(700)}\0${'words'.repeat(500)}\0..`)))
  })

  test('zeros, which are empty lzmas one behind another, are passed over at once', async () => {
    const zeros = Buffer.alloc(16 << 20)
    expect(await scanPickles(memorySource(zeros), { signal })).toMatchObject({ state: 'complete', reason: null })
    const nearly = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.concat([Buffer.of(1), Buffer.alloc(17)])))
    expect(await scanPickles(memorySource(nearly), { signal })).toMatchObject({ state: 'complete', reason: null })
  })

  test('ten thousand small members take no time of their own', { timeout: 20_000 }, async () => {
    await expectFound(Buffer.concat([...Array.from({ length: 10_000 }, () => gzipSync(empty)), packed]))
  })
})

const python = findPython('models')

describe.skipIf(python === null)('lzma and xz', () => {
  const script = `
import json, lzma, sys
data = bytes.fromhex(sys.argv[1])
alone = lambda d, **more: lzma.compress(d, format=lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "preset": 6, **more}])
xz = lzma.compress
def known(d):
    packed = bytearray(alone(d))
    packed[5:13] = len(d).to_bytes(8, "little")
    return bytes(packed)
zeros = alone(b"", lc=0, lp=0, pb=0, dict_size=4096)
files = {
    "alone, alone": alone(b"") + alone(data),
    "alone, xz": alone(b"") + xz(data),
    "xz, alone": xz(b"") + alone(data),
    "length and mark of the end, alone": known(b"\\0") + alone(data),
    "other properties": alone(data, lc=0, lp=2, pb=0),
    "properties of zero": alone(data, lc=0, lp=0, pb=0, dict_size=4096),
    "xz, properties of zero": xz(b"") + alone(data, lc=0, lp=0, pb=0, dict_size=4096),
    "zeros, alone": bytes(18 * 40) + alone(data),
    "alone, zeros, properties of zero": alone(b"") + bytes(18 * 3) + alone(data, lc=0, lp=0, pb=0, dict_size=4096),
    "xz, xz, alone, xz": xz(b"") + xz(b"") + zeros + xz(data),
}
for name, packed in files.items():
    assert lzma.open(__import__("io").BytesIO(packed)).read().endswith(data), name
print(json.dumps({name: packed.hex() for name, packed in files.items()}))
`

  test('streams of both, one behind another, and properties that are not the usual ones, as Python reads them', async () => {
    const payload = Buffer.concat([maliciousPickle, Buffer.from('N.'.repeat(200))])
    const stdout = expectSuccess(await runClient(python ?? '', ['-c', script, payload.toString('hex')]))
    for (const [name, hex] of Object.entries(JSON.parse(stdout) as Record<string, string>)) {
      const found = await scanPickles(memorySource(Buffer.from(hex, 'hex')), { signal })
      expect({ name, verdict: found.verdict }).toEqual({ name, verdict: 'dangerous' })
    }
  })
})

// Story: the second chunk of an LZMA2 stream begins with a number that no encoder writes. It overflows 32 bits; liblzma goes on with what is left of it, and a
// decoder that counts further reads other bytes from there on than Python does.
test('a number beyond 32 bits is cut off as liblzma cuts it', () => {
  const stream = Buffer.from(
    [
      'e0007700325d00412dbdcee45f29217b8d59c747e6f465fe28d1c7e6d3c32e50ff8d18c1ca68280686c20c020d7c7944ee90',
      'd2b161aaaf8000800f9f00cc00ffffffff1a7b83b161e144cf66a5fbc920c296b75a07779f16e4d2a84d24f81074363bb1cd',
      '451e00a88cad47f3c34de42654ea57a4dae91e8f800ac60bb1814f340e16b1bc08237613c4cb948eded4f131364bdce11a57',
      'a454a7fa3802e67f9f4486c4521b52742be9b3a5442fe8fbec48393bbb611d26899f63a6c2244bf32162aca0049f1a7f01a2',
      '33621cec7b07dd0ff1315de09a6ea8c85da2a697c1c0e277819718a02de414a91600f20a804a8bffecf4c11863bbe8ab9d4c',
      'f049282d8706169654d0fba57f4a714449',
    ].join(''),
    'hex',
  )
  // What Python's lzma makes of it before it finds the end missing.
  const length = 1046
  const sha256 = 'f76584fae24fdde6937dc439a0aaa18fa3bac0ec87ce1fc273356095e8ae4bd1'
  const parts: Buffer[] = []
  expect(() => {
    for (const piece of new Lzma2Decoder(24).feed(stream, true)) parts.push(Buffer.from(piece))
  }).toThrow(Damaged)
  const bytes = Buffer.concat(parts).subarray(0, length)
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
})
