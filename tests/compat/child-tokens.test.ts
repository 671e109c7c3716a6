/** Idea 14 of behaviours.md, section 4: an agent that runs huggingface_hub with a child token and knows nothing of that. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { jsonClient } from '../support/json-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const owner = `
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("mara/m1", private=True)
api.create_repo("mara/m2", private=True)
api.upload_file(path_or_fileobj=b"weights " * 2_000_000, path_in_repo="model.safetensors", repo_id="mara/m1")
`
const agent = `
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
import os
api = HfApi()
print("is", api.whoami()["name"])
print("has", sorted(os.listdir(snapshot_download("mara/m1"))))
try:
    api.model_info("mara/m2")
except RepositoryNotFoundError:
    print("does not see m2")
try:
    api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="mara/m1")
except HfHubHTTPError as error:
    print("refused", error.response.status_code)
`

describe('child tokens (idea 14) in huggingface_hub', () => {
  const python = findPython('newest')
  let hub: TestHub

  beforeAll(async () => {
    hub = await startHub()
  })
  afterAll(() => hub.stop())

  it.skipIf(python === null)('HF_TOKEN=child reads its one repo and nothing else', { timeout: 120_000 }, async () => {
    const mara = await makeUser(hub, 'mara', { tokenRole: 'write' })
    const run = (script: string, token: string) =>
      runClient(python ?? '', ['-c', script], { env: { HF_ENDPOINT: hub.url, HF_TOKEN: token } })
    expectSuccess(await run(owner, mara.token))
    const derived = await jsonClient(hub.url)('POST', '/api/tokens/derive', mara.token, {
      repos: [{ type: 'model', name: 'mara/m1' }],
      seconds: 600,
      uses: 100,
    })
    const said = await run(agent, derived.json<{ token: string }>().token)
    expectSuccess(said)
    expect(said.stdout.trim().split('\n')).toEqual([
      'is mara',
      "has ['.gitattributes', 'model.safetensors']",
      'does not see m2',
      'refused 403',
    ])
  })
})
