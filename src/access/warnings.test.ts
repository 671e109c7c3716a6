import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken, makeUser, signInAs, type TestUser } from '../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { systemClock } from '../platform/clock.ts'

const day = 86_400_000

describe('warnings on answers', () => {
  let time = Date.now()
  let running: TestHub
  let mara: TestUser

  beforeAll(async () => {
    running = await startHub({ clock: systemClock(() => time) })
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence' })
  })
  afterAll(() => running.stop())

  async function warnings(headers: Record<string, string>, path = '/api/whoami-v2') {
    const response = await fetch(`${running.url}${path}`, { headers })
    await response.text()
    return { status: response.status, said: response.headers.get('x-hf-warning') }
  }
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` })

  test('a token that ends within seven days says so, on refusals too; one that was made for a short life does not', async () => {
    const month = await makeToken(running, mara, { role: 'read', name: 'nächtlich', expiresAt: time + 30 * day })
    const short = await makeToken(running, mara, { role: 'read', expiresAt: time + 7 * day })
    const forever = await makeToken(running, mara, { role: 'read' })
    for (const value of [month, short, forever]) expect((await warnings(bearer(value))).said).toBeNull()
    time += 23 * day - 1
    expect((await warnings(bearer(month))).said).toBeNull()
    time += 1
    const end = new Date(time + 7 * day).toISOString().slice(0, 10)
    const said = `token-expires; The access token "n?chtlich" (hf_...${month.slice(-4)}) expires at ${end}`
    expect((await warnings(bearer(month))).said).toContain(said)
    const missing = await warnings(bearer(month), '/api/models/mara/nothing')
    expect(missing).toMatchObject({ status: 404, said: expect.stringContaining(said) })
    const refused = await warnings(bearer(month), '/api/settings/tokens')
    expect(refused).toMatchObject({ status: 403, said: expect.stringContaining(said) })
    expect((await warnings(bearer(forever))).said).toBeNull()
    time += 7 * day
    expect(await warnings(bearer(month))).toEqual({
      status: 401,
      said: expect.stringMatching(/^denied-token_expired; /),
    })
  })

  test('sessions and strangers are not warned', async () => {
    const cookie = await signInAs(running, mara)
    expect((await warnings({ cookie })).said).toBeNull()
    expect((await warnings({}, '/api/models')).said).toBeNull()
  })
})
