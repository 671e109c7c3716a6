/** The device flow (RFC 8628) over HTTP, on both databases, with what attackers make of it. `hf auth login` itself is in tests/compat. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { getPage, hfClientId, postForm, registerApplication } from '../../../tests/support/oauth.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

interface Started {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}
interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
  readonly scope: string
}

describe.each(dialects)('signing in a device on %s', (dialect) => {
  let time = Date.now()
  let running: TestHub
  let ada: TestUser
  let mallory: TestUser
  let acme: { id: string; name: string }
  let cookie: string

  beforeAll(async () => {
    running = await startHubOn(dialect, { clock: systemClock(() => time) })
    ada = await makeUser(running, 'ada', { password })
    mallory = await makeUser(running, 'mallory', { password })
    acme = await makeOrganization(running, 'acme', ada)
  })
  afterAll(() => running.stop())
  beforeEach(async () => {
    cookie = await signInAs(running, ada)
  })

  const start = async (headers: Record<string, string> = {}) =>
    (await postForm(`${running.url}/oauth/device`, { client_id: hfClientId }, headers)).json<Started>()
  const poll = (device_code: string, client_id = hfClientId) => {
    time += 5_000
    return postForm(`${running.url}/oauth/token`, { grant_type: deviceGrant, device_code, client_id })
  }
  const answer = (user_code: string, what: 'approve' | 'deny', organization: readonly string[] = [], as = cookie) =>
    postForm(`${running.url}/device/answer`, { user_code, answer: what, organization }, { cookie: as })
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const refresh = (refresh_token: string) =>
    postForm(`${running.url}/oauth/token`, { grant_type: 'refresh_token', refresh_token, client_id: hfClientId })
  const whoami = (token: string) => fetch(`${running.url}/api/whoami-v2`, { headers: bearer(token) })
  async function signIn(organizations: readonly string[] = []): Promise<Tokens> {
    const started = await start()
    expect((await answer(started.user_code, 'approve', organizations)).status).toBe(303)
    return (await poll(started.device_code)).json<Tokens>()
  }

  test('hub-api.md, 20: start, wait, approve, get tokens that work where the person ticked, and nowhere else', async () => {
    const started = await start()
    expect(started).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${running.url}/device`,
      verification_uri_complete: `${running.url}/device?user_code=${started.user_code}`,
      expires_in: 900,
      interval: 5,
    })
    const waiting = await poll(started.device_code)
    expect([waiting.status, waiting.json().error]).toEqual([400, 'authorization_pending'])
    expect(waiting.headers.get('cache-control')).toBe('no-store')
    // Typed in another way than shown.
    const typed = started.user_code.toLowerCase().replace('-', ' ')
    const page = await postForm(`${running.url}/device`, { user_code: typed }, { cookie })
    expect(page.text).toContain(started.user_code)
    expect((await answer(started.user_code, 'approve', [acme.id])).headers.get('location')).toBe(
      '/settings/connected-applications',
    )
    const got = (await poll(started.device_code)).json<Tokens>()
    expect(got).toMatchObject({ token_type: 'bearer', expires_in: 30 * 86_400, refresh_token: expect.any(String) })
    const me = (await (await whoami(got.access_token)).json()) as {
      name: string
      auth: { accessToken: { role: string } }
    }
    expect(me).toMatchObject({ name: 'ada', auth: { accessToken: { role: 'fineGrained' } } })
    const create = (organization?: string) =>
      fetch(`${running.url}/api/repos/create`, {
        method: 'POST',
        headers: { ...bearer(got.access_token), 'content-type': 'application/json' },
        body: JSON.stringify({ name: `m${time}`, ...(organization === undefined ? {} : { organization }) }),
      })
    expect((await create()).status).toBe(200)
    expect((await create('acme')).status).toBe(200)
    // Each device code gives one token.
    expect((await poll(started.device_code)).json().error).toBe('expired_token')
    const other = await signIn()
    const refused = await fetch(`${running.url}/api/repos/create`, {
      method: 'POST',
      headers: { ...bearer(other.access_token), 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'unticked', organization: 'acme' }),
    })
    expect(refused.status).toBe(403)
  })

  test('RFC 8628, 3.5: denied, expired, too fast, and another application are told apart', async () => {
    const denied = await start()
    await answer(denied.user_code, 'deny')
    expect((await poll(denied.device_code)).json().error).toBe('access_denied')

    const hasty = await start()
    await poll(hasty.device_code)
    time -= 5_000
    const slow = (await poll(hasty.device_code)).json()
    expect(slow).toMatchObject({ error: 'slow_down', error_description: expect.stringContaining('10 seconds') })

    const late = await start()
    time += 900_001
    expect((await poll(late.device_code)).json().error).toBe('expired_token')
    expect((await answer(late.user_code, 'approve')).status).toBe(422)

    const other = await start()
    const stolen = await poll(other.device_code, 'somebody-else')
    expect([stolen.status, stolen.json().error]).toEqual([401, 'invalid_client'])
    const unknown = await postForm(`${running.url}/oauth/device`, { client_id: 'nobody' })
    expect([unknown.status, unknown.json().error]).toEqual([401, 'invalid_client'])
  })

  test('phishing: a code that somebody sent is answered knowingly, or not at all', async () => {
    // Mallory starts a sign-in and sends ada the prefilled link: "your storage is full, click here". Opening it does nothing. The page
    // that follows names the program, the address and the time of who asked, and says what follows.
    const started = await start({ 'user-agent': 'evil-laptop/6.6 <b>' })
    const link = await getPage(started.verification_uri_complete, cookie)
    expect(link.status).toBe(200)
    expect(link.text).toContain(`value="${started.user_code}"`)
    expect((await poll(started.device_code)).json().error).toBe('authorization_pending')
    const page = await postForm(`${running.url}/device`, { user_code: started.user_code }, { cookie })
    expect(page.text).toContain('Go on only if you started this yourself')
    expect(page.text).toContain('evil-laptop/6.6 &lt;b&gt;')
    expect(page.text).toMatch(/127\.0\.0\.1|::1/)
    expect(page.text).toContain('Hugging Face command line')
    expect((await poll(started.device_code)).json().error).toBe('authorization_pending')
    await answer(started.user_code, 'deny')
    expect((await poll(started.device_code)).json().error).toBe('access_denied')
  })

  test('guessing user codes: twenty letters to the eighth, and ten tries before one has to wait', async () => {
    // Mallory has an account of his own and looks for codes of other people, to sign their devices in as himself (and see what they upload).
    const his = await signInAs(running, mallory)
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) {
      const guess = await postForm(`${running.url}/device`, { user_code: 'BBBB-BBBB' }, { cookie: his })
      statuses.push(guess.status)
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(422))
    expect(statuses.at(-1)).toBe(429)
    // Nor by the form of the answer.
    const started = await start()
    expect((await answer(started.user_code, 'approve', [], his)).status).toBe(429)
    expect((await poll(started.device_code)).json().error).toBe('authorization_pending')
  })

  test('CSRF: no other site answers for a device', async () => {
    // A page of mallory's posts the form of /device/answer with the code of his own device while ada is signed in.
    const started = await start()
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
    ]
    for (const headers of foreign) {
      const sent = { user_code: started.user_code, answer: 'approve' }
      const forged = await postForm(`${running.url}/device/answer`, sent, { cookie, ...headers })
      expect(forged.status).toBe(403)
    }
    expect((await poll(started.device_code)).json().error).toBe('authorization_pending')
  })

  test('clickjacking: no site frames the page that asks', async () => {
    // A transparent frame over a game, with Approve under the mouse.
    const started = await start()
    const page = await postForm(`${running.url}/device`, { user_code: started.user_code }, { cookie })
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  test('a stale session confirms first, a token cannot answer', async () => {
    // Somebody finds a laptop that is signed in since this morning; somebody else has a token that leaked, and wants one that lasts.
    const started = await start()
    time += 3_700_000
    const page = await getPage(started.verification_uri_complete, cookie)
    expect(page.status).toBe(303)
    expect(page.headers.get('location')).toContain('/login/confirm?next=')
    const fresh = await start()
    expect((await answer(fresh.user_code, 'approve')).status).toBe(403)
    cookie = await signInAs(running, ada)
    const { access_token } = await signIn()
    const sent = { user_code: fresh.user_code, answer: 'approve' }
    expect((await postForm(`${running.url}/device/answer`, sent, bearer(access_token))).status).toBe(403)
    expect((await poll(fresh.device_code)).json().error).toBe('authorization_pending')
  })

  test('refresh: the token gets a new value under the same name, the refresh token rotates', async () => {
    const first = await signIn()
    time += 29 * 86_400_000
    const second = (await refresh(first.refresh_token)).json<Tokens>()
    expect(second.access_token).not.toBe(first.access_token)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(second.expires_in).toBe(30 * 86_400)
    expect((await whoami(second.access_token)).status).toBe(200)
    // Another process of the client may still be on its way with the old one.
    expect((await whoami(first.access_token)).status).toBe(200)
    time += 601_000
    expect((await whoami(first.access_token)).status).toBe(401)
    time += 40 * 86_400_000
    expect((await whoami(second.access_token)).status).toBe(401)
    const third = (await refresh(second.refresh_token)).json<Tokens>()
    expect((await whoami(third.access_token)).status).toBe(200)
    time += 91 * 86_400_000
    expect((await refresh(third.refresh_token)).json().error).toBe('invalid_grant')
  })

  test('refresh replay: a refresh token that is used twice ends the whole sign-in', async () => {
    // Mallory copied ada's stored_tokens and refreshes first; ada's client refreshes later with what he used. The hub cannot know who is
    // who: both are out, and she signs in again.
    const stolen = await signIn()
    const his = (await refresh(stolen.refresh_token)).json<Tokens>()
    expect((await whoami(his.access_token)).status).toBe(200)
    const hers = await refresh(stolen.refresh_token)
    expect([hers.status, hers.json().error]).toEqual([400, 'invalid_grant'])
    expect((await whoami(his.access_token)).status).toBe(401)
    expect((await refresh(his.refresh_token)).json().error).toBe('invalid_grant')
    const told = await running.hub.db.read
      .selectFrom('event')
      .select('data')
      .where('action', '=', 'oauth.replayed')
      .execute()
    expect(told.map(({ data }) => JSON.parse(data).what)).toContain('refresh token')
  })

  test('two refreshes at the same moment: one is a replay, and nothing of the sign-in is left', async () => {
    const { refresh_token } = await signIn()
    const both = await Promise.all([refresh(refresh_token), refresh(refresh_token)])
    const winners = both.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    expect((await whoami(winners[0]?.json<Tokens>().access_token ?? '')).status).toBe(401)
  })

  test('a refresh token of another application, or more scopes than were given, gets nothing', async () => {
    const { refresh_token } = await signIn()
    const form = { grant_type: 'refresh_token', refresh_token }
    const app = await registerApplication(running.url, cookie, {
      name: 'App',
      redirectUris: ['https://app.example/cb'],
    })
    const other = await postForm(`${running.url}/oauth/token`, { ...form, client_id: app.id })
    expect(other.json().error).toBe('invalid_client')
    const nobody = await postForm(`${running.url}/oauth/token`, form)
    expect(nobody.json().error).toBe('invalid_client')
    const more = await postForm(`${running.url}/oauth/token`, { ...form, client_id: hfClientId, scope: 'admin' })
    expect(more.json().error).toBe('invalid_scope')
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('whatever ends the access token ends the refresh token: deletion, disconnecting, RFC 7009, deactivation', async () => {
    const byDeletion = await signIn()
    const list = await getPage(`${running.url}/settings/tokens`, cookie)
    expect(list.text).toContain('oauth-hugging-face-command-line-')
    await postForm(`${running.url}/settings/tokens/delete-all`, { confirm: 'delete all tokens' }, { cookie })
    expect((await whoami(byDeletion.access_token)).status).toBe(401)
    expect((await refresh(byDeletion.refresh_token)).json().error).toBe('invalid_grant')

    const connected = await signIn([acme.id])
    const page = await getPage(`${running.url}/settings/connected-applications`, cookie)
    expect(page.text).toContain('Hugging Face command line')
    expect(page.text).toContain('also in acme')
    const at = `${running.url}/settings/connected-applications/${hfClientId}/disconnect`
    expect((await postForm(at, {}, { cookie })).status).toBe(303)
    expect((await whoami(connected.access_token)).status).toBe(401)
    expect((await refresh(connected.refresh_token)).json().error).toBe('invalid_grant')

    for (const which of ['access_token', 'refresh_token'] as const) {
      const revoked = await signIn()
      const revoke = (token: string) => postForm(`${running.url}/oauth/revoke`, { token, client_id: hfClientId })
      expect((await revoke('unknown')).status).toBe(200)
      expect((await whoami(revoked.access_token)).status).toBe(200)
      expect((await revoke(revoked[which])).status).toBe(200)
      expect((await whoami(revoked.access_token)).status).toBe(401)
      expect((await refresh(revoked.refresh_token)).json().error).toBe('invalid_grant')
    }

    const left = await makeUser(running, `left-${dialect}`, { password })
    const theirs = await signInAs(running, left)
    const started = await start()
    await answer(started.user_code, 'approve', [], theirs)
    await running.hub.transaction((tx) =>
      tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', left.id).execute(),
    )
    expect((await poll(started.device_code)).json().error).toBe('invalid_grant')
  })

  test('the twenty-first sign-in of one application ends the oldest, so that an account never fills up', async () => {
    const first = await signIn()
    for (let i = 0; i < 20; i++) await signIn()
    expect((await whoami(first.access_token)).status).toBe(401)
  })
})
