/** Signing in through a company's provider: real HTTP on the loopback, tokens with real signatures. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { type CompanyProvider, CookieJar, startCompanyProvider } from '../../../tests/support/company-provider.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'

describe.each(dialects)('sign-in through a company, on %s', (dialect) => {
  let provider: CompanyProvider
  let site: TestHub
  let time = Date.now()

  const start = async (env: Record<string, string> = {}): Promise<void> => {
    site = await startHub({ dialect, env: { ...provider.env, ...env }, clock: systemClock(() => time) })
  }
  beforeEach(async () => {
    time = Date.now()
    provider = await startCompanyProvider()
    provider.person = {
      sub: 'u-1',
      email: 'Ada.Lovelace@acme.example',
      email_verified: true,
      preferred_username: 'ada.lovelace@acme.example',
      name: 'Ada Lovelace',
      groups: [],
    }
  })
  afterEach(async () => {
    await site.stop()
    await provider.stop()
  })
  const whoami = async (
    jar: CookieJar,
  ): Promise<{ name: string; email: string; emailVerified: boolean; fullname: string }> =>
    (await (await jar.fetch('/api/whoami-v2')).json()) as never
  const session = async (jar: CookieJar) => {
    const { status } = await jar.fetch('/api/whoami-v2')
    return status
  }
  const events = async (action: string) =>
    await site.hub.db.read.selectFrom('event').selectAll().where('action', '=', action).execute()

  it('issue 6: a new person gets an account with a name, a verified address and no password, and comes back to it by issuer and subject', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    const jar = new CookieJar(site.url)
    const page = await (await jar.fetch('/login?next=/settings')).text()
    expect(page).toContain('Sign in with Acme')
    expect(page).toContain('/login/company?next=%2Fsettings')
    const reply = await jar.signIn('/login/company?next=/settings')
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/settings'])
    expect(await whoami(jar)).toMatchObject({
      name: 'ada-lovelace',
      fullname: 'Ada Lovelace',
      email: 'Ada.Lovelace@acme.example',
      emailVerified: true,
    })
    expect(jar.get('company-sign-in')).toBeUndefined()
    const user = await site.hub.db.read.selectFrom('user').selectAll().executeTakeFirstOrThrow()
    expect(user.passwordHash).toBeNull()
    const asked = provider.came[0]
    expect(asked?.get('code_challenge_method')).toBe('S256')
    expect(asked?.get('response_type')).toBe('code')
    expect(asked?.get('scope')).toBe('openid profile email')

    // Everything that the provider calls them has changed but the subject.
    provider.person = { sub: 'u-1', email: 'ada@king.example', email_verified: true, preferred_username: 'countess' }
    const again = new CookieJar(site.url)
    expect((await again.signIn()).headers.get('location')).toBe('/')
    expect(await whoami(again)).toMatchObject({ name: 'ada-lovelace' })
    expect((await events('account.join')).length).toBe(1)
    expect((await events('session.create')).map(({ data }) => JSON.parse(String(data)).method)).toEqual([
      'company',
      'company',
    ])
  })

  it('a new person who comes twice at the same moment gets one account', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    const jars = [0, 1, 2, 3].map(() => new CookieJar(site.url))
    const backs = await Promise.all(jars.map((jar) => jar.leave()))
    const replies = await Promise.all(jars.map((jar, index) => jar.fetch(backs[index] ?? '')))
    expect(replies.map(({ status }) => status)).toEqual([303, 303, 303, 303])
    expect((await site.hub.db.read.selectFrom('user').select('id').execute()).length).toBe(1)
    expect(await whoami(jars[3] ?? new CookieJar(site.url))).toMatchObject({ name: 'ada-lovelace' })
  })

  it('names that are taken get a number, names that are none become one', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    await makeUser(site, 'ada-lovelace')
    const first = new CookieJar(site.url)
    await first.signIn()
    expect(await whoami(first)).toMatchObject({ name: 'ada-lovelace-2' })
    provider.person = { sub: 'u-2', email: 'x@acme.example', preferred_username: '../Zoë  Ünal/<b>' }
    const second = new CookieJar(site.url)
    await second.signIn()
    expect(await whoami(second)).toMatchObject({ name: 'Zoe-Unal-b', emailVerified: false })
    provider.person = { sub: 'u-3', email: 'y@acme.example', preferred_username: 'admin' }
    const third = new CookieJar(site.url)
    await third.signIn()
    expect(await whoami(third)).toMatchObject({ name: 'admin-2' })
  })

  it('nobody gets an account where the hub does not say so, and is told what to do', async () => {
    await start()
    const reply = await new CookieJar(site.url).signIn()
    expect(reply.status).toBe(403)
    expect(await reply.text()).toContain('You have no account here that is connected with Acme.')
    expect(await site.hub.db.read.selectFrom('user').select('id').execute()).toEqual([])
  })

  it('only people of the allowed domains come in, and only where the provider calls the address verified', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true', HOLDFAST_OIDC_ALLOWED_EMAIL_DOMAINS: 'acme.example, king.example' })
    for (const [email, verified, status] of [
      ['a@acme.example', true, 303],
      ['b@ACME.example', 'true', 303],
      ['c@acme.example', false, 403],
      ['d@acme.example', undefined, 403],
      ['e@acme.example.evil.example', true, 403],
      ['f@acme.example"@evil.example', true, 403],
    ] as const) {
      provider.person = { sub: `sub of ${email}`, email, email_verified: verified }
      expect([(await new CookieJar(site.url).signIn()).status, email]).toEqual([status, email])
    }
  })

  it('what the ID token leaves out is asked of the userinfo endpoint', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    provider.person = { sub: 'u-9' }
    provider.bent.userinfo = { email: 'nine@acme.example', email_verified: true, preferred_username: 'nine' }
    const jar = new CookieJar(site.url)
    await jar.signIn()
    expect(await whoami(jar)).toMatchObject({ name: 'nine', emailVerified: true })
    // Of somebody else it is not taken.
    provider.person = { sub: 'u-10' }
    provider.bent.userinfo = { sub: 'u-11', email: 'ten@acme.example', email_verified: true }
    expect((await new CookieJar(site.url).signIn()).status).toBe(403)
  })

  it('an account is connected and disconnected by who is signed in to it, and its owner hears of it by mail', async () => {
    const sink = await startSmtpSink()
    await start({ HOLDFAST_SMTP_URL: sink.url })
    const user = await makeUser(site, 'bob', { password })
    const jar = new CookieJar(site.url)
    jar.set('token', (await signInAs(site, user)).slice('token='.length))
    expect(await (await jar.fetch('/settings/company-sign-in')).text()).toContain('Connect with Acme')
    const onward = await jar.fetch('/settings/company-sign-in/connect', { method: 'POST' })
    const there = (onward.headers.get('refresh') ?? '').slice('0;url='.length)
    const back = (await fetch(there, { redirect: 'manual' })).headers.get('location') ?? ''
    expect((await jar.fetch(back)).headers.get('location')).toBe('/settings/company-sign-in')
    const page = await (await jar.fetch('/settings/company-sign-in')).text()
    expect(page).toContain('Ada.Lovelace@acme.example')
    expect(page).not.toContain('Connect with Acme')
    const other = new CookieJar(site.url)
    await other.signIn()
    expect(await whoami(other)).toMatchObject({ name: 'bob' })

    // The same identity is nobody else's.
    const carla = await makeUser(site, 'carla', { password })
    const hers = new CookieJar(site.url)
    hers.set('token', (await signInAs(site, carla)).slice('token='.length))
    const asked = await hers.fetch('/settings/company-sign-in/connect', { method: 'POST' })
    const refused = await hers.fetch(
      (await fetch((asked.headers.get('refresh') ?? '').slice(6), { redirect: 'manual' })).headers.get('location') ??
        '',
    )
    expect(refused.status).toBe(409)

    const body = new URLSearchParams({ issuer: provider.issuer })
    expect((await jar.fetch('/settings/company-sign-in/disconnect', { method: 'POST', body })).status).toBe(303)
    expect((await new CookieJar(site.url).signIn()).status).toBe(403)
    expect((await events('account.company.connect')).length).toBe(1)
    expect((await events('account.company.disconnect')).length).toBe(1)
    time = Date.now() + 1_000
    await sink.received(2)
    const told = sink.mails.map(({ to, text }) => `${to} ${/was (\w+) (?:with|from) your account/.exec(text)?.[1]}`)
    expect(told.sort()).toEqual(['bob@example.org connected', 'bob@example.org disconnected'])
    await sink.stop()
  })

  it('who has no password cannot disconnect the only way in', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    const jar = new CookieJar(site.url)
    await jar.signIn()
    const body = new URLSearchParams({ issuer: provider.issuer })
    const reply = await jar.fetch('/settings/company-sign-in/disconnect', { method: 'POST', body })
    expect(reply.status).toBe(409)
    expect(await reply.text()).toContain('the only way in which you can sign in')
    expect(await session(jar)).toBe(200)
  })

  it('a second factor of the hub is asked for after the company, unless the provider says that it asked for one', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true', HOLDFAST_OIDC_SECOND_FACTOR: 'mfa,phr' })
    await new CookieJar(site.url).signIn()
    await site.hub.transaction((tx) =>
      tx
        .updateTable('user')
        .set({ secondFactorAt: time })
        .execute()
        .then(() => undefined),
    )
    const waits = new CookieJar(site.url)
    const reply = await waits.signIn('/login/company?next=/settings/tokens')
    expect(reply.headers.get('location')).toBe('/login/second-factor?next=%2Fsettings%2Ftokens')
    expect(waits.get('token')).toBeUndefined()
    expect(await session(waits)).toBe(401)
    for (const said of [{ amr: ['pwd', 'mfa'] }, { acr: 'phr' }]) {
      provider.bent.claims = said
      const jar = new CookieJar(site.url)
      await jar.signIn()
      expect(await session(jar)).toBe(200)
    }
    for (const said of [{ amr: 'mfa' }, { amr: ['pwd', 'mfas', 7] }, { acr: ['phr'] }, { mfa: true }]) {
      provider.bent.claims = said
      const jar = new CookieJar(site.url)
      await jar.signIn()
      expect([await session(jar), JSON.stringify(said)]).toEqual([401, JSON.stringify(said)])
    }
  })

  it('who they are is proved again at the provider, just now and by the same person', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    const jar = new CookieJar(site.url)
    await jar.signIn()
    time += 2 * 3_600_000
    const body = new URLSearchParams({ issuer: 'x' })
    const press = () => jar.fetch('/settings/company-sign-in/disconnect', { method: 'POST', body })
    expect((await press()).status).toBe(403)
    expect(await (await jar.fetch('/login/confirm?next=/settings')).text()).toContain('Confirm with Acme')
    const confirm = '/login/company/confirm?next=/settings'
    // It is the provider's clock that its tokens follow; the hub's own is two hours ahead here.
    provider.bent.authAge = 3_600
    const old = await jar.signIn(confirm)
    expect([old.status, (await old.text()).includes('did not say that you signed in there just now')]).toEqual([
      403,
      true,
    ])
    provider.bent.authAge = 0
    const ada = provider.person
    provider.person = { ...ada, sub: 'u-2' }
    expect((await jar.signIn(confirm)).status).toBe(403)
    expect((await press()).status).toBe(403)
    provider.person = ada
    expect((await jar.signIn(confirm)).headers.get('location')).toBe('/settings')
    expect(provider.came.at(-1)?.get('prompt')).toBe('login')
    expect(provider.came.at(-1)?.get('max_age')).toBe('0')
    expect((await press()).status).toBe(404)
  })

  it('where the company alone signs people in, passwords are for administrators of the hub', async () => {
    await start({ HOLDFAST_OIDC_ONLY: 'true', HOLDFAST_OIDC_JOIN: 'true' })
    const admin = await makeUser(site, 'root-admin', { password, isAdmin: true })
    const bob = await makeUser(site, 'bob', { password })
    expect(await signInAs(site, admin)).toContain('token=')
    const body = new URLSearchParams({ username: bob.name, password })
    const refused = await fetch(`${site.url}/login`, { method: 'POST', body, redirect: 'manual' })
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('People sign in with Acme here.')
    const wrong = new URLSearchParams({ username: bob.name, password: 'not it at all, no' })
    expect((await fetch(`${site.url}/login`, { method: 'POST', body: wrong })).status).toBe(401)
    const join = new URLSearchParams({ username: 'carla', email: 'carla@x.example', password })
    expect((await fetch(`${site.url}/join`, { method: 'POST', body: join })).status).toBe(403)
    const jar = new CookieJar(site.url)
    await jar.signIn()
    expect(await session(jar)).toBe(200)
  })

  it('a deactivated account is refused, whoever the provider says it is', async () => {
    await start({ HOLDFAST_OIDC_JOIN: 'true' })
    await new CookieJar(site.url).signIn()
    await site.hub.transaction((tx) =>
      tx
        .updateTable('user')
        .set({ state: 'deactivated' })
        .execute()
        .then(() => undefined),
    )
    const reply = await new CookieJar(site.url).signIn()
    expect(reply.status).toBe(403)
    expect(await reply.text()).toContain('This account is deactivated.')
  })
})

describe('without a company', () => {
  it('there is no button and no way', async () => {
    const site = await startHub()
    try {
      expect(await (await fetch(`${site.url}/login`)).text()).not.toContain('/login/company')
      for (const path of ['/login/company', '/login/company/callback?state=x&code=y']) {
        expect((await fetch(`${site.url}${path}`, { redirect: 'manual' })).status).toBe(404)
      }
    } finally {
      await site.stop()
    }
  })
})
