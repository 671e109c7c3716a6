import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('a hub on a disk loads nothing of the object storage', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-hub-'))
  const sibling = (name: string): string => JSON.stringify(path.join(import.meta.dirname, name))
  const script = path.join(folder, 'start.mjs')
  await writeFile(
    script,
    `import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    const { openHub } = await import(${sibling('hub.ts')})
    const { readConfig } = await import(${sibling('config.ts')})
    const hub = await openHub(readConfig({ HOLDFAST_DATA: ${JSON.stringify(folder)}, HOLDFAST_LOG_LEVEL: 'silent' }))
    await hub.close()
    console.log(JSON.stringify([loaded.length, loaded.filter((url) => /aws|smithy|s3-/.test(url))]))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  const [count, ofStorage] = JSON.parse(stdout) as [number, string[]]
  expect(count).toBeGreaterThan(20)
  expect(ofStorage).toEqual([])
  await rm(folder, { recursive: true, force: true })
})
