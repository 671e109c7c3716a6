/** What unmodified huggingface_hub does with the limits: it waits as long as the header says, and goes on by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const limit = 40
const script = `
import time
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
api = HfApi()
try:
    for _ in range(10):
        api.whoami()
    print("whoami: never")
except HfHubHTTPError as error:
    print("whoami:", str(error).replace("\\n", " "))
began = time.monotonic()
try:
    for _ in range(${limit}):
        list(api.list_models(limit=3))
    print("waited:", time.monotonic() - began)
except HfHubHTTPError as error:
    print("list:", str(error).replace("\\n", " "))
`

describe('rate limits in huggingface_hub', () => {
  let ahead = 0
  let hub: TestHub
  let token: string

  beforeAll(async () => {
    hub = await startHub({
      clock: systemClock(() => Date.now() + ahead),
      env: { HOLDFAST_RATE_LIMIT_API: String(limit) },
    })
    token = (await makeUser(hub, 'mara', { tokenRole: 'write' })).token
  })
  afterAll(() => hub.stop())

  async function run(python: string | null): Promise<string> {
    ahead += 300_000
    // The window begins now; of its five minutes the client sees the last eight seconds.
    await fetch(`${hub.url}/api/models`, { headers: { authorization: `Bearer ${token}` } })
    ahead += 292_000
    const ran = await runClient(python ?? '', ['-c', script], { env: { HF_ENDPOINT: hub.url, HF_TOKEN: token } })
    expectSuccess(ran)
    expect(ran.stdout).toContain("You've hit the rate limit for the /whoami-v2 endpoint")
    return ran.stdout
  }

  const newest = findPython('newest')
  it.skipIf(newest === null)('newest: waits until the window ends, then goes on', { timeout: 120_000 }, async () => {
    expect(Number(/waited: ([\d.]+)/.exec(await run(newest))?.[1])).toBeGreaterThan(1)
  })

  // It repeats uploads and downloads; of a list it says how long to wait.
  const last1 = findPython('last1')
  it.skipIf(last1 === null)('last 1.x: says how long to wait', { timeout: 120_000 }, async () => {
    const said = await run(last1)
    expect(said).toContain("429 Too Many Requests: you have reached your 'api' rate limit.")
    expect(said).toMatch(/Retry after [5-8] seconds \(0\/40 requests remaining in current 300s window\)/)
  })
})
