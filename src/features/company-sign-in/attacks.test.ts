/** What somebody would try against the sign-in through a company. Each test opens with the story of the attack. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { type CompanyProvider, CookieJar, startCompanyProvider } from '../../../tests/support/company-provider.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'

describe.each(dialects)('attacks on the sign-in through a company, on %s', (dialect) => {
  let provider: CompanyProvider
  let site: TestHub
  let time = Date.now()

  const start = async (env: Record<string, string> = {}): Promise<void> => {
    site = await startHub({
      dialect,
      env: { ...provider.env, HOLDFAST_OIDC_JOIN: 'true', ...env },
      clock: systemClock(() => time),
    })
  }
  beforeEach(async () => {
    time = Date.now()
    provider = await startCompanyProvider()
    provider.person = { sub: 'u-1', email: 'ada@acme.example', email_verified: true, preferred_username: 'ada' }
  })
  afterEach(async () => {
    await site.stop()
    await provider.stop()
  })
  const sessions = async () => await site.hub.db.read.selectFrom('session').select('userId').execute()
  const refused = async (response: Response, status: number, words: string): Promise<void> => {
    expect([response.status, (await response.text()).includes(words)]).toEqual([status, true])
    expect(
      response.headers.getSetCookie().some((line) => line.startsWith('token=') && !line.includes('Max-Age=0')),
    ).toBe(false)
  }

  it('login CSRF: Mallory begins a sign-in as herself and hands its way back to Ada', async () => {
    // Ada would upload her models into Mallory's account without noticing. Her browser has begun nothing, or something else.
    await start()
    const back = await new CookieJar(site.url).leave()
    await refused(await new CookieJar(site.url).fetch(back), 410, 'was begun in another browser')
    const ada = new CookieJar(site.url)
    await ada.leave()
    await refused(await ada.fetch(back), 410, 'was begun in another browser')
    const without = new URL(back)
    without.searchParams.delete('state')
    await refused(await ada.fetch(without.href), 410, 'was begun in another browser')
    expect(provider.asked).not.toContain('/token')
    expect(await sessions()).toEqual([])
  })

  it('a forged cookie: Mallory writes the state of her own sign-in into a cookie that she sets from a neighbouring host', async () => {
    await start()
    const mallory = new CookieJar(site.url)
    const back = await mallory.leave()
    const [text = '', mac = ''] = (mallory.get('company-sign-in') ?? '').split('.')
    const attempt = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as object
    const bent = Buffer.from(JSON.stringify({ ...attempt, purpose: 'connect' })).toString('base64url')
    for (const value of [`${bent}.${mac}`, bent, `${bent}.`, `.${mac}`, `${text}.${mac}.x`, 'x.y', '']) {
      const jar = new CookieJar(site.url)
      jar.set('company-sign-in', value)
      await refused(await jar.fetch(back), 410, 'This sign-in is not known here')
    }
  })

  it('code injection: Mallory stole a code of Ada from a log and brings it back into a sign-in of her own', async () => {
    // PKCE stops it at the provider. A provider that does not look is stopped by the nonce.
    await start()
    const stolen = new URL(await new CookieJar(site.url).leave()).searchParams.get('code') ?? ''
    const mallory = new CookieJar(site.url)
    const own = new URL(await mallory.leave())
    own.searchParams.set('code', stolen)
    await refused(await mallory.fetch(own.href), 403, 'What Acme answered is not taken')
    provider.bent.claims = { nonce: 'of another sign-in' }
    await refused(await new CookieJar(site.url).signIn(), 403, 'of another sign-in')
    provider.bent.claims = { nonce: undefined }
    await refused(await new CookieJar(site.url).signIn(), 403, 'What Acme answered is not taken')
    expect(await sessions()).toEqual([])
  })

  it('mix-up: a second provider that Mallory runs sends its answer to the way back of this one (RFC 9207)', async () => {
    await start()
    provider.bent.back = { iss: 'https://evil.example' }
    await refused(await new CookieJar(site.url).signIn(), 403, 'What Acme answered is not taken')
    provider.bent.back = { iss: undefined }
    await refused(await new CookieJar(site.url).signIn(), 403, 'What Acme answered is not taken')
    expect(provider.asked).not.toContain('/token')
  })

  it('a forged ID token: no algorithm, the public key as a shared secret, a key of her own, for another hub, of another issuer, too old', async () => {
    // Mallory stands between hub and provider, or runs another application there, and has tokens of it.
    await start()
    const own = await generateKeyPair('RS256')
    const secret = new TextEncoder().encode(provider.clientSecret)
    const now = Math.floor(Date.now() / 1_000)
    const forged: Record<string, CompanyProvider['bent']> = {
      none: { sign: async (claims) => new UnsecuredJWT(claims).encode() },
      HS256: { sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(secret) },
      'another key': {
        sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'first' }).sign(own.privateKey),
      },
      'an unknown key': { sign: (claims: JWTPayload) => provider.sign(claims, 'second') },
      'no signature': { sign: async (claims) => (await provider.sign(claims)).replace(/[^.]*$/, '') },
      'another claim under a right signature': {
        sign: async (claims) => {
          const [head, , signature] = (await provider.sign(claims)).split('.')
          return [head, Buffer.from(JSON.stringify({ ...claims, sub: 'u-2' })).toString('base64url'), signature].join(
            '.',
          )
        },
      },
      'another audience': { claims: { aud: 'another hub' } },
      'several audiences without azp': { claims: { aud: ['holdfast', 'another hub'] } },
      'for another party': { claims: { aud: ['holdfast', 'another hub'], azp: 'another hub' } },
      'another issuer': { claims: { iss: 'https://evil.example' } },
      expired: { claims: { exp: now - 3_600, iat: now - 7_200 } },
      'without an end': { claims: { exp: undefined } },
      'without a subject': { claims: { sub: undefined } },
      'not yet valid': { claims: { nbf: now + 3_600 } },
    }
    for (const [story, bent] of Object.entries(forged)) {
      provider.bent = bent
      const reply = await new CookieJar(site.url).signIn()
      expect([story, reply.status]).toEqual([story, 403])
    }
    expect(await sessions()).toEqual([])
    provider.bent = {}
    expect((await new CookieJar(site.url).signIn()).status).toBe(303)
    // Not even where the provider says that it signs so.
    await site.stop()
    const offered = { metadata: { id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'] } }
    provider.bent = offered
    await start()
    for (const story of ['none', 'HS256']) {
      provider.bent = { ...offered, ...forged[story] }
      expect([story, (await new CookieJar(site.url).signIn()).status]).toEqual([story, 403])
    }
  })

  it('a key that the provider took out of use after it was stolen is not taken any more, and its new one is', async () => {
    await start()
    expect((await new CookieJar(site.url).signIn()).status).toBe(303)
    const stolen = provider.sign
    await provider.rotate('second')
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      // As often as once a minute an unknown key is asked for; before that nobody makes the hub ask.
      vi.setSystemTime(Date.now() + 61_000)
      expect((await new CookieJar(site.url).signIn()).status).toBe(303)
      provider.bent = { sign: (claims) => stolen(claims) }
      expect((await new CookieJar(site.url).signIn()).status).toBe(403)
    } finally {
      vi.useRealTimers()
    }
  })

  it('account takeover by an address: Mallory writes the address of Ada into her own account at the provider', async () => {
    await start({ HOLDFAST_OIDC_TRUST_EMAIL: 'true' })
    const ada = await makeUser(site, 'ada', { email: 'ada@acme.example' })
    provider.person = {
      sub: 'mallory',
      email: 'ada@acme.example',
      email_verified: false,
      preferred_username: 'mallory',
    }
    const mallory = new CookieJar(site.url)
    await mallory.signIn()
    expect((await sessions()).map(({ userId }) => userId)).not.toContain(ada.id)
    // Verified, it is hers where the administrator says that the provider's word is enough.
    provider.person = { sub: 'u-1', email: 'ada@acme.example', email_verified: true }
    await new CookieJar(site.url).signIn()
    expect((await sessions()).map(({ userId }) => userId)).toContain(ada.id)
    // Once connected, no second person comes in by the same address.
    provider.person = { sub: 'u-2', email: 'ada@acme.example', email_verified: true }
    await refused(await new CookieJar(site.url).signIn(), 409, 'An account here has your e-mail address already')
    // And nobody becomes administrator of the hub so.
    await makeUser(site, 'root-admin', { email: 'root@acme.example', isAdmin: true })
    provider.person = { sub: 'u-3', email: 'root@acme.example', email_verified: true }
    await refused(await new CookieJar(site.url).signIn(), 409, 'An account here has your e-mail address already')
  })

  it('account takeover by a verified address, where the hub does not trust the provider with it', async () => {
    await start()
    const ada = await makeUser(site, 'ada', { email: 'ada@acme.example' })
    await refused(await new CookieJar(site.url).signIn(), 409, 'connect it under Settings, Connected sign-in')
    expect((await sessions()).map(({ userId }) => userId)).not.toContain(ada.id)
  })

  it("connecting somebody's account with Mallory's identity: by a form on her page, and by a way back that she began", async () => {
    await start()
    const user = await makeUser(site, 'bob', { password })
    const bob = new CookieJar(site.url)
    bob.set('token', (await signInAs(site, user)).slice('token='.length))
    const posted = await bob.fetch('/settings/company-sign-in/connect', {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(posted.status).toBe(403)
    // Mallory begins to connect her own account; her cookie and her way back land in the browser of Bob.
    const her = await makeUser(site, 'mallory', { password })
    const mallory = new CookieJar(site.url)
    mallory.set('token', (await signInAs(site, her)).slice('token='.length))
    const onward = await mallory.fetch('/settings/company-sign-in/connect', { method: 'POST' })
    const there = (onward.headers.get('refresh') ?? '').slice('0;url='.length)
    const back = (await fetch(there, { redirect: 'manual' })).headers.get('location') ?? ''
    bob.set('company-sign-in', mallory.get('company-sign-in') ?? '')
    await refused(await bob.fetch(back), 410, 'This sign-in is not known here')
    expect(await site.hub.db.read.selectFrom('companyIdentity').selectAll().execute()).toEqual([])
  })

  it('open redirect: a link to the sign-in of this hub that ends on a page which looks like it', async () => {
    await start()
    for (const next of [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      '/%09/evil.example\t',
      'javascript:alert(1)',
      ' /settings',
    ]) {
      const reply = await new CookieJar(site.url).signIn(`/login/company?next=${encodeURIComponent(next)}`)
      const location = reply.headers.get('location') ?? ''
      expect(new URL(location, site.url).origin, next).toBe(site.url)
    }
  })

  it('SSRF: what the provider says of itself names the inside of the network for keys, tokens and people', async () => {
    let inside = 0
    const secret = createServer((_request, response) => {
      inside++
      response.end('{}')
    })
    await new Promise<void>((ready) => secret.listen(0, '127.0.0.1', ready))
    const address = `http://127.0.0.1:${(secret.address() as AddressInfo).port}/`
    try {
      for (const name of ['jwks_uri', 'token_endpoint', 'userinfo_endpoint']) {
        for (const url of [address, 'http://169.254.169.254/latest/meta-data']) {
          provider.bent = { metadata: { [name]: url } }
          provider.person = { sub: 'u-1', email: 'ada@acme.example', email_verified: true }
          await start()
          const reply = await new CookieJar(site.url).signIn()
          // That nothing more is said of a person is no reason to keep them out.
          expect([name, reply.status]).toEqual([name, name === 'userinfo_endpoint' ? 303 : 502])
          await site.stop()
        }
      }
      provider.bent = {}
      await start({ HOLDFAST_OIDC_ISSUER: address, HOLDFAST_OUTBOUND_ALLOW: '' })
      const away = await new CookieJar(site.url).fetch('/login/company')
      await refused(away, 502, 'Acme cannot be reached to sign you in.')
      expect(inside).toBe(0)
    } finally {
      await new Promise((closed) => secret.close(closed))
    }
  })

  it('a provider that claims another issuer, leads browsers to a script, or is of a whole cloud', async () => {
    for (const metadata of [
      { issuer: 'https://accounts.google.com' },
      { issuer: `${provider.issuer}/{tenantid}` },
      { authorization_endpoint: 'javascript:alert(1)' },
      { authorization_endpoint: undefined },
    ]) {
      provider.bent = { metadata }
      await start()
      await refused(
        await new CookieJar(site.url).fetch('/login/company'),
        502,
        'Acme cannot be reached to sign you in.',
      )
      await site.stop()
    }
    await start()
  })

  it('a replayed way back: it counts once, though two come at the same moment, and not after ten minutes', async () => {
    await start()
    const jar = new CookieJar(site.url)
    const back = await jar.leave()
    const cookie = jar.get('company-sign-in') ?? ''
    const copies = [0, 1, 2].map(() => {
      const copy = new CookieJar(site.url)
      copy.set('company-sign-in', cookie)
      return copy
    })
    const replies = await Promise.all(copies.map((copy) => copy.fetch(back)))
    expect(replies.map(({ status }) => status).sort()).toEqual([303, 410, 410])
    expect((await sessions()).length).toBe(1)
    const late = new CookieJar(site.url)
    const lateBack = await late.leave()
    time += 10 * 60_000 + 1
    await refused(await late.fetch(lateBack), 410, 'it took too long')
  })

  it('words of an error are not put into the mouth of the hub, and a denial is told', async () => {
    await start()
    const jar = new CookieJar(site.url)
    const denied = new URL(await jar.leave())
    denied.searchParams.delete('code')
    denied.searchParams.set('error', 'access_denied')
    denied.searchParams.set('error_description', 'Call +1 555 0100 now')
    const reply = await jar.fetch(denied.href)
    const text = await reply.text()
    expect([reply.status, text.includes('pressed cancel there'), text.includes('555 0100')]).toEqual([403, true, false])
  })

  it('an answer without an end, one that is no JSON, and one of megabytes end in words, and show no secret in the log', async () => {
    const lines: string[] = []
    await start({ HOLDFAST_LOG_LEVEL: 'silent' })
    site.hub.log.warn = ((...told: unknown[]) => lines.push(JSON.stringify(told))) as never
    for (const token of [
      { status: 200, body: '<html>' },
      { status: 200, body: JSON.stringify({ access_token: 'x'.repeat(2_000_000) }) },
      { status: 500, body: '{"error":"server_error","error_description":"a secret of the client"}' },
      { status: 200, body: '{"access_token":"very-secret-token","token_type":"Bearer"}' },
    ]) {
      provider.bent = { token }
      const { status } = await new CookieJar(site.url).signIn()
      expect([403, 502]).toContain(status)
    }
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.join()).not.toContain('secret of the client')
    expect(lines.join()).not.toContain('very-secret-token')
  })

  it('a provider that is down is not asked by everybody who wants to sign in, and asked again soon', async () => {
    provider.bent = { metadata: { issuer: 'nonsense' } }
    await start()
    for (let attempt = 0; attempt < 5; attempt++) await new CookieJar(site.url).fetch('/login/company')
    expect(provider.asked.length).toBe(1)
    provider.bent = {}
    time += 6_000
    expect((await new CookieJar(site.url).signIn()).status).toBe(303)
    // What it says of itself and its keys are asked for once.
    await new CookieJar(site.url).signIn()
    expect(provider.asked.filter((path) => path.includes('well-known')).length).toBe(2)
    expect(provider.asked.filter((path) => path === '/jwks').length).toBe(1)
  })
})
