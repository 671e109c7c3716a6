/** Second factors over HTTP, as a browser without scripts does it: setting up, signing in, confirming, taking away. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import {
  addApp,
  addPasskey,
  askPasskey,
  beginApp,
  beginSignIn,
  codeAt,
  codesIn,
  cookieOf,
  postForm,
  signInWithCode,
} from '../../../tests/support/factors.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { systemClock } from '../../platform/clock.ts'
import { makeResetLink } from '../accounts/service.ts'
import { cleanSecondFactors, resetSecondFactors } from './service.ts'

const password = 'a long enough sentence'
const hour = 3_600_000

describe.each(dialects)('second factors on %s', (dialect) => {
  let time = Date.now()
  let site: TestHub
  let mails: SmtpSink
  let people = 0
  beforeAll(async () => {
    mails = await startSmtpSink()
    site = await startHubOn(dialect, { clock: systemClock(() => time), env: { HOLDFAST_SMTP_URL: mails.url } })
  })
  afterAll(async () => {
    await site.stop()
    await mails.stop()
  })

  const nextCode = (secret: string): string => {
    time += 30_000
    return codeAt(secret, time)
  }
  async function somebody() {
    const user = await makeUser(site, `mara-${++people}`, { password })
    return { user, cookie: await signInAs(site, user) }
  }
  const page = async (path: string, cookie: string) => {
    const response = await fetch(`${site.url}${path}`, { headers: { cookie }, redirect: 'manual' })
    return { response, text: await response.text() }
  }
  /** Mails of the tests before come late, to others. */
  const told = async (email: string, words: string) =>
    await vi.waitFor(
      () =>
        expect(mails.mails.filter(({ to }) => to === email).map(({ text }) => text)).toContainEqual(
          expect.stringContaining(words),
        ),
      10_000,
    )
  const whoami = async (cookie: string) => (await fetch(`${site.url}/api/whoami-v2`, { headers: { cookie } })).status
  const eventsOf = async (userId: string) =>
    await site.hub.db.read.selectFrom('event').selectAll().where('ownerId', '=', userId).orderBy('id').execute()
  const factorAt = async (userId: string) =>
    (await site.hub.db.read.selectFrom('user').select('secondFactorAt').where('id', '=', userId).executeTakeFirst())
      ?.secondFactorAt

  it('an app is on with its first code, ends the other sessions, and brings ten recovery codes, once', async () => {
    const { user, cookie } = await somebody()
    const other = await signInAs(site, user)
    const secret = await beginApp(site, cookie)
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    const setup = await page('/settings/authentication/app', cookie)
    expect(setup.response.headers.get('cache-control')).toBe('no-store')
    expect(setup.text).toContain('<svg class="qr"')
    const stored = await site.hub.db.read.selectFrom('totpSecret').selectAll().where('userId', '=', user.id).execute()
    expect(JSON.stringify(stored)).not.toContain(secret)
    expect(await factorAt(user.id)).toBeNull()
    const wrong = await postForm(site, '/settings/authentication/app', { code: '000000' }, cookie)
    expect(wrong.status).toBe(403)
    expect(await wrong.text()).toContain('That code is not right')
    expect(await factorAt(user.id)).toBeNull()

    const done = await postForm(site, '/settings/authentication/app', { code: codeAt(secret, time) }, cookie)
    const text = await done.text()
    expect(done.status).toBe(200)
    expect(done.headers.get('cache-control')).toBe('no-store')
    const codes = codesIn(text)
    expect(new Set(codes).size).toBe(10)
    expect(await factorAt(user.id)).toBe(time)
    expect([await whoami(cookie), await whoami(other)]).toEqual([200, 401])
    const settings = (await page('/settings/authentication', cookie)).text
    expect(settings).toContain('10 of 10 are left')
    expect(codesIn(settings)).toEqual([])
    // The setup is over: the secret is not shown again.
    expect((await page('/settings/authentication/app', cookie)).response.status).toBe(303)

    const events = await eventsOf(user.id)
    expect(events.find((event) => event.action === 'account.second_factor.add')).toMatchObject({ actorId: user.id })
    for (const secretText of [secret, ...codes]) expect(JSON.stringify(events)).not.toContain(secretText)
  })

  it('a sign-in waits for the code: no session before it, and the page asked for after it', async () => {
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    const asked = await postForm(site, '/login', { username: user.name, password, next: '/settings/tokens' })
    expect(asked.status).toBe(303)
    expect(asked.headers.get('location')).toBe('/login/second-factor?next=%2Fsettings%2Ftokens')
    expect(cookieOf(asked, 'token')).toBe('')
    const set = asked.headers.getSetCookie().find((value) => value.startsWith('sign-in='))
    expect(set).toMatch(/; Path=\/login; Max-Age=300; HttpOnly; SameSite=Strict/)
    const pending = cookieOf(asked, 'sign-in')
    const value = pending.slice('sign-in='.length)
    // What waits is no session, under no name.
    expect([await whoami(pending), await whoami(`token=${value}`)]).toEqual([401, 401])
    const step = await page('/login/second-factor?next=%2Fsettings%2Ftokens', pending)
    expect(step.text).toContain(`Signing in as ${user.name}`)
    const wrong = await postForm(site, '/login/second-factor', { code: '123 456', next: '/settings/tokens' }, pending)
    expect(wrong.status).toBe(403)
    const text = await wrong.text()
    expect(text).toContain('That code is not right, or was used already.')
    expect(text).not.toContain('123 456')
    const code = nextCode(secret)
    const right = await postForm(
      site,
      '/login/second-factor',
      { code: `${code.slice(0, 3)} ${code.slice(3)}`, next: '/settings/tokens' },
      pending,
    )
    expect([right.status, right.headers.get('location')]).toEqual([303, '/settings/tokens'])
    expect(await whoami(cookieOf(right, 'token'))).toBe(200)
    const events = await eventsOf(user.id)
    expect(events.filter((event) => event.action === 'account.second_factor.refuse')).toHaveLength(1)
    expect(events.findLast((event) => event.action === 'session.create')?.data).toContain('"password and code"')
  })

  it('takes the code of the step before and after, and of no other', async () => {
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    time += 10 * 60_000
    for (const [shift, status] of [
      [-60_000, 403],
      [60_000, 403],
      [-30_000, 303],
      [30_000, 303],
    ] as const) {
      const pending = await beginSignIn(site, user)
      const answer = await postForm(site, '/login/second-factor', { code: codeAt(secret, time + shift) }, pending)
      expect([shift, answer.status]).toEqual([shift, status])
    }
  })

  it('a recovery code signs in once, says how many are left, and is told by mail', async () => {
    const { user, cookie } = await somebody()
    const { codes } = await addApp(site, cookie, time)
    const [first = '', second = ''] = codes
    const used = await postForm(
      site,
      '/login/second-factor',
      { recovery: first.toUpperCase().replaceAll('-', ' ') },
      await beginSignIn(site, user),
    )
    expect(used.status).toBe(303)
    const flash = Buffer.from(cookieOf(used, 'flash').slice('flash='.length), 'base64url').toString()
    expect(flash).toContain('9 of your recovery codes are left')
    const again = await postForm(site, '/login/second-factor', { recovery: first }, await beginSignIn(site, user))
    expect(again.status).toBe(403)
    await told(user.email, 'A recovery code was used')
    const events = await eventsOf(user.id)
    expect(events.find((event) => event.action === 'account.recovery_code.use')?.data).toBe('{"left":9}')
    const renewed = await postForm(site, '/settings/authentication/recovery-codes', {}, cookie)
    const fresh = codesIn(await renewed.text())
    expect(fresh).toHaveLength(10)
    const old = await postForm(site, '/login/second-factor', { recovery: second }, await beginSignIn(site, user))
    const good = await postForm(
      site,
      '/login/second-factor',
      { recovery: fresh[0] ?? '' },
      await beginSignIn(site, user),
    )
    expect([old.status, good.status]).toEqual([403, 303])
  })

  it('a passkey is a second factor, signs in alone, and is told by mail when it comes and goes', async () => {
    const { user, cookie } = await somebody()
    const passkey = await addPasskey(site, cookie, 'Key on my ring')
    await told(user.email, 'A passkey was added to your account')
    expect(await factorAt(user.id)).toBe(time)

    const pending = await beginSignIn(site, user)
    const response = await askPasskey(site, passkey, '/login/second-factor', pending)
    const second = await postForm(site, '/login/second-factor', { response }, pending)
    expect([second.status, await whoami(cookieOf(second, 'token'))]).toEqual([303, 200])

    const alone = await postForm(site, '/login/passkey', {
      response: await askPasskey(site, passkey, '/login/passkey'),
      next: '/settings/sessions',
    })
    expect([alone.status, alone.headers.get('location')]).toEqual([303, '/settings/sessions'])
    const session = cookieOf(alone, 'token')
    const settings = (await page('/settings/authentication', session)).text
    expect(settings).toContain('Key on my ring')
    const id = /passkey=([^"&]+)"/.exec(settings)?.[1] ?? ''
    const dialog = (await page(`/settings/authentication?dialog=remove-passkey&passkey=${id}`, session)).text
    expect(dialog).toContain('It is your last second factor')
    const removed = await postForm(site, `/settings/authentication/passkeys/${id}/remove`, {}, session)
    expect(removed.status).toBe(303)
    expect(await factorAt(user.id)).toBeNull()
    await told(user.email, 'A passkey was removed from your account')
    const left = await site.hub.db.read.selectFrom('recoveryCode').selectAll().where('userId', '=', user.id).execute()
    expect(left).toEqual([])
    // The password is enough again, and the passkey is nobody's.
    expect(await whoami(await signInAs(site, user))).toBe(200)
    const gone = await postForm(site, '/login/passkey', { response: await askPasskey(site, passkey, '/login/passkey') })
    expect(cookieOf(gone, 'token')).toBe('')
  })

  it('an app moves to another phone without a moment without one', async () => {
    const { user, cookie } = await somebody()
    const old = await addApp(site, cookie, time)
    const since = await factorAt(user.id)
    const fresh = await addApp(site, cookie, time)
    expect(fresh.codes).toEqual([])
    expect(await factorAt(user.id)).toBe(since)
    const refused = await postForm(
      site,
      '/login/second-factor',
      { code: nextCode(old.secret) },
      await beginSignIn(site, user),
    )
    expect(refused.status).toBe(403)
    expect(await whoami(await signInWithCode(site, user, nextCode(fresh.secret)))).toBe(200)
  })

  it('AUTH-3 a password is never accepted over Basic, with a second factor or without', async () => {
    const { user, cookie } = await somebody()
    const token = await makeToken(site, user, { role: 'read' })
    const basic = (secret: string) => `Basic ${Buffer.from(`${user.name}:${secret}`).toString('base64')}`
    const places = [
      '/api/whoami-v2',
      '/api/models',
      `/${user.name}/x/resolve/main/a`,
      `/${user.name}/x/info/refs?service=git-upload-pack`,
    ]
    const statuses = async (secret: string) =>
      await Promise.all(
        places.map(
          async (path) => (await fetch(`${site.url}${path}`, { headers: { authorization: basic(secret) } })).status,
        ),
      )
    expect(await statuses(password)).toEqual([401, 401, 401, 401])
    const before = await statuses(token)
    expect(before.slice(0, 2)).toEqual([200, 200])
    await addApp(site, cookie, time)
    expect(await statuses(password)).toEqual([401, 401, 401, 401])
    // A token goes on: it is a credential of its own.
    expect(await statuses(token)).toEqual(before)
    // A service account has no password: neither that of who made it nor any other lets somebody in under its name.
    await makeOrganization(site, `machines-${people}`, user)
    const made = await fetch(`${site.url}/api/organizations/machines-${people}/service-accounts`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'ci', role: 'read' }),
    })
    const machine = ((await made.json()) as { user: string }).user
    expect(machine).toMatch(/^sa-/)
    for (const secret of [password, '', machine]) {
      const authorization = `Basic ${Buffer.from(`${machine}:${secret}`).toString('base64')}`
      expect((await fetch(`${site.url}/api/whoami-v2`, { headers: { authorization } })).status).toBe(401)
    }
  })

  it('a sensitive action in an older session leads to /login/confirm, and back', async () => {
    const { cookie } = await somebody()
    time += 2 * hour
    const asked = await page('/settings/authentication/passkeys/new', cookie)
    expect(asked.response.status).toBe(303)
    const place = asked.response.headers.get('location') ?? ''
    expect(place).toBe('/login/confirm?next=%2Fsettings%2Fauthentication%2Fpasskeys%2Fnew')
    expect((await page(place, cookie)).text).toContain('Confirm that it is you')
    const next = '/settings/authentication/passkeys/new'
    const wrong = await postForm(site, '/login/confirm', { password: 'another sentence', next }, cookie)
    expect(wrong.status).toBe(403)
    expect(await wrong.text()).toContain('That is not your current password.')
    const right = await postForm(site, '/login/confirm', { password, next }, cookie)
    expect([right.status, right.headers.get('location')]).toEqual([303, next])
    expect((await page(next, cookie)).response.status).toBe(200)
    // No other site is gone to.
    const away = await postForm(site, '/login/confirm', { password, next: 'https://evil.example/' }, cookie)
    expect(away.headers.get('location')).toBe('/')
    time += hour
    expect((await page(next, cookie)).response.status).toBe(303)
  })

  it('a form sent in an older session says what to do, and a program is told the address', async () => {
    const { cookie } = await somebody()
    time += 2 * hour
    const referer = `${site.url}/settings/tokens/new?role=read`
    const form = await postForm(site, '/settings/authentication/app/start', {}, cookie, { referer })
    expect(form.status).toBe(403)
    const text = await form.text()
    expect(text).toContain('href="/login/confirm?next=%2Fsettings%2Ftokens%2Fnew%3Frole%3Dread"')
    expect(text).toContain('go back with your browser to what you typed')
    const api = await fetch(`${site.url}/api/settings/tokens`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x', role: 'read' }),
    })
    expect([api.status, (await api.text()).includes('/login/confirm')]).toEqual([403, true])
    expect(api.headers.get('x-hub-denied')).toContain('fresh_sign_in')
  })

  it('with a second factor the password confirms nothing; a code, a passkey or a recovery code does', async () => {
    const { user, cookie } = await somebody()
    const { secret, codes } = await addApp(site, cookie, time)
    const passkey = await addPasskey(site, cookie)
    const isFresh = async () => (await page('/settings/authentication/passkeys/new', cookie)).response.status === 200
    time += 2 * hour
    expect((await postForm(site, '/login/confirm', { password }, cookie)).status).toBe(403)
    expect(await isFresh()).toBe(false)
    expect((await page('/login/confirm', cookie)).text).not.toContain('name="password"')
    const ways = [
      async () => ({ code: nextCode(secret) }),
      async () => ({ recovery: codes[0] ?? '' }),
      async () => ({ response: await askPasskey(site, passkey, '/login/confirm', cookie) }),
    ]
    for (const way of ways) {
      expect(await isFresh()).toBe(false)
      expect((await postForm(site, '/login/confirm', await way(), cookie)).status).toBe(303)
      expect(await isFresh()).toBe(true)
      time += 2 * hour
    }
    const events = (await eventsOf(user.id)).filter((event) => event.action === 'session.refresh')
    expect(events.map((event) => JSON.parse(event.data).method)).toEqual(['code', 'recovery code', 'passkey'])
  })

  it('an administrator lets somebody in who has lost everything: sessions end, they are told, the log has it', async () => {
    const { user, cookie } = await somebody()
    await addApp(site, cookie, time)
    await addPasskey(site, cookie)
    const grant = systemGrant('user.reset_second_factor', { on: 'instance' }, 'holdfast admin')
    expect(await resetSecondFactors(site.hub, grant, systemOrigin, user.name)).toBe(true)
    expect(await resetSecondFactors(site.hub, grant, systemOrigin, user.name)).toBe(false)
    expect([await factorAt(user.id), await whoami(cookie)]).toEqual([null, 401])
    expect(await whoami(await signInAs(site, user))).toBe(200)
    // Those of the factors that were added may come in between.
    const told = () => mails.mails.map((mail) => mail.text).join()
    await expect.poll(told, { timeout: 10_000 }).toContain('An administrator took all second factors away')
    const events = await eventsOf(user.id)
    expect(events.find((event) => event.action === 'user.reset_second_factor')).toMatchObject({
      actorKind: 'system',
      actorName: 'holdfast admin',
    })
  })

  it('turning the last factor off says which organizations will be out of reach', async () => {
    const { user, cookie } = await somebody()
    await addApp(site, cookie, time)
    const organization = await makeOrganization(site, `strict-${people}`, user)
    await site.hub.transaction(async (tx) => {
      await tx.updateTable('organization').set({ secondFactorRequired: 1 }).where('id', '=', organization.id).execute()
    })
    const dialog = (await page('/settings/authentication?dialog=remove-app', cookie)).text
    expect(dialog).toContain(`strict-${people} asks members for a second factor`)
    expect((await postForm(site, '/settings/authentication/app/remove', {}, cookie)).status).toBe(303)
    const settings = (await page('/settings/authentication', cookie)).text
    expect(settings).toContain('you reach only what is public there')
    const refused = await page(`/organizations/strict-${people}/settings/members`, cookie)
    expect(refused.response.status).toBe(403)
    const back = encodeURIComponent(`/organizations/strict-${people}/settings/members`)
    expect(refused.text).toContain(`href="/settings/authentication?next=${back}"`)
    expect(refused.text).toContain('Set up a second factor')
    // The way back goes through the whole setup.
    const secret = await beginApp(site, cookie)
    const form = { code: codeAt(secret, time), next: `/organizations/strict-${people}/settings/members` }
    const done = await (await postForm(site, '/settings/authentication/app', form, cookie)).text()
    expect(done).toContain(`href="/organizations/strict-${people}/settings/members"`)
    expect((await page(form.next, cookie)).response.status).toBe(200)
  })

  it('a reset of the password switches no factor off', async () => {
    const { user, cookie } = await somebody()
    await addApp(site, cookie, time)
    const link = await makeResetLink(
      site.hub,
      systemGrant('user.make_link', { on: 'instance' }, 'tests'),
      systemOrigin,
      user.name,
    )
    const fresh = 'quite another sentence'
    expect((await postForm(site, '/password-reset/set', { link: link.slice(-43), password: fresh })).status).toBe(303)
    expect(await beginSignIn(site, { ...user, password: fresh })).toMatch(/^sign-in=/)
  })

  it('a deleted account leaves no factor behind, and what has ended is cleaned away', async () => {
    const { user, cookie } = await somebody()
    await addApp(site, cookie, time)
    await addPasskey(site, cookie)
    await beginSignIn(site, user)
    const left = await postForm(site, '/settings/account/delete', { confirm: user.name }, cookie)
    expect(left.status).toBe(303)
    for (const table of ['totpSecret', 'passkey', 'recoveryCode', 'pendingSignIn'] as const) {
      const rows = await site.hub.db.read.selectFrom(table).selectAll().where('userId', '=', user.id).execute()
      expect([table, rows]).toEqual([table, []])
    }
    time += hour
    await cleanSecondFactors(site.hub, new AbortController().signal)
    expect(await site.hub.db.read.selectFrom('pendingSignIn').selectAll().execute()).toEqual([])
    expect(await site.hub.db.read.selectFrom('spentChallenge').selectAll().execute()).toEqual([])
  })
})
