/** `datasets`, unmodified: push_to_hub and load_dataset, also streaming. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

describe('datasets', () => {
  const python = findPython('newest')
  let hub: TestHub
  let token: string

  beforeAll(async () => {
    hub = await startHub()
    token = (await makeUser(hub, 'ada', { tokenRole: 'write' })).token
  })
  afterAll(() => hub.stop())

  it.skipIf(python === null)('pushes a private data set, loads and streams it', { timeout: 240_000 }, async () => {
    const script = fileURLToPath(new URL('./python/datasets_roundtrip.py', import.meta.url))
    const env = { HF_ENDPOINT: hub.url, TOKEN: token, HUB_USER: 'ada' }
    expect(expectSuccess(await runClient(python ?? '', [script], { env, timeoutMs: 230_000 }))).toContain('ok')
  })
})
