/**
 * The attack: a tar in which Python finds a file that the scanner does not. A folder says that it has bytes, and its bytes are the header of another file; a kind
 * of entry that nobody knows is extracted as a file; a size stands in another place or is written as Python alone reads it; the first file is called like the
 * beginning of another format. Payloads are compressed: as they are, they would be found whatever lies around them.
 */
import { Buffer } from 'node:buffer'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { memorySource, scanPickles } from '../../src/features/scanning/service.ts'
import { expectSuccess, findPython, runClient } from '../compat/clients.ts'
import { maliciousPickle } from './samples.ts'

const { signal } = new AbortController()
const scan = (bytes: Buffer) => scanPickles(memorySource(bytes), { signal })
const packed = gzipSync(maliciousPickle)
const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`

interface Entry {
  readonly name: string
  readonly type?: string
  readonly data?: Buffer
  readonly size?: string
  /** How its checksum is written. */
  readonly sum?: (sum: number) => string
}

function entry({
  name,
  type = '0',
  data = Buffer.alloc(0),
  size,
  sum = (value) => `${octal(value, 7)} `,
}: Entry): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 'latin1')
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(size ?? octal(data.length, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write(type, 156)
  header.write('ustar\x0000', 257)
  header.write(sum(header.reduce((total, byte) => total + byte, 0)), 148)
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

const end = Buffer.alloc(1024)
const hidden = entry({ name: 'hidden.gz', data: packed })
const paxSize = (length: number) => Buffer.from(`${`xx size=${length}\n`.length} size=${length}\n`)

const tars: Record<string, Buffer> = {
  'a folder with bytes': Buffer.concat([entry({ name: 'd', type: '5', size: octal(4096, 12) }), hidden, end]),
  'a link with bytes': Buffer.concat([entry({ name: 'd', type: '2', size: octal(4096, 12) }), hidden, end]),
  'a kind that nobody knows': Buffer.concat([entry({ name: 'hidden.gz', type: 'Z', data: packed }), end]),
  'a size in a pax header': Buffer.concat([
    entry({ name: 'p', type: 'x', data: paxSize(packed.length) }),
    entry({ name: 'hidden.gz', size: octal(0, 12) }),
    packed,
    Buffer.alloc((512 - (packed.length % 512)) % 512),
    end,
  ]),
  'a size that int() reads': Buffer.concat([
    entry({ name: 'hidden.gz', data: packed, size: `0o${packed.length.toString(8)} ` }),
    end,
  ]),
  'a checksum that int() reads': Buffer.concat([
    entry({ name: 'hidden.gz', data: packed, sum: (value) => `0o${value.toString(8)}\0`.padEnd(8) }),
    end,
  ]),
  'a name like the beginning of lzma': Buffer.concat([entry({ name: ']' }), hidden, end]),
  'a name like the beginning of zlib': Buffer.concat([entry({ name: 'x\x9c' }), hidden, end]),
  'a name like the beginning of zstd': Buffer.concat([entry({ name: '(\xb5/\xfd' }), hidden, end]),
}

describe('tars that readers understand differently', () => {
  test.each(Object.entries(tars))('MAL-8: %s', async (_, tar) => {
    expect(await scan(tar)).toMatchObject({ verdict: 'dangerous' })
  })

  test('a header that is damaged, and a block of zeros, hide nothing behind them', async () => {
    const first = entry({ name: 'first', data: Buffer.from('words') })
    expect(await scan(Buffer.concat([first, Buffer.alloc(512), hidden, end]))).toMatchObject({ verdict: 'dangerous' })
    const broken = await scan(Buffer.concat([first, Buffer.alloc(512, 'x'), hidden, end]))
    expect(broken).toMatchObject({ verdict: 'dangerous', state: 'broken' })
  })

  test('in another archive, what is both a tar and something else is not called wholly read', async () => {
    const found = await scan(gzipSync(tars['a name like the beginning of zstd'] as Buffer))
    expect(found.state).toBe('partly')
  })

  test('an honest tar is read to its end, and nothing is said of it', async () => {
    const tar = Buffer.concat([
      entry({ name: 'd/', type: '5' }),
      entry({ name: 'p', type: 'x', data: paxSize(5) }),
      entry({ name: 'd/a', data: Buffer.from('words') }),
      entry({ name: 'l', type: '2' }),
      end,
      Buffer.alloc(9 * 1024),
    ])
    expect(await scan(tar)).toMatchObject({ verdict: 'innocuous', state: 'complete', reason: null })
  })

  const python = findPython('models')
  test.skipIf(python === null)('Python finds the file in each of them', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-tars-'))
    const script = `
import sys, tarfile
for name in sys.argv[2:]:
    with tarfile.open(f"{sys.argv[1]}/{name}", "r:") as tar:
        found = [m for m in tar if m.name == "hidden.gz"]
        assert found, name
        if found[0].type not in (b"Z",):
            assert tar.extractfile(found[0]).read() == bytes.fromhex("${packed.toString('hex')}"), name
`
    try {
      const names = Object.entries(tars).map(([, tar], index) => [`${index}.tar`, tar] as const)
      for (const [name, tar] of names) await writeFile(path.join(folder, name), tar)
      expectSuccess(await runClient(python ?? '', ['-c', script, folder, ...names.map(([name]) => name)]))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
