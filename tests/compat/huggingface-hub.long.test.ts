/** The same day of a person with 1,000 small files and one of 1 GiB. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

describe.each(['newest', 'last1'] as const)('huggingface_hub, %s, in earnest', (set) => {
  const python = findPython(set)
  let hub: TestHub
  let token: string

  beforeAll(async () => {
    hub = await startHub()
    token = (await makeUser(hub, 'ada', { tokenRole: 'write' })).token
  })
  afterAll(() => hub.stop())

  it.skipIf(python === null)('uploads a folder of 1,000 small files and one of 1 GiB, and takes it back', async () => {
    const script = fileURLToPath(new URL('./python/hub_lifecycle.py', import.meta.url))
    const env = { HF_ENDPOINT: hub.url, TOKEN: token, FILES: '1000', BIG_BYTES: String(2 ** 30) }
    expect(expectSuccess(await runClient(python ?? '', [script], { env, timeoutMs: 1_700_000 }))).toContain('ok')
  })
})
