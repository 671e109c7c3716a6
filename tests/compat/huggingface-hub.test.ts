/** The Python client, newest and last 1.x, unmodified, pointed here by HF_ENDPOINT alone: by Xet as it comes, and by Git LFS where somebody wants that. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const script = (name: string): string => fileURLToPath(new URL(`./python/${name}`, import.meta.url))

const runs = (['newest', 'last1'] as const).flatMap((set) => [
  ...dialects.map((dialect) => ({ set, dialect, transfer: 'Xet' })),
  { set, dialect: 'sqlite', transfer: 'Git LFS' } as const,
])

describe.each(runs)('huggingface_hub, $set, on $dialect, by $transfer', ({ set, dialect, transfer }) => {
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
        env: { HF_ENDPOINT: hub.url, TOKEN: token, ...(transfer === 'Xet' ? {} : { HF_HUB_DISABLE_XET: '1' }) },
        timeoutMs: 230_000,
      })
      expect(expectSuccess(ran)).toContain('ok')
    },
  )
})
