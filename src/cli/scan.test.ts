import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callingPickle, frame, join, proto, text } from '../../tests/scanning/pickle-assembler.ts'
import { scanCommand } from './scan.ts'

describe('MAL-8: holdfast scan', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-scan-'))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    process.exitCode = 0
    await rm(folder, { recursive: true, force: true })
  })

  async function run(...args: string[]): Promise<{ out: string; code: number | string | undefined }> {
    let out = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    })
    process.exitCode = 0
    await new Command('holdfast').addCommand(scanCommand()).parseAsync(['scan', ...args], { from: 'user' })
    return { out: out.replaceAll(folder, ''), code: process.exitCode }
  }

  const write = (name: string, content: Buffer | string): Promise<void> => writeFile(path.join(folder, name), content)

  it('says ok, and lists innocuous imports when asked', async () => {
    await write('weights.pt', callingPickle('collections', 'OrderedDict'))
    await write('README.md', 'cos and more\n')
    expect(await run(folder)).toEqual({ out: '/README.md: ok (no pickle)\n/weights.pt: ok (1 pickle)\n', code: 0 })
    expect((await run('--all', folder)).out).toContain('  innocuous  collections OrderedDict (called)\n')
  })

  it('names what is dangerous in folders of folders, whatever the files are called, and ends with 1', async () => {
    await mkdir(path.join(folder, 'deep'))
    await write('deep/picture.png', callingPickle('posix', 'system'))
    await write('cut.bin', join(proto(4), frame(40), text('collections')))
    const { out, code } = await run(folder)
    expect(out).toContain('/deep/picture.png: DANGEROUS (1 pickle)\n  dangerous  posix system (called)\n')
    expect(out).toContain('/cut.bin: nothing found, but no pickle, broken: the pickle is broken at byte')
    expect(code).toBe(1)
  })

  it('ends with 2 when a file could not be read whole, or is not there', async () => {
    await write('cut.bin', join(proto(2), 'K\x01K\x02K\x03K\x04'))
    expect(await run(path.join(folder, 'cut.bin'))).toMatchObject({ code: 2 })
    const missing = await run(path.join(folder, 'missing'))
    expect(missing.code).toBe(2)
    expect(missing.out).toMatch(/^\/missing: could not be read: ENOENT/)
  })

  it('writes one object a line with --json', async () => {
    await write('a.pkl', callingPickle('os', 'system'))
    const { out, code } = await run('--json', folder)
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual({
      file: '/a.pkl',
      state: 'complete',
      reason: null,
      verdict: 'dangerous',
      pickles: 1,
      imports: [{ module: 'os', name: 'system', verdict: 'dangerous', how: 'called', framework: null }],
      findings: [],
    })
  })

  it('a name in a file cannot write on the terminal', async () => {
    await write('a.pkl', join('cos\nsystem\x1b[2J\u202e\n(tR.'))
    const { out } = await run(folder)
    expect(out).toContain('os system\\u{1b}[2J')
    expect(out).not.toContain('\x1b')
  })
})
