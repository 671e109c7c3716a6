/** Joining, signing in and out, addresses, passwords, leaving: as a browser without scripts does it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { systemClock } from '../../platform/clock.ts'
import {
  activateUser,
  cleanAccounts,
  deactivateUser,
  ensureSetupLink,
  makeResetLink,
  makeVerificationLinks,
} from './service.ts'

const password = 'a long enough sentence'
const adminGrant = 'tests'

interface Sent {
  readonly cookie?: string
  readonly headers?: Readonly<Record<string, string>>
}

function poster(url: string) {
  return (path: string, form: Record<string, string>, { cookie = '', headers = {} }: Sent = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      redirect: 'manual',
      headers: { cookie, ...headers },
    })
}

const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .find((value) => value.startsWith('token='))
    ?.split(';')[0] ?? ''

describe.each(dialects)('accounts on %s', (dialect) => {
  let time = Date.now()
  let test: TestHub
  let post: ReturnType<typeof poster>
  beforeAll(async () => {
    test = await startHubOn(dialect, { clock: systemClock(() => time) })
    post = poster(test.url)
  })
  afterAll(() => test.stop())

  it('makes the first administrator with a link that works once', async () => {
    const link = await ensureSetupLink(test.hub)
    const other = await ensureSetupLink(test.hub)
    expect(link).toMatch(/\/join\/[\w-]{43}$/)
    const page = await fetch(link ?? '')
    expect(page.status).toBe(200)
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(await page.text()).toContain('Create the first administrator')
    const secret = link?.split('/').at(-1) ?? ''
    const form = { username: 'root-ada', email: 'ada@example.org', password, link: secret }
    const [first, second] = await Promise.all([
      post('/join', form),
      post('/join', { ...form, username: 'root-eve', email: 'e@example.org', link: other?.split('/').at(-1) ?? '' }),
    ])
    expect([first.status, second.status].sort()).toEqual([303, 410])
    expect(await ensureSetupLink(test.hub)).toBeNull()
    expect((await post('/join', { ...form, username: 'root-bob' })).status).toBe(303)
    const admins = await test.hub.db.read.selectFrom('user').where('isAdmin', '=', 1).select('id').execute()
    expect(admins).toHaveLength(1)
  })

  it('takes sign-ups, signs in by name, and sets a cookie that scripts cannot read', async () => {
    const joined = await post('/join', { username: 'Mara', email: 'Mara@Example.ORG', password })
    expect(joined.status).toBe(303)
    const whoami = await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: cookieOf(joined) } })
    expect(await whoami.json()).toMatchObject({
      type: 'user',
      name: 'Mara',
      email: 'Mara@Example.ORG',
      emailVerified: false,
      auth: { type: 'session' },
    })
    const signedIn = await post('/login', { username: 'mara', password, next: '/settings/tokens?a=b' })
    expect(signedIn.status).toBe(303)
    expect(signedIn.headers.get('location')).toBe('/settings/tokens?a=b')
    expect(signedIn.headers.getSetCookie()[0]).toMatch(
      /^token=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    )
  })

  it('leads nowhere else after signing in', async () => {
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      const response = await post('/login', { username: 'mara', password, next })
      expect(response.headers.get('location')).toBe('/')
    }
  })

  it('refuses names that are taken, reserved or malformed, and weak passwords, at their field', async () => {
    const faults: [Record<string, string>, number, string][] = [
      [{ username: 'MARA', email: 'x@example.org', password }, 409, 'The name &quot;MARA&quot; is taken.'],
      [{ username: 'settings', email: 'x@example.org', password }, 409, 'is taken'],
      [{ username: 'a--b', email: 'x@example.org', password }, 422, '2 to 42 letters'],
      [{ username: 'x1', email: 'nonsense', password }, 422, 'That is not an e-mail address.'],
      [{ username: 'x1', email: 'x@example.org', password: 'short' }, 422, 'at least 10 characters'],
      [{ username: 'lovelace-a', email: 'x@example.org', password: 'Lovelace-A' }, 422, 'first password that anybody'],
    ]
    for (const [form, status, words] of faults) {
      const response = await post('/join', form)
      const text = await response.text()
      expect(response.status, text.slice(0, 200)).toBe(status)
      expect(text).toContain(words)
      expect(text).toContain(`value="${form.username}"`)
      expect(text).not.toContain(form.password === 'short' ? 'value="short"' : `value="${form.password}"`)
    }
  })

  it('answers a wrong password and an unknown name alike, and says the same words', async () => {
    const wrong = await post('/login', { username: 'mara', password: 'not the password' })
    const unknown = await post('/login', { username: 'nobody-here', password: 'not the password' })
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    const strip = (text: string) => text.replace(/value="[^"]*"/g, '').replaceAll(/req[\w-]*/g, '')
    expect(strip(await wrong.text())).toBe(strip(await unknown.text()))
  })

  it('does not sign in by an address that is not verified, and does once it is', async () => {
    expect((await post('/login', { username: 'Mara@example.org', password })).status).toBe(401)
    const [made] = await makeVerificationLinks(
      test.hub,
      systemGrant('user.make_link', { on: 'instance' }, adminGrant),
      systemOrigin,
      'mara',
    )
    const opened = await fetch(made?.link ?? '')
    expect(await opened.text()).toContain('Verify this address')
    const secret = made?.link.split('/').at(-1) ?? ''
    expect((await post('/verify-email', { link: secret })).status).toBe(200)
    expect((await post('/verify-email', { link: secret })).status).toBe(410)
    expect((await post('/login', { username: 'Mara@EXAMPLE.org', password })).status).toBe(303)
    // Only the domain ignores case.
    expect((await post('/login', { username: 'mara@example.org', password })).status).toBe(401)
  })

  it('never verifies one address for two accounts, and does not tell strangers who has it', async () => {
    const joined = await post('/join', { username: 'squatter', email: 'Mara@example.org', password })
    expect(joined.status).toBe(303)
    const [made] = await makeVerificationLinks(
      test.hub,
      systemGrant('user.make_link', { on: 'instance' }, adminGrant),
      systemOrigin,
      'squatter',
    )
    const response = await post('/verify-email', { link: made?.link.split('/').at(-1) ?? '' })
    expect(response.status).toBe(409)
  })

  it('refuses a sign-in that another website sends', async () => {
    const form = { username: 'mara', password }
    expect((await post('/login', form, { headers: { origin: 'https://evil.example' } })).status).toBe(403)
    expect((await post('/login', form, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403)
    expect((await post('/login', form, { headers: { 'sec-fetch-site': 'same-origin' } })).status).toBe(303)
  })

  it('never takes an account password over Basic (AUTH-3)', async () => {
    const authorization = `Basic ${Buffer.from(`mara:${password}`).toString('base64')}`
    const response = await fetch(`${test.url}/api/whoami-v2`, { headers: { authorization } })
    expect(response.status).toBe(401)
    expect(response.headers.get('x-error-message')).toBe('Invalid credentials in Authorization header')
  })

  it('slows down guessing of one name, also in parallel, and forgives who knows the password', async () => {
    await makeUser(test, 'target', { password })
    const guesses = await Promise.all(
      Array.from({ length: 16 }, () => post('/login', { username: 'target', password: 'guess' })),
    )
    const statuses = guesses.map((response) => response.status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    const refused = guesses.find((response) => response.status === 429)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await post('/login', { username: 'target', password })).status).toBe(429)
    time += 6_000
    expect((await post('/login', { username: 'target', password: 'guess' })).status).toBe(401)
    time += 6_000
    // The second wait is twice the first.
    expect((await post('/login', { username: 'target', password })).status).toBe(429)
    time += 6_000
    expect((await post('/login', { username: 'target', password })).status).toBe(303)
    expect((await post('/login', { username: 'target', password: 'guess' })).status).toBe(401)
  })

  it('slows down guessing of many names from one address', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 80 && !statuses.includes(429); i++) {
      // Longer than any password is: refused without the work of hashing.
      statuses.push((await post('/login', { username: `name-${i}`, password: 'x'.repeat(300) })).status)
    }
    expect(statuses).toContain(429)
    time += 16 * 60_000
  }, 30_000)

  it('lists sessions, ends one, and ends all others', async () => {
    await makeUser(test, 'many', { password })
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const first = cookieOf(await post('/login', { username: 'many', password }, { headers: { 'user-agent': agent } }))
    const second = await signInAs(test, { name: 'many', password })
    const page = await (await fetch(`${test.url}/settings/sessions`, { headers: { cookie: second } })).text()
    expect(page).toContain('Firefox on Linux')
    const id = /\/settings\/sessions\/([0-9a-f]{24})\/end/.exec(page)?.[1] ?? ''
    const mara = await signInAs(test, { name: 'mara', password })
    expect((await post(`/settings/sessions/${id}/end`, {}, { cookie: mara })).status).toBe(404)
    expect((await post(`/settings/sessions/${id}/end`, {}, { cookie: second })).status).toBe(303)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: first } })).status).toBe(401)
    const third = await signInAs(test, { name: 'many', password })
    expect((await post('/settings/sessions/end-others', {}, { cookie: third })).status).toBe(303)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: second } })).status).toBe(401)
    const fourth = cookieOf(await post('/login', { username: 'many', password }, { cookie: third }))
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: third } })).status).toBe(401)
    expect((await post('/logout', {}, { cookie: fourth })).status).toBe(303)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: fourth } })).status).toBe(401)
    expect((await post('/logout', {}, { cookie: fourth })).status).toBe(303)
  })

  it('ends a session that was not used for its lifetime, and cleans up after it', async () => {
    const cookie = await signInAs(test, { name: 'many', password })
    time += 31 * 24 * 3_600_000
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie } })).status).toBe(401)
    await cleanAccounts(test.hub, new AbortController().signal)
    expect(await test.hub.db.read.selectFrom('session').select('id').execute()).toEqual([])
    expect(await test.hub.db.read.selectFrom('throttle').select('key').execute()).toEqual([])
    expect(await test.hub.db.read.selectFrom('oneTimeLink').select('id').execute()).toEqual([])
  })

  it('changes a password only for who knows the old one, and ends the other sessions', async () => {
    await makeUser(test, 'pat', { password })
    const other = await signInAs(test, { name: 'pat', password })
    const mine = await signInAs(test, { name: 'pat', password })
    const wrong = await post(
      '/settings/authentication',
      { current: 'no', password: 'another sentence' },
      { cookie: mine },
    )
    expect(wrong.status).toBe(403)
    expect(await wrong.text()).toContain('That is not your current password.')
    const right = await post(
      '/settings/authentication',
      { current: password, password: 'another sentence' },
      { cookie: mine },
    )
    expect(right.status).toBe(303)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: other } })).status).toBe(401)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: mine } })).status).toBe(200)
    expect((await post('/login', { username: 'pat', password })).status).toBe(401)
  })

  it('sets a new password by a link that works once, and ends every session', async () => {
    const user = await makeUser(test, 'lost', { password })
    const before = await signInAs(test, user)
    const grant = systemGrant('user.make_link', { on: 'instance' }, adminGrant)
    const old = await makeResetLink(test.hub, grant, systemOrigin, 'lost')
    const link = await makeResetLink(test.hub, grant, systemOrigin, 'lost')
    expect((await fetch(old)).status).toBe(410)
    const opened = await fetch(link)
    expect(opened.headers.get('cache-control')).toBe('no-store')
    const secret = link.split('/').at(-1) ?? ''
    expect((await post('/password-reset/set', { link: secret, password: 'short' })).status).toBe(422)
    const form = { link: secret, password: 'my new sentence' }
    const both = await Promise.all([post('/password-reset/set', form), post('/password-reset/set', form)])
    expect(both.map((response) => response.status).sort()).toEqual([303, 410])
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie: before } })).status).toBe(401)
    await signInAs(test, { name: 'lost', password: 'my new sentence' })
  })

  it('says that an administrator can show the link where no mail is sent', async () => {
    expect(await (await fetch(`${test.url}/password-reset`)).text()).toContain('This hub sends no e-mail')
    expect(await (await post('/password-reset', { email: 'lost@example.org' })).text()).toContain(
      'This hub sends no e-mail',
    )
  })

  it('deactivates: sessions end and tokens stop at once, and tokens work again afterwards (UAT-18)', async () => {
    const user = await makeUser(test, 'off', { password, tokenRole: 'read' })
    const cookie = await signInAs(test, user)
    const me = () => fetch(`${test.url}/api/whoami-v2`, { headers: { authorization: `Bearer ${user.token}` } })
    expect((await post('/settings/account/deactivate', { confirm: 'of' }, { cookie })).status).toBe(422)
    expect((await me()).status).toBe(200)
    expect((await post('/settings/account/deactivate', { confirm: ' off ' }, { cookie })).status).toBe(303)
    expect((await me()).status).toBe(401)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie } })).status).toBe(401)
    expect((await post('/login', { username: 'off', password })).status).toBe(403)
    expect((await post('/login', { username: 'off', password: 'wrong' })).status).toBe(401)
    await activateUser(test.hub, systemGrant('user.activate', { on: 'instance' }, adminGrant), systemOrigin, 'off')
    expect((await me()).status).toBe(200)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: { cookie } })).status).toBe(401)
  })

  it('deletes: everything of the person is gone and the name goes to nobody else', async () => {
    const user = await makeUser(test, 'gone', { password, tokenRole: 'write' })
    const cookie = await signInAs(test, user)
    const page = await (await fetch(`${test.url}/settings/account?dialog=delete`, { headers: { cookie } })).text()
    expect(page).toContain('Delete account “gone”')
    expect((await post('/settings/account/delete', { confirm: 'gone' }, { cookie })).status).toBe(303)
    const headers = { authorization: `Bearer ${user.token}` }
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers })).status).toBe(401)
    expect((await fetch(`${test.url}/api/users/gone/overview`)).status).toBe(404)
    expect((await post('/login', { username: 'gone', password })).status).toBe(401)
    expect((await post('/join', { username: 'Gone', email: 'new@example.org', password })).status).toBe(409)
    // The address is free for somebody else.
    await makeUser(test, 'heir', { email: user.email })
  })

  it('keeps who is the last administrator of an organization, and an administrator of the hub can still stop them', async () => {
    const user = await makeUser(test, 'captain', { password })
    await makeOrganization(test, 'ship', user)
    const cookie = await signInAs(test, user)
    for (const act of ['deactivate', 'delete']) {
      const response = await post(`/settings/account/${act}`, { confirm: 'captain' }, { cookie })
      expect(response.status).toBe(409)
      expect(await response.text()).toContain('You are the last administrator of ship.')
    }
    const grant = systemGrant('user.deactivate', { on: 'instance' }, adminGrant)
    expect(await deactivateUser(test.hub, grant, systemOrigin, 'captain')).toEqual(['ship'])
  })

  it('deletes the repos of the own namespace with the account', async () => {
    const user = await makeUser(test, 'author', { password })
    const id = test.hub.clock.id()
    await insertRepo(test.hub.db, { id, owner: user, name: 'm1' })
    const cookie = await signInAs(test, user)
    expect((await post('/settings/account/delete', { confirm: 'author' }, { cookie })).status).toBe(303)
    const row = await test.hub.db.read.selectFrom('repo').where('id', '=', id).select('deletedAt').executeTakeFirst()
    expect(row?.deletedAt).not.toBeNull()
    const events = await test.hub.db.read.selectFrom('event').where('actorId', '=', user.id).select('action').execute()
    expect(events.map((event) => event.action)).toEqual(['repo.delete', 'account.delete'])
  })

  it('manages addresses: adds, makes primary, removes, and keeps the primary one', async () => {
    const user = await makeUser(test, 'mail', { password })
    const cookie = await signInAs(test, user)
    expect((await post('/settings/account/emails', { email: 'two@example.org' }, { cookie })).status).toBe(303)
    expect((await post('/settings/account/emails', { email: 'two@EXAMPLE.org' }, { cookie })).status).toBe(422)
    const rows = () => test.hub.db.read.selectFrom('email').where('userId', '=', user.id).selectAll().execute()
    const [one, two] = (await rows()).sort((a, b) => b.isPrimary - a.isPrimary)
    expect((await post(`/settings/account/emails/${two?.id}`, { do: 'primary' }, { cookie })).status).toBe(422)
    expect((await post(`/settings/account/emails/${one?.id}`, { do: 'remove' }, { cookie })).status).toBe(422)
    const grant = systemGrant('user.make_link', { on: 'instance' }, adminGrant)
    const [made] = await makeVerificationLinks(test.hub, grant, systemOrigin, 'mail')
    await post('/verify-email', { link: made?.link.split('/').at(-1) ?? '' })
    expect((await post(`/settings/account/emails/${two?.id}`, { do: 'primary' }, { cookie })).status).toBe(303)
    expect((await post(`/settings/account/emails/${one?.id}`, { do: 'remove' }, { cookie })).status).toBe(303)
    expect((await rows()).map((row) => [row.address, row.isPrimary])).toEqual([['two@example.org', 1]])
    const stranger = await makeUser(test, 'mail-2', { password })
    const other = await signInAs(test, stranger)
    expect((await post(`/settings/account/emails/${two?.id}`, { do: 'remove' }, { cookie: other })).status).toBe(404)
  })

  it('shows every page of the settings, and asks strangers to sign in first', async () => {
    const user = await makeUser(test, 'looker', { password })
    const cookie = await signInAs(test, user)
    for (const path of ['profile', 'account', 'authentication', 'sessions', 'account?dialog=deactivate']) {
      const page = await fetch(`${test.url}/settings/${path}`, { headers: { cookie } })
      expect(page.status).toBe(200)
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      const strange = await fetch(`${test.url}/settings/${path}`, { redirect: 'manual' })
      expect(strange.headers.get('location')).toBe(`/login?next=${encodeURIComponent(`/settings/${path}`)}`)
    }
    const saved = await post('/settings/profile', { fullname: '  Ada   Lovelace ' }, { cookie })
    expect(saved.status).toBe(303)
    const overview = await (await fetch(`${test.url}/api/users/looker/overview`)).json()
    expect(overview).toMatchObject({ user: 'looker', fullname: 'Ada Lovelace' })
    const token = await makeToken(test, user, { role: 'write' })
    const byToken = await fetch(`${test.url}/settings/account`, { headers: { authorization: `Bearer ${token}` } })
    // Whoever found a token, or an application that was told no address, reads none here.
    expect(byToken.status).toBe(403)
    expect(await byToken.text()).not.toContain('looker@example.org')
    const changed = await post(
      '/settings/profile',
      { fullname: 'x' },
      { headers: { authorization: `Bearer ${token}` } },
    )
    expect(changed.status).toBe(403)
  })

  it('keeps the colours that one chooses', async () => {
    const response = await post('/theme', { theme: 'dark', back: '/login' })
    expect(response.status).toBe(303)
    expect(response.headers.getSetCookie()[0]).toMatch(/^theme=dark;/)
    expect((await post('/theme', { theme: 'pink' })).status).toBe(400)
  })
})
