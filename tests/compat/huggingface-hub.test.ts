/** The Python client, newest and last 1.x, unmodified, pointed here by HF_ENDPOINT alone. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const script = (name: string): string => fileURLToPath(new URL(`./python/${name}`, import.meta.url))

const runs = dialects.flatMap((dialect) => (['newest', 'last1'] as const).map((set) => ({ set, dialect })))

describe.each(runs)('huggingface_hub, $set, on $dialect', ({ set, dialect }) => {
  const python = findPython(set)
  let hub: TestHub
  let token: string

  beforeAll(async () => {
    hub = await startHub({ dialect })
    token = (await makeUser(hub, 'ada', { tokenRole: 'write' })).token
  })
  afterAll(() => hub.stop())

  it.skipIf(python === null)(
    'creates, uploads, lists, downloads, branches, moves and deletes',
    { timeout: 240_000 },
    async () => {
      const ran = await runClient(python ?? '', [script('hub_lifecycle.py')], {
        env: { HF_ENDPOINT: hub.url, TOKEN: token },
        timeoutMs: 230_000,
      })
      expect(expectSuccess(ran)).toContain('ok')
    },
  )
})
