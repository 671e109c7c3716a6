/** Invitations: sent by a real mail server or handed over, accepted once, by whom they were for, while somebody answers for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

const password = 'a long enough sentence'
const secretIn = (text: string): string => /\/invitations\/([\w-]{43})/.exec(text)?.[1] ?? ''

describe.each(dialects)('invitations on %s', (dialect) => {
  let sink: SmtpSink
  let test: TestHub
  let ask: Ask
  let ada: TestUser
  let token: string
  beforeAll(async () => {
    sink = await startSmtpSink()
    test = await startHubOn(dialect, { env: { HOLDFAST_SMTP_URL: sink.url, HOLDFAST_SIGN_UP: 'invite' } })
    ask = asking(test)
    ada = await makeUser(test, 'ada', { password })
    token = await makeToken(test, ada, { role: 'write' })
  })
  afterAll(async () => {
    await test.stop()
    await sink.stop()
  })

  const invite = (org: string, email: string, role?: string, value = token) =>
    ask('POST', `/api/organizations/${org}/invitations`, { token: value, body: { email, ...(role ? { role } : {}) } })
  const list = async (org: string) =>
    (await ask('GET', `/api/organizations/${org}/invitations`, { token })).json<{ id: string; state: string }[]>()
  /** The secret of the link that was mailed last to this address. */
  async function mailed(address: string, count = 1): Promise<string> {
    for (let i = 0; i < 400; i++) {
      const mails = sink.mails.filter((mail) => mail.to === address && secretIn(mail.text) !== '')
      if (mails.length >= count) return secretIn(mails.at(-1)?.text ?? '')
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    throw new Error(`No mail came to ${address}.`)
  }
  const answer = (how: 'accept' | 'decline', cookie: string, link: string) =>
    ask('POST', `/invitations/${how}`, { cookie, form: { link } })
  const roleOf = async (org: { id: string }, user: { id: string }) =>
    (
      await test.hub.db.read
        .selectFrom('roleGrant')
        .select('role')
        .where('targetId', '=', org.id)
        .where('principalId', '=', user.id)
        .executeTakeFirst()
    )?.role ?? null
  const events = async (org: { id: string }) =>
    (
      await test.hub.db.read
        .selectFrom('event')
        .select('action')
        .where('ownerId', '=', org.id)
        .where('action', 'like', 'org.invite%')
        .orderBy('id')
        .execute()
    ).map((row) => row.action)

  it('are mailed, accepted once by whom they are for, and take no seat before (SEAT-1)', async () => {
    const org = await makeOrganization(test, 'mailing', ada)
    const grace = await makeUser(test, 'grace', { password })
    const invited = await invite('mailing', grace.email, 'write')
    expect(invited.status).toBe(201)
    expect(invited.json()).toMatchObject({ email: grace.email, role: 'write', state: 'open', invitedBy: 'ada' })
    expect(invited.json()).not.toHaveProperty('link')
    const secret = await mailed(grace.email)
    const seats = await ask('GET', '/api/organizations/mailing/seats', { token })
    expect(seats.json()).toEqual({
      seats: { used: 1, limit: null },
      serviceAccounts: { total: 0, active: 0 },
      invitations: 1,
    })
    // A secret that opens the door is in the mail and nowhere else.
    const kept = await Promise.all([
      test.hub.db.read.selectFrom('invitation').selectAll().execute(),
      test.hub.db.read.selectFrom('job').selectAll().execute(),
      test.hub.db.read.selectFrom('event').selectAll().execute(),
    ])
    expect(JSON.stringify(kept)).not.toContain(secret)

    const shown = await ask('GET', `/invitations/${secret}`)
    expect(shown.status).toBe(200)
    expect(shown.headers.get('cache-control')).toBe('no-store')
    expect(shown.text).toContain('ada invites you to mailing, with the role write.')
    expect(shown.text).toContain(`/login?next=${encodeURIComponent(`/invitations/${secret}`)}`)
    const cookie = await signInAs(test, grace)
    const accepted = await answer('accept', cookie, secret)
    expect(accepted.status).toBe(303)
    expect(accepted.headers.get('location')).toBe('/mailing')
    expect(await roleOf(org, grace)).toBe('write')
    expect(await events(org)).toEqual(['org.invite.email', 'org.invite.accept'])

    // The story: somebody finds the used link in a mailbox, after its owner has left. A replay must not let them in again.
    await ask('DELETE', '/api/organizations/mailing/members/grace', { token })
    const replay = await answer('accept', cookie, secret)
    expect(replay.status).toBe(410)
    expect(await roleOf(org, grace)).toBeNull()
    expect((await ask('GET', `/invitations/${secret}`)).status).toBe(410)
  })

  it('without a role give the default role of the organization', async () => {
    await makeOrganization(test, 'defaults', ada)
    await ask('PATCH', '/api/organizations/defaults/settings', { token, body: { defaultRole: 'contributor' } })
    expect((await invite('defaults', 'someone@example.org')).json()).toMatchObject({ role: 'contributor' })
    await makeUser(test, 'plain')
    const added = await ask('POST', '/api/organizations/defaults/members', { token, body: { user: 'plain' } })
    expect(added.json()).toEqual({ user: 'plain', role: 'contributor' })
  })

  /** The story: a mail is forwarded to a list, and a stranger with an account of their own opens the link first. */
  it('a forwarded link lets nobody in who has not verified the invited address', async () => {
    const org = await makeOrganization(test, 'forwarded', ada)
    const stranger = await makeUser(test, 'stranger', { password })
    await invite('forwarded', 'meant@example.org', 'admin')
    const secret = await mailed('meant@example.org')
    const cookie = await signInAs(test, stranger)
    const page = await ask('GET', `/invitations/${secret}`, { cookie })
    expect(page.text).toContain('the link alone does not prove that it is meant for you')
    expect(page.text).not.toContain('action="/invitations/accept"')
    expect((await answer('accept', cookie, secret)).status).toBe(403)
    expect((await answer('decline', cookie, secret)).status).toBe(403)
    // Claiming the address without proving it changes nothing.
    await ask('POST', '/settings/account/emails', { cookie, form: { email: 'meant@example.org' } })
    expect((await answer('accept', cookie, secret)).status).toBe(403)
    expect(await roleOf(org, stranger)).toBeNull()
    expect(await list('forwarded')).toHaveLength(1)
  })

  it('open sign-up where it is by invitation: for one account, with the invited address, which it must still verify', async () => {
    const org = await makeOrganization(test, 'opening', ada)
    await invite('opening', 'newcomer@example.org', 'read')
    const secret = await mailed('newcomer@example.org')
    const form = await ask('GET', `/join/${secret}`)
    expect(form.status).toBe(200)
    expect(form.text).toContain('newcomer@example.org')
    expect(form.text).not.toContain('name="email"')
    const before = sink.mails.length
    const joined = await ask('POST', '/join', {
      form: { username: 'newcomer', email: 'other@example.org', password, link: secret },
    })
    expect(joined.status).toBe(303)
    expect(joined.headers.get('location')).toBe(`/invitations/${secret}`)
    const cookie =
      joined.headers
        .getSetCookie()
        .find((value) => value.startsWith('token='))
        ?.split(';')[0] ?? ''
    expect((await answer('accept', cookie, secret)).status).toBe(403)
    await sink.received(before + 1)
    expect(sink.mails[before]?.to).toBe('newcomer@example.org')
    const verify = /verify-email\/([\w-]{43})/.exec(sink.mails[before]?.text ?? '')?.[1] ?? ''
    expect((await ask('POST', '/verify-email', { form: { link: verify } })).status).toBe(200)
    // The story: with one invitation, somebody makes a thousand accounts on a hub that is closed to strangers.
    const second = await ask('POST', '/join', { form: { username: 'second', email: '', password, link: secret } })
    expect(second.status).toBe(410)
    expect((await ask('GET', `/join/${secret}`)).status).toBe(410)
    expect((await answer('accept', cookie, secret)).status).toBe(303)
    const user = await test.hub.db.read
      .selectFrom('namespace')
      .select('id')
      .where('nameKey', '=', 'newcomer')
      .executeTakeFirstOrThrow()
    expect(await roleOf(org, user)).toBe('read')
  })

  /** The story: an administrator who is about to be demoted invites their own second address as an administrator, and accepts afterwards. */
  it('end with the role of whoever made them, so that nobody raises themselves by one kept back', async () => {
    const mallory = await makeUser(test, 'mallory', { password })
    const org = await makeOrganization(test, 'planted', ada, { mallory: 'admin' })
    const value = await makeToken(test, mallory, { role: 'write' })
    await makeUser(test, 'mallory-two', { password, email: 'mallory.two@example.org' })
    await invite('planted', 'mallory.two@example.org', 'admin', value)
    await invite('planted', mallory.email, 'admin', value)
    const second = await mailed('mallory.two@example.org')
    const own = await mailed(mallory.email)
    await ask('PUT', '/api/organizations/planted/members/mallory/role', { token, body: { role: 'read' } })
    const other = await signInAs(test, { name: 'mallory-two', password })
    expect((await answer('accept', other, second)).status).toBe(410)
    expect((await ask('GET', `/join/${second}`)).status).toBe(410)
    expect((await answer('accept', await signInAs(test, mallory), own)).status).toBe(410)
    expect(await roleOf(org, mallory)).toBe('read')
    expect((await list('planted')).map((row) => row.state)).toEqual(['no longer effective', 'no longer effective'])
    // Another administrator may send it again, and answers for it then.
    const id = (await list('planted'))[0]?.id ?? ''
    expect((await ask('POST', `/api/organizations/planted/invitations/${id}/resend`, { token })).status).toBe(200)
    expect((await list('planted'))[0]?.state).toBe('open')
  })

  it('change nothing for who is a member already, and are used up by it', async () => {
    const user = await makeUser(test, 'already', { password })
    const org = await makeOrganization(test, 'joined', ada)
    await invite('joined', user.email, 'admin')
    const secret = await mailed(user.email)
    // Added by name after the invitation was sent: it is moot, and does not raise the role.
    await ask('POST', '/api/organizations/joined/members', { token, body: { user: 'already', role: 'read' } })
    expect(await list('joined')).toEqual([])
    expect((await answer('accept', await signInAs(test, user), secret)).status).toBe(410)
    await invite('joined', user.email, 'admin')
    const again = await mailed(user.email, 2)
    const cookie = await signInAs(test, user)
    expect((await ask('GET', `/invitations/${again}`, { cookie })).text).toContain('You are a member of joined already')
    const kept = await answer('accept', cookie, again)
    expect([kept.status, kept.headers.get('location')]).toEqual([303, '/joined'])
    expect(await roleOf(org, user)).toBe('read')
    expect(await list('joined')).toEqual([])
  })

  it('AUTH-7: inviting says nothing of who has an account, by status, shape or time', async () => {
    await makeOrganization(test, 'probing', ada)
    const shapes: string[] = []
    const times: Record<string, number[]> = { known: [], unknown: [] }
    for (let i = 0; i < 12; i++) {
      const known = await makeUser(test, `known-${i}`)
      for (const [kind, address] of [
        ['known', known.email],
        ['unknown', `unknown-${i}@example.org`],
      ] as const) {
        const begun = performance.now()
        const answered = await invite('probing', address, 'read')
        times[kind]?.push(performance.now() - begun)
        expect(answered.status).toBe(201)
        shapes.push(Object.keys(answered.json<object>()).join())
      }
    }
    expect(new Set(shapes).size).toBe(1)
    const median = (all: number[] = []) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
    const [known, unknown] = [median(times.known), median(times.unknown)]
    expect(Math.max(known, unknown)).toBeLessThan(Math.min(known, unknown) * 3 + 10)
  })

  it('one address has one at a time; it is sent again, withdrawn, and expires', async () => {
    const org = await makeOrganization(test, 'once', ada)
    const user = await makeUser(test, 'twice', { password })
    await invite('once', user.email)
    const first = await mailed(user.email)
    expect((await invite('once', user.email.replace('example', 'EXAMPLE'))).status).toBe(409)
    const id = (await list('once'))[0]?.id ?? ''
    await ask('POST', `/api/organizations/once/invitations/${id}/resend`, { token })
    const second = await mailed(user.email, 2)
    const cookie = await signInAs(test, user)
    expect((await answer('accept', cookie, first)).status).toBe(410)
    expect((await ask('GET', `/invitations/${second}`)).status).toBe(200)
    expect((await ask('DELETE', `/api/organizations/once/invitations/${id}`, { token })).status).toBe(204)
    expect((await ask('DELETE', `/api/organizations/once/invitations/${id}`, { token })).status).toBe(404)
    expect((await answer('accept', cookie, second)).status).toBe(410)
    await invite('once', user.email)
    const third = await mailed(user.email, 3)
    await test.hub.transaction((tx) =>
      tx.updateTable('invitation').set({ expiresAt: 1 }).where('organizationId', '=', org.id).execute(),
    )
    expect((await answer('accept', cookie, third)).status).toBe(410)
    // One that is too old is in nobody's way.
    expect((await invite('once', user.email)).status).toBe(201)
    const fourth = await mailed(user.email, 4)
    expect((await answer('decline', cookie, fourth)).status).toBe(303)
    expect(await roleOf(org, user)).toBeNull()
    expect((await events(org)).at(-1)).toBe('org.invite.decline')
  })

  it('are made, seen and withdrawn by administrators alone, and of their organization alone', async () => {
    const user = await makeUser(test, 'writer')
    await makeOrganization(test, 'guarded', ada, { writer: 'write' })
    await makeOrganization(test, 'elsewhere', ada)
    const value = await makeToken(test, user, { role: 'write' })
    const { id } = (await invite('guarded', 'x@example.org')).json<{ id: string }>()
    for (const [method, path] of [
      ['GET', ''],
      ['POST', ''],
      ['POST', `/${id}/resend`],
      ['DELETE', `/${id}`],
    ] as const) {
      const at = `/api/organizations/guarded/invitations${path}`
      const how = method === 'POST' && path === '' ? { body: { email: 'y@example.org' } } : {}
      expect((await ask(method, at, { token: value, ...how })).status, `${method} ${path}`).toBe(403)
      expect((await ask(method, at, how)).status).toBe(401)
    }
    // The story: an administrator of another organization guesses the id.
    expect((await ask('DELETE', `/api/organizations/elsewhere/invitations/${id}`, { token })).status).toBe(404)
    expect((await ask('POST', `/api/organizations/elsewhere/invitations/${id}/resend`, { token })).status).toBe(404)
    expect((await invite('guarded', 'no address')).status).toBe(422)
  })

  it('SEAT-4: at the limit nobody is invited, and of two who accept at once the last seat goes to one', async () => {
    const org = await makeOrganization(test, 'tight', ada)
    const [left, right] = [await makeUser(test, 'left', { password }), await makeUser(test, 'right', { password })]
    await invite('tight', left.email)
    await invite('tight', right.email)
    const links = [await mailed(left.email), await mailed(right.email)]
    const boss = await makeUser(test, 'boss', { password, isAdmin: true })
    const hubAdmin = await signInAs(test, boss)
    const limit = (value: number | null, cookie = hubAdmin) =>
      ask('PUT', '/api/organizations/tight/seats', { cookie, body: { limit: value } })
    expect((await limit(2, await signInAs(test, ada))).status).toBe(403)
    expect((await limit(2)).status).toBe(200)
    const cookies = [await signInAs(test, left), await signInAs(test, right)]
    const answers = await Promise.all(links.map((link, at) => answer('accept', cookies[at] ?? '', link)))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409])
    const members = await ask('GET', '/api/organizations/tight/members', { token })
    expect(members.json<unknown[]>()).toHaveLength(2)
    const refused = await invite('tight', 'third@example.org')
    expect(refused.status).toBe(409)
    expect(refused.json()).toMatchObject({ code: 'seats_full' })
    await makeUser(test, 'fourth')
    const added = await ask('POST', '/api/organizations/tight/members', { token, body: { user: 'fourth' } })
    expect(added.json()).toMatchObject({ code: 'seats_full' })
    // A limit below the number of members removes nobody.
    expect((await limit(1)).status).toBe(200)
    expect((await ask('GET', '/api/organizations/tight/members', { token })).json<unknown[]>()).toHaveLength(2)
    // The one who came too late still has the invitation, for when there is room.
    await limit(3)
    const late = answers[0]?.status === 409 ? 0 : 1
    expect((await answer('accept', cookies[late] ?? '', links[late] ?? '')).status).toBe(303)
    expect(await roleOf(org, late === 0 ? left : right)).toBe('read')
    await limit(null)
    expect((await invite('tight', 'third@example.org')).status).toBe(201)
  })

  it('do not mail one address again and again', async () => {
    await makeOrganization(test, 'spammer', ada)
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) {
      const made = await invite('spammer', 'victim@example.org')
      statuses.push(made.status)
      const { id } = made.json<{ id?: string }>()
      if (id !== undefined) await ask('DELETE', `/api/organizations/spammer/invitations/${id}`, { token })
    }
    expect(statuses.slice(0, 4)).toEqual([201, 201, 201, 201])
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('without a mail server', () => {
  let test: TestHub
  let ask: Ask
  let ada: TestUser
  beforeAll(async () => {
    test = await startHubOn('sqlite', { env: { HOLDFAST_SIGN_UP: 'invite' } })
    ask = asking(test)
    ada = await makeUser(test, 'ada', { password })
  })
  afterAll(() => test.stop())

  it('the administrator sees the link once, and who was handed it joins and accepts with it', async () => {
    await makeOrganization(test, 'handed', ada)
    const admin = await signInAs(test, ada)
    const here = '/organizations/handed/settings/invitations'
    const shown = await ask('POST', here, { cookie: admin, form: { email: 'grace@example.org', role: 'write' } })
    expect(shown.status).toBe(200)
    expect(shown.headers.get('cache-control')).toBe('no-store')
    const secret = secretIn(shown.text)
    expect(secret).not.toBe('')
    expect((await ask('GET', here, { cookie: admin })).text).not.toContain(secret)
    const joined = await ask('POST', '/join', { form: { username: 'grace', email: '', password, link: secret } })
    expect(joined.headers.get('location')).toBe(`/invitations/${secret}`)
    const cookie =
      joined.headers
        .getSetCookie()
        .find((value) => value.startsWith('token='))
        ?.split(';')[0] ?? ''
    expect((await ask('GET', `/invitations/${secret}`, { cookie })).text).toContain('action="/invitations/accept"')
    expect((await ask('POST', '/invitations/accept', { cookie, form: { link: secret } })).status).toBe(303)
    const me = await ask('GET', '/api/organizations/handed/settings', { cookie })
    expect(me.status).toBe(200)
  })
})
