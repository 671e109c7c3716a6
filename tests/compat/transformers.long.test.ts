/** `transformers` with torch (token=), and an older pinned pair that still sends use_auth_token= (UAT-19). */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const script = (name: string): string => fileURLToPath(new URL(`./python/${name}`, import.meta.url))

describe('transformers', () => {
  let hub: TestHub
  let token: string

  beforeAll(async () => {
    hub = await startHub()
    token = (await makeUser(hub, 'ada', { tokenRole: 'write' })).token
  })
  afterAll(() => hub.stop())

  const newest = findPython('transformers')
  it.skipIf(newest === null)(
    'pushes a private model made on the spot and loads it with token=',
    { timeout: 600_000 },
    async () => {
      const env = { HF_ENDPOINT: hub.url, TOKEN: token, HUB_USER: 'ada' }
      expect(
        expectSuccess(
          await runClient(newest ?? '', [script('transformers_roundtrip.py')], { env, timeoutMs: 590_000 }),
        ),
      ).toContain('ok')
    },
  )

  const older = findPython('older')
  it.skipIf(older === null)(
    'UAT-19: serves older clients that send use_auth_token=',
    { timeout: 600_000 },
    async () => {
      const env = { HF_ENDPOINT: hub.url, TOKEN: token, HUB_USER: 'ada' }
      expect(
        expectSuccess(await runClient(older ?? '', [script('use_auth_token.py')], { env, timeoutMs: 590_000 })),
      ).toContain('ok')
    },
  )
})
