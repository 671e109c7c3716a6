/** The `hf` command: sign in with a token, say who one is, make a repo, upload, download. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

describe.each(['newest', 'last1'] as const)('hf, %s', (set) => {
  const python = findPython(set)
  const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
  let hub: TestHub
  let token: string
  let home: string

  beforeAll(async () => {
    hub = await startHub()
    token = (await makeUser(hub, 'ada', { tokenRole: 'write' })).token
    home = await mkdtemp(path.join(tmpdir(), 'holdfast-hf-'))
  })
  afterAll(async () => {
    await hub.stop()
    await rm(home, { recursive: true, force: true })
  })

  it.skipIf(python === null)('signs in, uploads and downloads', { timeout: 120_000 }, async () => {
    const run = (...args: string[]) => runClient(hf, args, { home, env: { HF_ENDPOINT: hub.url } })
    expectSuccess(await run('auth', 'login', '--token', token))
    expect(expectSuccess(await run('auth', 'whoami'))).toContain('ada')
    const created = await run('repo', 'create', 'from-cli', '--private')
    expectSuccess(created.code === 0 ? created : await run('repos', 'create', 'from-cli', '--private'))
    await writeFile(path.join(home, 'notes.txt'), 'written by hand\n')
    await writeFile(path.join(home, 'weights.bin'), Buffer.alloc(300_000, 7))
    expectSuccess(await run('upload', 'ada/from-cli', 'notes.txt', 'docs/notes.txt'))
    expectSuccess(await run('upload', 'ada/from-cli', 'weights.bin'))
    const target = path.join(home, 'fetched')
    expectSuccess(await run('download', 'ada/from-cli', '--local-dir', target))
    expect(await readFile(path.join(target, 'docs', 'notes.txt'), 'utf8')).toBe('written by hand\n')
    expect((await readFile(path.join(target, 'weights.bin'))).length).toBe(300_000)
  })
})
