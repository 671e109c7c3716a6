import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFileSource, scanPickles } from '../../src/features/scanning/service.ts'
import { expectSuccess, findPython, runClient } from '../compat/clients.ts'

const python = findPython('transformers')

describe.skipIf(python === null)('MAL-8: no false alarm on what torch and transformers write', () => {
  let folder: string
  let written = 0

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-honest-'))
    const script = fileURLToPath(new URL('python/write_torch_pickles.py', import.meta.url))
    written = Number(
      expectSuccess(await runClient(python ?? '', [script, folder], { timeoutMs: 900_000 }))
        .trim()
        .split('\n')
        .at(-1),
    )
  }, 920_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('every file is ok, and read whole: state dicts, whole modules, optimizers, training arguments, both formats', async () => {
    const names = await readdir(folder)
    expect(names.length).toBe(written)
    expect(names).toContain('training_args.bin')
    const alarms: string[] = []
    for (const name of names) {
      const source = await openFileSource(path.join(folder, name))
      const scan = await scanPickles(source, { signal: new AbortController().signal })
      await source.close()
      const bad = scan.imports.filter(({ verdict }) => verdict !== 'innocuous')
      if (scan.verdict !== 'innocuous' || scan.state !== 'complete' || scan.pickles === 0) {
        alarms.push(`${name}: ${scan.state} ${scan.reason ?? ''} ${JSON.stringify([...bad, ...scan.findings])}`)
      }
    }
    expect(alarms).toEqual([])
  })
})
