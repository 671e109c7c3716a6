/** The authorization code over HTTP, on both databases, with the attacks on it that RFC 9700 lists. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { allowInsecureRequests, ClientSecretPost, discovery } from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import {
  type Authorization,
  approve,
  authorizationAddress,
  getPage,
  makePkce,
  type Pkce,
  postForm,
  type Registered,
  registerApplication,
} from '../../../tests/support/oauth.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'
const callback = 'https://app.example/callback?kind=web'

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
  readonly expires_in: number
  readonly scope: string
}

describe.each(dialects)('the authorization code on %s', (dialect) => {
  let time = Date.now()
  let running: TestHub
  let ada: TestUser
  let acme: { id: string; name: string }
  let cookie: string
  let app: Registered
  let server: Registered
  let pkce: Pkce

  beforeAll(async () => {
    running = await startHubOn(dialect, { clock: systemClock(() => time) })
    ada = await makeUser(running, 'ada', { password })
    acme = await makeOrganization(running, 'acme', ada)
    cookie = await signInAs(running, ada)
    app = await registerApplication(running.url, cookie, {
      name: 'Model garden',
      redirectUris: [
        callback,
        'http://127.0.0.1/cb',
        'http://[::1]/cb',
        'http://localhost:3000',
        'com.example.app:/cb',
      ],
    })
    server = await registerApplication(running.url, cookie, {
      name: 'Server',
      redirectUris: ['https://server.example/cb'],
      confidential: true,
    })
  })
  afterAll(() => running.stop())
  beforeEach(async () => {
    cookie = await signInAs(running, ada)
    pkce = makePkce()
  })

  const asked = (change: Record<string, string> = {}): Authorization => ({
    client_id: app.id,
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...change,
  })
  const ask = (change: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    getPage(authorizationAddress(running.url, asked(change)), cookie, headers)
  const exchange = (code: string | null, change: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    postForm(
      `${running.url}/oauth/token`,
      {
        grant_type: 'authorization_code',
        code: code ?? '',
        redirect_uri: callback,
        code_verifier: pkce.verifier,
        ...change,
      },
      headers,
    )
  const approved = async (change: Record<string, string> = {}, organizations: string[] = []) =>
    (await approve(running.url, cookie, asked(change), organizations)).searchParams.get('code')
  const userinfo = async (token: string) =>
    await fetch(`${running.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  const errorOf = (location: string | null) => new URL(location ?? '').searchParams.get('error')

  test('hub-api.md, 20: page, answer, code, tokens, ID token, userinfo', async () => {
    const page = await ask({ nonce: 'n-1' })
    expect(page.status).toBe(200)
    expect(page.text).toContain('Sign in to Model garden?')
    expect(page.text).toContain('registered by ada')
    expect(page.text).toContain('https://app.example')
    expect(page.text).toContain('see your e-mail address')
    // Without this the browser would not follow the answer of the form.
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://app.example;")
    const back = await approve(running.url, cookie, asked({ nonce: 'n-1' }))
    expect(`${back.origin}${back.pathname}`).toBe('https://app.example/callback')
    expect(Object.fromEntries(back.searchParams)).toEqual({
      kind: 'web',
      code: expect.stringMatching(/^[\w-]{43}$/),
      state: 'the-state',
      iss: running.url,
    })
    // As @huggingface/hub does: without a client_id.
    const answer = await exchange(back.searchParams.get('code'))
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const tokens = answer.json<Tokens>()
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 8 * 3600, scope: 'openid profile email' })
    const keys = createRemoteJWKSet(new URL(`${running.url}/oauth/jwks`))
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, keys, {
      issuer: running.url,
      audience: app.id,
      algorithms: ['RS256'],
      currentDate: new Date(time),
    })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
    expect(payload).toMatchObject({ sub: ada.id, nonce: 'n-1', preferred_username: 'ada', email: 'ada@example.org' })
    expect(await (await userinfo(tokens.access_token)).json()).toEqual({
      sub: ada.id,
      name: 'ada',
      preferred_username: 'ada',
      profile: `${running.url}/ada`,
      picture: expect.stringContaining('/avatars/ada'),
      isPro: false,
      orgs: [],
      email: 'ada@example.org',
      email_verified: true,
    })
  })

  test('userinfo tells as much as the scopes say, and of organizations those that were ticked', async () => {
    const little = (await exchange(await approved({ scope: 'openid' }))).json<Tokens>()
    expect(await (await userinfo(little.access_token)).json()).toEqual({ sub: ada.id })
    const code = await approved({ scope: 'openid profile read-repos' }, [acme.id])
    const more = (await exchange(code)).json<Tokens>()
    const told = (await (await userinfo(more.access_token)).json()) as { orgs: unknown[] }
    expect(told.orgs).toMatchObject([{ sub: acme.id, preferred_username: 'acme', roleInOrg: 'admin' }])
    expect(told).not.toHaveProperty('email')
    expect((await fetch(`${running.url}/oauth/userinfo`)).status).toBe(401)
  })

  test('an application that was not told the address asks elsewhere, and with a token of its token: it hears no more', async () => {
    // Ada let an application know who she is, and neither her address nor where she works. Its token is an access token like others: it asks
    // whoami, and derives a child, which no scope is written down for, to ask again.
    const little = (await exchange(await approved({ scope: 'openid read-repos' }))).json<Tokens>()
    const derived = await fetch(`${running.url}/api/tokens/derive`, {
      method: 'POST',
      headers: { authorization: `Bearer ${little.access_token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ seconds: 600 }),
    })
    expect(derived.status).toBe(201)
    const { token: child } = (await derived.json()) as { token: string }
    for (const token of [little.access_token, child]) {
      expect(await (await userinfo(token)).json()).toEqual({ sub: ada.id })
      const headers = { authorization: `Bearer ${token}` }
      const me = (await (await fetch(`${running.url}/api/whoami-v2`, { headers })).json()) as { orgs: unknown[] }
      expect(me).toMatchObject({ name: 'ada', email: null, orgs: [] })
      for (const page of ['/settings/account', '/settings/profile', '/settings/organizations', '/new']) {
        const html = await (await fetch(`${running.url}${page}`, { headers })).text()
        expect([page, html.includes('ada@example.org')]).toEqual([page, false])
      }
    }
    const more = (await exchange(await approved({ scope: 'openid email read-repos' }, [acme.id]))).json<Tokens>()
    const headers = { authorization: `Bearer ${more.access_token}` }
    expect(await (await fetch(`${running.url}/api/whoami-v2`, { headers })).json()).toMatchObject({
      email: 'ada@example.org',
      emailVerified: true,
      orgs: [{ name: 'acme' }],
    })
  })

  test('scopes become the permissions of a fine-grained token, and no more', async () => {
    const reading = (await exchange(await approved({ scope: 'openid read-repos' }))).json<Tokens>()
    const create = (token: string) =>
      fetch(`${running.url}/api/repos/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: `m${Math.random().toString(36).slice(2)}`, private: true }),
      })
    expect((await create(reading.access_token)).status).toBe(403)
    const writing = (await exchange(await approved({ scope: 'openid write-repos' }))).json<Tokens>()
    expect((await create(writing.access_token)).status).toBe(200)
  })

  test('what was allowed before is not asked again: the same, or less; more, other, or prompt=consent is', async () => {
    await approved({ scope: 'openid profile email' })
    const again = await ask({ scope: 'openid profile' })
    expect(again.status).toBe(303)
    const back = new URL(again.headers.get('location') ?? '')
    expect(back.origin).toBe('https://app.example')
    expect((await exchange(back.searchParams.get('code'))).status).toBe(200)
    // As the tests of @huggingface/hub do, by POST.
    const posted = await fetch(authorizationAddress(running.url, asked()), {
      method: 'POST',
      headers: { cookie },
      redirect: 'manual',
    })
    expect(posted.status).toBe(303)
    expect(posted.headers.get('location')).toMatch(/^https:\/\/app\.example\/callback\?kind=web&code=/)
    expect((await ask({ prompt: 'consent' })).status).toBe(200)
    const at = `${running.url}/settings/connected-applications/${app.id}/disconnect`
    expect((await postForm(at, {}, { cookie })).status).toBe(303)
    expect((await ask({ scope: 'openid profile' })).status).toBe(200)
    // On the way from our own sign-in form the policy of that page would stop the browser: there the page is shown.
    await approved()
    expect((await ask({}, { 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })

  test('RFC 8252, 8.6: what any program on the machine could be is asked for each time', async () => {
    // A program that mallory got onto ada's laptop names the client ID of a native application, which is public, and listens on a port.
    await approved({ redirect_uri: 'http://127.0.0.1:4444/cb' })
    expect((await ask({ redirect_uri: 'http://127.0.0.1:5555/cb' })).status).toBe(200)
    expect((await ask({ redirect_uri: 'com.example.app:/cb' })).status).toBe(200)
  })

  test('prompt=none shows no page, signed in or not', async () => {
    const fresh = await registerApplication(running.url, cookie, { name: 'Quiet', redirectUris: [callback] })
    const answer = await ask({ client_id: fresh.id, prompt: 'none' })
    expect(errorOf(answer.headers.get('location'))).toBe('consent_required')
    const nobody = await getPage(authorizationAddress(running.url, asked({ prompt: 'none' })), '')
    expect(errorOf(nobody.headers.get('location'))).toBe('login_required')
    const asksToSignIn = await getPage(authorizationAddress(running.url, asked()), '')
    expect(asksToSignIn.headers.get('location')).toMatch(/^\/login\?next=%2Foauth%2Fauthorize%3F/)
  })

  test('Deny goes back to the application with access_denied, and gives nothing', async () => {
    const sent = { response_type: 'code', state: 's', ...asked(), answer: 'deny' }
    const answer = await postForm(`${running.url}/oauth/authorize/answer`, sent, { cookie })
    const back = new URL(answer.headers.get('location') ?? '')
    expect([back.searchParams.get('error'), back.searchParams.get('state')]).toEqual(['access_denied', 's'])
    expect(back.searchParams.has('code')).toBe(false)
  })

  test.each([
    ['another site', 'https://evil.example/callback?kind=web'],
    ['a longer path', 'https://app.example/callback/../evil?kind=web'],
    ['a prefix', 'https://app.example/callback?kind=web&next=evil'],
    ['without its query', 'https://app.example/callback'],
    ['a longer host', 'https://app.example.evil.example/callback?kind=web'],
    ['a user name', 'https://app.example@evil.example/callback?kind=web'],
    ['a backslash', 'https://evil.example\\@app.example/callback?kind=web'],
    ['a fragment', 'https://app.example/callback?kind=web#@evil.example'],
    ['other letters', 'https://APP.example/callback?kind=web'],
    ['http', 'http://app.example/callback?kind=web'],
    ['a script', 'javascript:alert(1)//'],
    ['data', 'data:text/html,x'],
    ['another path on loopback', 'http://127.0.0.1:8000/cb/x'],
    ['a user name on loopback', 'http://127.0.0.1:8000@evil.example/cb'],
    ['a port that is none', 'http://127.0.0.1:8000.evil.example/cb'],
    ['localhost with another port', 'http://localhost:3001'],
    ['a line break', 'https://app.example/callback?kind=web\r\nset-cookie: a=b'],
    ['nothing', ''],
  ])('open redirect: %s is refused on a page of the hub, with no redirect', async (_what, redirect_uri) => {
    // Mallory sends ada a link to her own hub, which she trusts, and which would send her on, with a code, to him.
    const ways: Record<string, string>[] = [{}, { 'sec-fetch-site': 'same-origin' }]
    for (const headers of ways) {
      const answer = await ask({ redirect_uri }, headers)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('location')).toBeNull()
      expect(answer.text).toContain('This sign-in cannot go on')
    }
    // Nor by the form, in which the browser brings everything back.
    const sent = { response_type: 'code', ...asked({ redirect_uri }), answer: 'approve' }
    const forged = await postForm(`${running.url}/oauth/authorize/answer`, sent, { cookie })
    expect([forged.status, forged.headers.get('location')]).toEqual([400, null])
  })

  test.each([['http://127.0.0.1:51234/cb'], ['http://127.0.0.1/cb'], ['http://[::1]:9/cb'], ['com.example.app:/cb']])(
    'RFC 8252, 7: a native application at %s is let back in',
    async (redirect_uri) => {
      const code = await approved({ redirect_uri })
      expect((await exchange(code, { redirect_uri })).status).toBe(200)
      const page = await ask({ redirect_uri })
      expect(page.headers.get('content-security-policy')).toMatch(/form-action 'self' (http:|com\.example\.app:)/)
    },
  )

  test('a parameter that comes twice, an unknown application, and what goes back to the application as a fault', async () => {
    // Two values: one is checked, the other is used.
    const twice = `${authorizationAddress(running.url, asked())}&redirect_uri=https://evil.example`
    const answer = await getPage(twice, cookie)
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    expect((await ask({ client_id: 'nobody' })).status).toBe(400)
    const faults: [Record<string, string>, string][] = [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'code id_token' }, 'unsupported_response_type'],
      [{ scope: 'openid admin' }, 'invalid_scope'],
      [{ scope: 'openid manage-repos' }, 'invalid_scope'],
      [{ request: 'eyJ' }, 'request_not_supported'],
      [{ request_uri: 'https://evil.example/r' }, 'request_not_supported'],
    ]
    for (const [change, error] of faults) {
      const { status, headers } = await ask(change)
      expect([status, errorOf(headers.get('location'))]).toEqual([303, error])
    }
  })

  test.each([['fragment'], ['form_post'], ['web_message']])(
    'response_mode=%s: a code goes by the query alone',
    async (response_mode) => {
      // In a fragment, or posted to wherever, scripts and referrers of other pages get hold of a code.
      const { status, headers } = await ask({ response_mode })
      expect([status, errorOf(headers.get('location'))]).toEqual([303, 'invalid_request'])
    },
  )

  test('code interception: without PKCE, with the plain method, or with another verifier a code is worth nothing', async () => {
    // On a phone another application has the same scheme, and gets the code; or it stands in the log of a proxy.
    const none = await ask({ code_challenge: '', code_challenge_method: '' })
    expect(errorOf(none.headers.get('location'))).toBe('invalid_request')
    const weak: Record<string, string>[] = [
      { code_challenge_method: 'plain' },
      { code_challenge_method: '' },
      { code_challenge: 'short' },
      { code_challenge: '', nonce: 'n', code_challenge_method: '' },
    ]
    for (const change of weak) {
      expect(errorOf((await ask(change)).headers.get('location'))).toBe('invalid_request')
    }
    const code = await approved()
    for (const code_verifier of ['', pkce.challenge, 'a'.repeat(43), makePkce().verifier]) {
      const answer = await exchange(code, { code_verifier })
      expect([answer.status, answer.json().error]).toEqual([400, 'invalid_grant'])
    }
    // Who has the verifier still gets in: a thief cannot use a code up either.
    expect((await exchange(code)).status).toBe(200)
  })

  test('code injection: a code counts for its client, its address and its verifier alone', async () => {
    // Mallory has a code of ada's from an application of his own, and hands it to another, which would take him for her.
    const his = await registerApplication(running.url, cookie, { name: 'His', redirectUris: [callback] })
    const code = await approved({ client_id: his.id })
    expect((await exchange(code, { client_id: app.id })).json().error).toBe('invalid_client')
    expect((await exchange(code, { redirect_uri: 'https://evil.example' })).json().error).toBe('invalid_grant')
    expect((await exchange(code, { redirect_uri: '' })).json().error).toBe('invalid_grant')
    expect((await exchange(code, { client_id: his.id })).status).toBe(200)
    // A code that was asked for without a challenge takes no verifier: else mallory's own challenge would be worth nothing.
    const plain = { client_id: server.id, redirect_uri: 'https://server.example/cb', nonce: 'n' }
    const without = await approved({ ...plain, code_challenge: '', code_challenge_method: '' })
    const secret = { client_id: server.id, client_secret: server.secret, redirect_uri: plain.redirect_uri }
    expect((await exchange(without, secret)).json().error).toBe('invalid_grant')
    expect((await exchange(without, { ...secret, code_verifier: '' })).status).toBe(200)
  })

  test('a code lives for a minute and counts once; the second time ends what the first gave', async () => {
    // Mallory reads the code in the log of a proxy, with the verifier, and comes second; or comes first, and ada's application second.
    const late = await approved()
    time += 60_001
    expect((await exchange(late)).json().error).toBe('invalid_grant')
    const code = await approved()
    const first = (await exchange(code)).json<Tokens>()
    expect((await userinfo(first.access_token)).status).toBe(200)
    expect((await exchange(code)).json().error).toBe('invalid_grant')
    expect((await userinfo(first.access_token)).status).toBe(401)
    const raced = await approved()
    const both = await Promise.all([exchange(raced), exchange(raced)])
    const given = both.filter(({ status }) => status === 200)
    expect(given.length).toBeLessThanOrEqual(1)
    for (const answer of given) expect((await userinfo(answer.json<Tokens>().access_token)).status).toBe(401)
  })

  test('CSRF: no other site approves, and no token does', async () => {
    // A page of mallory's posts the form of the answer while ada is signed in.
    const sent = { response_type: 'code', ...asked(), answer: 'approve' }
    const foreign: Record<string, string>[] = [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]
    for (const headers of foreign) {
      const forged = await postForm(`${running.url}/oauth/authorize/answer`, sent, { cookie, ...headers })
      expect([forged.status, forged.headers.get('location')]).toEqual([403, null])
    }
    const token = await makeToken(running, ada, { role: 'write' })
    const authorization = `Bearer ${token}`
    expect((await postForm(`${running.url}/oauth/authorize/answer`, sent, { authorization })).status).toBe(403)
    const silent = await getPage(authorizationAddress(running.url, asked()), '', { authorization })
    expect([silent.status, silent.headers.get('location')]).toEqual([403, null])
    // What other sites post to begin with (OpenID has it so) comes without a cookie, and leads to the page that asks.
    const begun = await postForm(
      `${running.url}/oauth/authorize`,
      { response_type: 'code', ...asked() },
      { 'sec-fetch-site': 'cross-site' },
    )
    expect(begun.headers.get('location')).toMatch(/^\/login\?next=/)
  })

  test('clickjacking: no site frames the page that asks', async () => {
    // A transparent frame over a game, with Approve under the mouse.
    const page = await ask({ prompt: 'consent' })
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('referrer-policy')).toBe('same-origin')
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  test('what the application sends is shown as text', async () => {
    const evil = '"><script>alert(1)</script>'
    const page = await ask({ state: evil, nonce: evil, prompt: 'consent' })
    expect(page.text).not.toContain('<script>alert(1)')
  })

  test('a stale session confirms before it lets somebody in', async () => {
    time += 3_700_000
    const answer = await ask({ prompt: 'consent' })
    expect(answer.headers.get('location')).toMatch(/^\/login\/confirm\?next=/)
    const sent = { response_type: 'code', ...asked(), answer: 'approve' }
    expect((await postForm(`${running.url}/oauth/authorize/answer`, sent, { cookie })).status).toBe(403)
  })

  test('an application with a secret proves itself, by form or header; a public one has none to show', async () => {
    const mine = { client_id: server.id, redirect_uri: 'https://server.example/cb' }
    const wrong: [Record<string, string>, Record<string, string>][] = [
      [{}, {}],
      [{ client_id: server.id }, {}],
      [{ client_id: server.id, client_secret: 'wrong' }, {}],
      [{ client_secret: server.secret }, {}],
      [{}, { authorization: `Basic ${btoa(`${server.id}:wrong`)}` }],
      [{ client_secret: server.secret }, { authorization: `Basic ${btoa(`${server.id}:${server.secret}`)}` }],
      [{ client_id: app.id }, { authorization: `Basic ${btoa(`${server.id}:${server.secret}`)}` }],
    ]
    const code = await approved(mine)
    for (const [change, headers] of wrong) {
      const answer = await exchange(code, { redirect_uri: mine.redirect_uri, ...change }, headers)
      expect([answer.status, answer.json().error]).toEqual([401, 'invalid_client'])
      expect(answer.headers.get('www-authenticate')).toContain('Basic')
    }
    const basic = { authorization: `Basic ${btoa(`${server.id}:${server.secret}`)}` }
    expect((await exchange(code, { redirect_uri: mine.redirect_uri }, basic)).status).toBe(200)
    const strange = await exchange(await approved(), { client_id: app.id, client_secret: 'x' })
    expect(strange.json().error).toBe('invalid_client')
  })

  test('openid-client finds everything by discovery', async () => {
    const found = await discovery(new URL(running.url), server.id, server.secret, ClientSecretPost(server.secret), {
      execute: [allowInsecureRequests],
    })
    expect(found.serverMetadata()).toMatchObject({
      issuer: running.url,
      device_authorization_endpoint: `${running.url}/oauth/device`,
      code_challenge_methods_supported: ['S256'],
    })
    const { keys } = (await (await fetch(`${running.url}/oauth/jwks`)).json()) as { keys: Record<string, string>[] }
    expect(keys[0]).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256' })
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(keys[0]).not.toHaveProperty(secret)
  })

  test('keys follow each other every 90 days, and the old one is published for as long again', async () => {
    const keys = async () =>
      ((await (await fetch(`${running.url}/oauth/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      )
    const [before] = await keys()
    time += 91 * 86_400_000
    cookie = await signInAs(running, ada)
    const { id_token } = (await exchange(await approved())).json<Tokens>()
    const now = await keys()
    expect(now).toHaveLength(2)
    expect(now[1]).toBe(before)
    expect(JSON.parse(Buffer.from(id_token.split('.')[0] ?? '', 'base64url').toString()).kid).toBe(now[0])
    time += 100 * 86_400_000
    expect(await keys()).not.toContain(before)
  })

  test('no secret stands in the database, nor in an event', async () => {
    const code = await approved()
    const tokens = (await exchange(code)).json<Tokens>()
    const { read } = running.hub.db
    const rows = [
      ...(await read.selectFrom('oauthClient').selectAll().execute()),
      ...(await read.selectFrom('oauthCode').selectAll().execute()),
      ...(await read.selectFrom('oauthRefreshToken').selectAll().execute()),
      ...(await read.selectFrom('oauthSigningKey').select('privateKey').execute()),
      ...(await read.selectFrom('event').selectAll().execute()),
    ]
    const text = JSON.stringify(rows)
    for (const secret of [code ?? '?', tokens.access_token, tokens.refresh_token, server.secret, 'PRIVATE KEY']) {
      expect(text).not.toContain(secret)
    }
  })

  // An application had its access tokens in a crash report. Its developer deleted it, and whoever tried the values later was noticed by nobody.
  test('story, idea 12: the values of a deleted application are noticed as those of deleted tokens', async () => {
    const { access_token } = (await exchange(await approved())).json<Tokens>()
    const deleted = await postForm(
      `${running.url}/settings/applications/${app.id}/delete`,
      { confirm: 'Model garden' },
      { cookie },
    )
    expect(deleted.status).toBe(303)
    const kept = await running.hub.db.read
      .selectFrom('formerTokenValue')
      .select(['ownerId', 'validUntil'])
      .where('last4', '=', access_token.slice(-4))
      .execute()
    expect(kept).toEqual([{ ownerId: ada.id, validUntil: null }])
    const refused = await fetch(`${running.url}/api/whoami-v2`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    expect([refused.status, refused.headers.get('x-hub-denied')?.split(';')[0]]).toEqual([401, 'token_revoked'])
  })
})
