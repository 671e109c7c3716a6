/** The deprecated token of an organization in unmodified clients (OAT-3, OAT-4): who they say they are, what they do, and the warning in their log. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemOrigin } from '../../src/domain/event.ts'
import { plainOrganization } from '../../src/domain/facts.ts'
import { systemGrant } from '../../src/domain/policy.ts'
import { createLegacyToken } from '../../src/features/legacy-tokens/service.ts'
import { makeOrganization, makeUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import type { TestHub } from '../support/start-hub.ts'
import { startHubOn } from '../support/start-hub-on.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const script = `
import os
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
api = HfApi()
who = api.whoami()
print(who["type"], who["name"])
api.create_repo("acme/made", private=True)
api.upload_file(path_or_fileobj=b"weights", path_in_repo="w.bin", repo_id="acme/made")
print(open(hf_hub_download("acme/made", "w.bin")).read())
print([model.id for model in api.list_models(author="acme")])
for _ in range(3):
    api.whoami()
try:
    api.create_repo("ada/other", private=True)
except HfHubHTTPError as error:
    print(error.response.status_code)
`

describe.each(dialects)('huggingface_hub with the token of an organization, on %s', (dialect) => {
  const python = findPython('newest')
  let hub: TestHub
  let token: string

  beforeAll(async () => {
    hub = await startHubOn(dialect, { env: { HOLDFAST_LEGACY_ORG_TOKENS: 'true' } })
    const ada = await makeUser(hub, 'ada')
    const acme = await makeOrganization(hub, 'acme', ada)
    const target = { on: 'organization', name: 'acme', organization: plainOrganization(acme) } as const
    token = await createLegacyToken(hub.hub, systemGrant('org.rotate_token', target, 'tests'), systemOrigin, 'write')
  })
  afterAll(() => hub.stop())

  it.skipIf(python === null)(
    'OAT-3, OAT-4: acts as the organization, and is told once',
    { timeout: 60_000 },
    async () => {
      const said = await runClient(python ?? '', ['-c', script], { env: { HF_ENDPOINT: hub.url, HF_TOKEN: token } })
      const lines = expectSuccess(said).trim().split('\n')
      expect(lines).toEqual(['org acme', 'weights', "['acme/made']", '403'])
      expect(said.stderr.split('is deprecated')).toHaveLength(2)
      expect(said.stderr).toContain('Use a service account of acme instead')
      expect(said.stderr).not.toContain(token)
    },
  )
})
