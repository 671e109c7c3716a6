import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memorySource, openFileSource, type PickleScan, scanPickles } from '../../src/features/scanning/service.ts'
import { expectSuccess, findPython, runClient } from '../compat/clients.ts'

const python = findPython('pickles')
const { signal } = new AbortController()

describe.skipIf(python === null)('MAL-8: no false alarm on what numpy, scikit-learn, joblib and pandas write', () => {
  let folder: string
  let written = 0

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-honest-'))
    const script = fileURLToPath(new URL('python/write_honest_pickles.py', import.meta.url))
    written = Number(expectSuccess(await runClient(python ?? '', [script, folder], { timeoutMs: 300_000 })))
  }, 320_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('every file is ok, and read whole', async () => {
    const names = await readdir(folder)
    expect(names.length).toBe(written)
    expect(written).toBeGreaterThan(600)
    const alarms: string[] = []
    let pickles = 0
    for (const name of names) {
      const scan = await scanFile(path.join(folder, name))
      pickles += scan.pickles
      if (scan.verdict !== 'innocuous' || scan.state !== 'complete') alarms.push(`${name}: ${describeScan(scan)}`)
      if (/\.(pkl|joblib)$/.test(name) && scan.pickles === 0) alarms.push(`${name}: no pickle was found`)
    }
    expect(alarms).toEqual([])
    expect(pickles).toBeGreaterThan(590)
  }, 120_000)

  it('arrays of joblib are passed over to the byte: a pickle behind them is still found', async () => {
    for (const name of ['numpy-float.joblib', 'numpy-objects.joblib', 'sklearn-RandomForestClassifier-1.joblib']) {
      const honest = await readFile(path.join(folder, name))
      const added = Buffer.concat([honest, Buffer.from("cos\nsystem\n(S'echo'\ntR.")])
      expect(await scanPickles(memorySource(added), { signal })).toMatchObject({ verdict: 'dangerous' })
      expect(await scanPickles(memorySource(honest.subarray(0, -3)), { signal })).toMatchObject({ state: 'broken' })
    }
  })

  it('MAL-9: a pickle cut anywhere is said to be broken, never ok', async () => {
    const honest = await readFile(path.join(folder, 'sklearn-LogisticRegression-1.pkl'))
    for (let length = 40; length < honest.length; length += 7) {
      const scan = await scanPickles(memorySource(honest.subarray(0, length)), { signal })
      expect(scan.state, `cut at ${length}`).toBe('broken')
      expect(scan.verdict).toBe('innocuous')
    }
  })

  it('MAL-9: a zip of NumPy whose bytes are damaged is said to be broken', async () => {
    const file = path.join(folder, 'numpy.npz')
    const damaged = await readFile(file)
    const at = damaged.indexOf('NUMPY') + 200
    damaged[at] = (damaged[at] ?? 0) ^ 0xff
    await writeFile(file, damaged)
    expect(await scanFile(file)).toMatchObject({ state: 'broken' })
  })
})

async function scanFile(file: string): Promise<PickleScan> {
  const source = await openFileSource(file)
  try {
    return await scanPickles(source, { signal })
  } finally {
    await source.close()
  }
}

function describeScan({ state, reason, imports, findings }: PickleScan): string {
  const bad = imports.filter(({ verdict }) => verdict !== 'innocuous')
  return JSON.stringify({ state, reason, imports: bad, findings })
}
