/** Warnings that ride on answers, in the log of clients as they come: each topic once, however many requests there are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { jsonClient } from '../support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const script = `
from huggingface_hub import HfApi
api = HfApi()
for _ in range(3):
    print(api.whoami()["name"])
list(api.list_models())
`

describe('warnings in the log of huggingface_hub', () => {
  const python = findPython('newest')
  let hub: TestHub
  let old: string
  let fresh: string

  beforeAll(async () => {
    hub = await startHub()
    const mara = await makeUser(hub, 'mara', { tokenRole: 'write' })
    const acme = await makeOrganization(hub, 'acme', mara)
    const account = await makeServiceAccount(hub, acme, 'ci')
    old = await makeAccountToken(hub, acme, account, 'inherit', { name: 'nightly' })
    const ask = jsonClient(hub.url)
    const at = `/api/organizations/acme/service-accounts/${account.id}/tokens`
    const [token] = (await ask('GET', at, mara.token)).json<{ _id: string }[]>()
    const rotated = await ask('POST', `${at}/${token?._id}/rotate`, mara.token, { overlapSeconds: 3600 })
    fresh = rotated.json<{ token: string }>().token
  })
  afterAll(() => hub.stop())

  const run = (token: string) =>
    runClient(python ?? '', ['-c', script], { env: { HF_ENDPOINT: hub.url, HF_TOKEN: token } })

  it.skipIf(python === null)(
    'a token refreshed with an hour of overlap says so once',
    { timeout: 60_000 },
    async () => {
      const said = await run(old)
      expectSuccess(said)
      const words = 'was refreshed: this old value stops working at'
      expect(said.stderr.split(words)).toHaveLength(2)
      expect(said.stderr).toContain(`The access token "nightly" (hf_...${old.slice(-4)}) ${words}`)
      const quiet = await run(fresh)
      expectSuccess(quiet)
      expect(quiet.stderr).not.toContain(words)
    },
  )
})
