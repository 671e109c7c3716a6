/** What is tried against second factors. Each test opens with the story of the attack. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import {
  addApp,
  addPasskey,
  askPasskey,
  beginApp,
  beginSignIn,
  codeAt,
  cookieOf,
  postForm,
  signInWithCode,
} from '../../../tests/support/factors.ts'
import { SoftwarePasskey } from '../../../tests/support/software-passkey.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { systemClock } from '../../platform/clock.ts'
import { deactivateUser, makeResetLink } from '../accounts/service.ts'

const password = 'a long enough sentence'
const hour = 3_600_000

describe.each(dialects)('attacks on second factors on %s', (dialect) => {
  let time = Date.now()
  let site: TestHub
  let people = 0
  beforeAll(async () => {
    site = await startHubOn(dialect, { clock: systemClock(() => time) })
  })
  afterAll(() => site.stop())
  // Each story begins a day later, with no attempt counted against the address that all tests share.
  beforeEach(async () => {
    time += 25 * hour
    await site.hub.transaction(async (tx) => {
      await tx.deleteFrom('throttle').execute()
    })
  })

  async function somebody(): Promise<{ user: TestUser; cookie: string }> {
    const user = await makeUser(site, `noa-${++people}`, { password })
    return { user, cookie: await signInAs(site, user) }
  }
  const nextCode = (secret: string): string => {
    time += 30_000
    return codeAt(secret, time)
  }
  const secondStep = (form: Record<string, string>, pending: string) =>
    postForm(site, '/login/second-factor', form, pending)
  const whoami = async (cookie: string) => (await fetch(`${site.url}/api/whoami-v2`, { headers: { cookie } })).status
  const signedIn = (answers: readonly Response[]) => answers.filter((answer) => cookieOf(answer, 'token') !== '').length

  it('a code that was looked at over the shoulder does not work again, not even at the same moment', async () => {
    // Eve knows the password, sees the code being typed, and sends it in the same second.
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    // The code of the setup is used up by it.
    const atOnce = await secondStep({ code: codeAt(secret, time) }, await beginSignIn(site, user))
    expect(signedIn([atOnce])).toBe(0)
    const code = nextCode(secret)
    const waiting = await Promise.all(Array.from({ length: 6 }, () => beginSignIn(site, user)))
    const answers = await Promise.all(waiting.map((pending) => secondStep({ code }, pending)))
    expect(signedIn(answers)).toBe(1)
    expect(signedIn([await secondStep({ code }, await beginSignIn(site, user))])).toBe(0)
    // An older code that was never used counts no more either, once a newer one was.
    expect(signedIn([await secondStep({ code: codeAt(secret, time - 30_000) }, await beginSignIn(site, user))])).toBe(0)
  })

  it('a recovery code that many send at once lets one in', async () => {
    // Eve found the printed codes, and races the owner with the first one.
    const { user, cookie } = await somebody()
    const { codes } = await addApp(site, cookie, time)
    const waiting = await Promise.all(Array.from({ length: 5 }, () => beginSignIn(site, user)))
    const answers = await Promise.all(waiting.map((pending) => secondStep({ recovery: codes[0] ?? '' }, pending)))
    expect(signedIn(answers)).toBe(1)
  })

  it('codes cannot be guessed: five for each sign-in, then longer and longer waits for the account', async () => {
    // Eve knows the password and tries all million codes, from many addresses and over many sign-ins, in parallel.
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    time += 60_000
    const right = codeAt(secret, time)
    const wrong = ['000000', '111111', '222222', '333333', '444444', '555555'].filter((code) => code !== right)
    const first = await beginSignIn(site, user)
    const parallel = await Promise.all(
      Array.from({ length: 12 }, (_, index) => secondStep({ code: wrong[index % 5] ?? '' }, first)),
    )
    const judged = parallel.filter((answer) => answer.status === 403).length
    expect([judged, parallel.filter((answer) => answer.status === 410).length]).toEqual([5, 7])
    // Even the right one does not save this sign-in any more.
    expect((await secondStep({ code: right }, first)).status).toBe(410)
    let status = 403
    let tried = judged
    while (status === 403 && tried < 40) {
      const pending = await beginSignIn(site, user)
      for (let of = 0; of < 5 && status === 403; of++) {
        status = (await secondStep({ code: wrong[of] ?? '' }, pending)).status
        if (status === 403) tried++
      }
    }
    expect([status, tried]).toEqual([429, 10])
    const blocked = await secondStep({ code: right }, await beginSignIn(site, user))
    expect(blocked.status).toBe(429)
    expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0)
    // In six hours of trying, the waits leave fewer than forty guesses of a million.
    let guesses = 0
    const begun = time
    while (time - begun < 6 * hour) {
      const answer = await secondStep({ code: wrong[guesses % 5] ?? '' }, await beginSignIn(site, user))
      if (answer.status === 403) guesses++
      else time += Number(answer.headers.get('retry-after') ?? 1) * 1_000
    }
    expect(guesses).toBeLessThan(40)
    const counted = await site.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('ownerId', '=', user.id)
      .where('action', '=', 'account.second_factor.refuse')
      .execute()
    expect(counted.length).toBe(tried + guesses)
    expect(counted.every((event) => event.data === '{"method":"code"}')).toBe(true)
  }, 120_000)

  it('a sign-in that waits for one account takes nothing of another', async () => {
    // Eve has an account with factors of her own, and the password of Mara. She answers Mara's second step with what is hers.
    const mara = await somebody()
    await addApp(site, mara.cookie, time)
    await addPasskey(site, mara.cookie)
    const eve = await somebody()
    const app = await addApp(site, eve.cookie, time)
    const passkey = await addPasskey(site, eve.cookie)
    const pending = await beginSignIn(site, mara.user)
    const answers = [
      await secondStep({ code: nextCode(app.secret) }, pending),
      await secondStep({ recovery: app.codes[0] ?? '' }, pending),
      await secondStep({ response: await askPasskey(site, passkey, '/login/second-factor', pending) }, pending),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([403, 403, 403])
    expect(signedIn(answers)).toBe(0)
    // And what Eve's passkey answers in her own sign-in does not open Mara's.
    const own = await beginSignIn(site, eve.user)
    const response = await askPasskey(site, passkey, '/login/second-factor', own)
    expect(signedIn([await secondStep({ response }, pending)])).toBe(0)
    expect(signedIn([await secondStep({ response }, own)])).toBe(1)
  })

  it('a sign-in that waits ends after five minutes, with its use, and with the password that began it', async () => {
    // Eve finds a pending cookie in a backup of a browser, a day later; another one she began with a password that was changed since.
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    const late = await beginSignIn(site, user)
    time += 5 * 60_000
    expect((await secondStep({ code: codeAt(secret, time) }, late)).status).toBe(410)
    const used = await beginSignIn(site, user)
    expect(signedIn([await secondStep({ code: nextCode(secret) }, used)])).toBe(1)
    expect((await secondStep({ code: nextCode(secret) }, used)).status).toBe(410)
    const before = await beginSignIn(site, user)
    const link = await makeResetLink(
      site.hub,
      systemGrant('user.make_link', { on: 'instance' }, 'tests'),
      systemOrigin,
      user.name,
    )
    await postForm(site, '/password-reset/set', { link: link.slice(-43), password: 'quite another sentence' })
    expect((await secondStep({ code: nextCode(secret) }, before)).status).toBe(410)
    expect((await secondStep({ code: nextCode(secret) }, '')).status).toBe(410)
  })

  it('a deactivated account finishes no sign-in', async () => {
    // Eve is let go while her sign-in waits for the code, or comes with her passkey.
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    const passkey = await addPasskey(site, cookie)
    const pending = await beginSignIn(site, user)
    await deactivateUser(site.hub, systemGrant('user.deactivate', { on: 'instance' }, 'tests'), systemOrigin, user.name)
    expect((await secondStep({ code: nextCode(secret) }, pending)).status).toBe(410)
    const alone = await postForm(site, '/login/passkey', {
      response: await askPasskey(site, passkey, '/login/passkey'),
    })
    expect(signedIn([alone])).toBe(0)
  })

  it('what a passkey answered counts once, here and for nothing else', async () => {
    // Eve records what Mara's browser sends, and sends it again: to the same address, to others, and at the same moment.
    const { user, cookie } = await somebody()
    const passkey = await addPasskey(site, cookie)
    const alone = await askPasskey(site, passkey, '/login/passkey')
    const race = await Promise.all(
      Array.from({ length: 4 }, () => postForm(site, '/login/passkey', { response: alone })),
    )
    expect(signedIn(race)).toBe(1)
    expect(signedIn([await postForm(site, '/login/passkey', { response: alone })])).toBe(0)
    const forConfirming = await askPasskey(site, passkey, '/login/confirm', cookie)
    expect(signedIn([await postForm(site, '/login/passkey', { response: forConfirming })])).toBe(0)
    const pending = await beginSignIn(site, user)
    const forSecondStep = await askPasskey(site, passkey, '/login/second-factor', pending)
    expect(signedIn([await postForm(site, '/login/passkey', { response: forSecondStep })])).toBe(0)
    // Of another session of the same person, too.
    const other = cookieOf(race.find((answer) => cookieOf(answer, 'token') !== '') ?? new Response(), 'token')
    time += 2 * hour
    const confirmed = await postForm(
      site,
      '/login/confirm',
      { response: await askPasskey(site, passkey, '/login/confirm', other) },
      cookie,
    )
    expect(confirmed.status).toBe(403)
    // A challenge ends after five minutes, and one that this hub did not make is none.
    const late = await askPasskey(site, passkey, '/login/passkey')
    time += 5 * 60_000 + 1
    expect(signedIn([await postForm(site, '/login/passkey', { response: late })])).toBe(0)
    const invented = { challenge: Buffer.alloc(56, 7).toString('base64url') }
    const answer = await askPasskey(site, passkey, '/login/passkey', '', invented)
    expect(signedIn([await postForm(site, '/login/passkey', { response: answer })])).toBe(0)
  })

  it('an answer made for another website, another user or without a finger is refused', async () => {
    // Eve's website looks like the hub and passes the challenge on; elsewhere she swaps what the answer says of its user.
    const { user, cookie } = await somebody()
    const passkey = await addPasskey(site, cookie)
    const eve = await somebody()
    const lies = [
      { origin: 'https://hub.evil.example' },
      { origin: `${site.url}.evil.example` },
      { relyingParty: 'evil.example' },
      { userHandle: Buffer.from(eve.user.id).toString('base64url') },
      { userHandle: '' },
      { unverified: true },
    ]
    for (const lie of lies) {
      const response = await askPasskey(site, passkey, '/login/passkey', '', lie)
      const answer = await postForm(site, '/login/passkey', { response })
      expect([lie, answer.headers.get('location'), cookieOf(answer, 'token')]).toEqual([lie, '/login', ''])
    }
    const nonsense = ['', '{}', '[]', 'null', '{"id":1}', JSON.stringify({ id: 'x'.repeat(30_000) })]
    for (const response of nonsense) {
      expect(signedIn([await postForm(site, '/login/passkey', { response })])).toBe(0)
    }
    // A signature by another key, over an honest answer.
    const stranger = new SoftwarePasskey(new URL(site.url).origin)
    const pending = await beginSignIn(site, user)
    const other = JSON.parse(await askPasskey(site, stranger, '/login/second-factor', pending))
    const id = passkey.id.toString('base64url')
    const forged = await secondStep({ response: JSON.stringify({ ...other, id, rawId: id }) }, pending)
    expect(forged.status).toBe(403)
    // Beside the password a key without a PIN is enough.
    const second = await askPasskey(site, passkey, '/login/second-factor', pending, { unverified: true })
    expect(signedIn([await secondStep({ response: second }, pending)])).toBe(1)
  })

  it('a copied authenticator gives itself away by its counter', async () => {
    // Eve copied the key of an old authenticator; the original has counted on since.
    const { cookie } = await somebody()
    const passkey = await addPasskey(site, cookie)
    const answerWith = async (counter: number) =>
      await postForm(site, '/login/passkey', {
        response: await askPasskey(site, passkey, '/login/passkey', '', { counter }),
      })
    expect(signedIn([await answerWith(10)])).toBe(1)
    expect(signedIn([await answerWith(9), await answerWith(10), await answerWith(0)])).toBe(0)
    expect(signedIn([await answerWith(11)])).toBe(1)
    // One that does not count is judged by its challenge alone.
    const other = await somebody()
    const silent = await addPasskey(site, other.cookie)
    const quiet = async () =>
      await postForm(site, '/login/passkey', {
        response: await askPasskey(site, silent, '/login/passkey', '', { counter: 0 }),
      })
    expect(signedIn([await quiet(), await quiet()])).toBe(2)
  })

  it('a passkey belongs to one account, and is made in the session that asked for it', async () => {
    // Eve enrols an answer that was made for Mara's session in hers, and registers Mara's credential under her own account.
    const mara = await somebody()
    const eve = await somebody()
    const optionsOf = async (cookie: string) =>
      (await (await fetch(`${site.url}/settings/authentication/passkeys/options`, { headers: { cookie } })).json()) as {
        challenge: string
      }
    const add = async (response: string, cookie: string) =>
      (await postForm(site, '/settings/authentication/passkeys', { name: 'Key', response }, cookie)).status
    const passkey = new SoftwarePasskey(new URL(site.url).origin)
    expect(await add(passkey.create(await optionsOf(mara.cookie)), eve.cookie)).toBe(403)
    const made = passkey.create(await optionsOf(mara.cookie))
    expect(await add(made, mara.cookie)).toBe(200)
    expect(await add(made, mara.cookie)).toBe(403)
    expect(await add(passkey.create(await optionsOf(eve.cookie)), eve.cookie)).toBe(403)
    const elsewhere = new SoftwarePasskey(new URL(site.url).origin)
    expect(
      await add(elsewhere.create(await optionsOf(eve.cookie), { origin: 'https://evil.example' }), eve.cookie),
    ).toBe(403)
    const kept = await site.hub.db.read.selectFrom('passkey').selectAll().where('userId', '=', eve.user.id).execute()
    expect(kept).toEqual([])
  })

  it('a session is never one that a stranger chose', async () => {
    // Eve plants cookies of hers in Mara's browser before Mara signs in, and uses them afterwards.
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    const planted = `token=${'A'.repeat(43)}`
    const asked = await postForm(
      site,
      '/login',
      { username: user.name, password },
      `${planted}; sign-in=${'B'.repeat(43)}`,
    )
    const pending = cookieOf(asked, 'sign-in')
    expect(pending).not.toContain('BBBB')
    const answer = await postForm(site, '/login/second-factor', { code: nextCode(secret) }, `${planted}; ${pending}`)
    const session = cookieOf(answer, 'token')
    expect(session).not.toBe(planted)
    expect([await whoami(planted), await whoami(session)]).toEqual([401, 200])
    expect(answer.headers.getSetCookie().some((value) => value.startsWith('sign-in=;'))).toBe(true)
    // Eve's own session, planted likewise, ends with Mara's sign-in.
    const eve = await somebody()
    const over = await postForm(
      site,
      '/login/second-factor',
      { code: nextCode(secret) },
      `${eve.cookie}; ${await beginSignIn(site, user)}`,
    )
    expect(over.status).toBe(303)
    expect(await whoami(eve.cookie)).toBe(401)
  })

  it('a stolen session switches no factor off, and adds none', async () => {
    // Eve copied the cookie of a session of yesterday. She wants to stay: her own passkey in, the app out, new recovery codes.
    const { user, cookie } = await somebody()
    const { secret } = await addApp(site, cookie, time)
    const passkey = await addPasskey(site, cookie)
    const { id } = await site.hub.db.read
      .selectFrom('passkey')
      .select('id')
      .where('credentialId', '=', passkey.id.toString('base64url'))
      .executeTakeFirstOrThrow()
    const stolen = await signInWithCode(site, user, nextCode(secret))
    time += 24 * hour
    const tries: [string, Record<string, string>][] = [
      ['/settings/authentication/app/remove', {}],
      [`/settings/authentication/passkeys/${id}/remove`, {}],
      ['/settings/authentication/recovery-codes', {}],
      ['/settings/authentication/app/start', {}],
      ['/settings/authentication/app', { code: nextCode(secret) }],
      ['/settings/authentication/passkeys', { name: 'Mine', response: '{}' }],
    ]
    const statuses = []
    for (const [path, form] of tries) statuses.push((await postForm(site, path, form, stolen)).status)
    expect(statuses).toEqual([403, 403, 403, 403, 403, 403])
    const options = await fetch(`${site.url}/settings/authentication/passkeys/options`, {
      headers: { cookie: stolen },
      redirect: 'manual',
    })
    expect(options.status).toBe(303)
    // Knowing the password does not help, and guessing codes is counted with all other guesses.
    expect((await postForm(site, '/login/confirm', { password }, stolen)).status).toBe(403)
    const guesses = []
    for (let guess = 0; guess < 12; guess++) {
      guesses.push((await postForm(site, '/login/confirm', { code: `00000${guess % 10}` }, stolen)).status)
    }
    expect(guesses.slice(-2)).toEqual([429, 429])
    const row = await site.hub.db.read.selectFrom('user').selectAll().where('id', '=', user.id).executeTakeFirst()
    expect(row?.secondFactorAt).not.toBeNull()
    // Fresh or not, another person's passkey is not there.
    const eve = await somebody()
    const foreign = await postForm(site, `/settings/authentication/passkeys/${id}/remove`, {}, eve.cookie)
    expect(foreign.status).toBe(404)
  })

  it('a token reaches no second factor, whatever its role, and another website sends no form', async () => {
    // Eve has a write token from a leaked notebook; elsewhere a website of hers posts forms from Mara's browser.
    const { user, cookie } = await somebody()
    await addApp(site, cookie, time)
    const authorization = `Bearer ${await makeToken(site, user, { role: 'write' })}`
    for (const path of ['/settings/authentication', '/settings/authentication/app', '/login/confirm']) {
      expect((await fetch(`${site.url}${path}`, { headers: { authorization }, redirect: 'manual' })).status).toBe(403)
    }
    const removing = await postForm(site, '/settings/authentication/app/remove', {}, '', { authorization })
    expect(removing.status).toBe(403)
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const pending = await beginSignIn(site, user)
    for (const [path, jar] of [
      ['/settings/authentication/app/remove', cookie],
      ['/login/confirm', cookie],
      ['/login/second-factor', pending],
      ['/login/passkey', ''],
    ] as const) {
      expect([path, (await postForm(site, path, { code: '123456' }, jar, foreign)).status]).toEqual([path, 403])
    }
  })

  it('what is added and taken away at the same moment leaves account and factors in step', async () => {
    // Eve presses two buttons at once, hoping that one of two last factors is still counted when it is gone, or that codes come twice.
    const { user, cookie } = await somebody()
    const state = async () => {
      const count = async (table: 'passkey' | 'recoveryCode' | 'totpSecret') =>
        (await site.hub.db.read.selectFrom(table).selectAll().where('userId', '=', user.id).execute()).length
      const row = await site.hub.db.read.selectFrom('user').selectAll().where('id', '=', user.id).executeTakeFirst()
      return {
        isOn: row?.secondFactorAt !== null,
        passkeys: await count('passkey'),
        apps: await count('totpSecret'),
        codes: await count('recoveryCode'),
      }
    }
    for (let round = 0; round < 3; round++) {
      const secret = await beginApp(site, cookie)
      const adding = await Promise.all([
        postForm(site, '/settings/authentication/app', { code: codeAt(secret, time) }, cookie),
        addPasskey(site, cookie, 'one'),
        addPasskey(site, cookie, 'two'),
      ])
      expect(adding[0].status).toBeLessThan(400)
      expect(await state()).toEqual({ isOn: true, passkeys: 2, apps: 1, codes: 10 })
      const passkeys = await site.hub.db.read.selectFrom('passkey').select('id').where('userId', '=', user.id).execute()
      const removing = await Promise.all([
        postForm(site, '/settings/authentication/app/remove', {}, cookie),
        ...passkeys.map(({ id }) => postForm(site, `/settings/authentication/passkeys/${id}/remove`, {}, cookie)),
      ])
      expect(removing.map(({ status }) => status)).toEqual([303, 303, 303])
      expect(await state()).toEqual({ isOn: false, passkeys: 0, apps: 0, codes: 0 })
    }
  })

  it('the setup of an app is counted and ends, and its secret opens for nobody else', async () => {
    // Eve has a fresh session for a moment and tries codes of a setup that Mara began; she also moves the row to her own account.
    const mara = await somebody()
    const secret = await beginApp(site, mara.cookie)
    const statuses = []
    for (let guess = 0; guess < 11; guess++) {
      const wrong = codeAt(secret, time + 10 * hour)
      statuses.push((await postForm(site, '/settings/authentication/app', { code: wrong }, mara.cookie)).status)
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([403, 429])
    time += 16 * 60_000
    const late = await postForm(site, '/settings/authentication/app', { code: codeAt(secret, time) }, mara.cookie)
    expect(late.headers.get('location')).toBe('/settings/authentication')
    const row = await site.hub.db.read
      .selectFrom('totpSecret')
      .select('secret')
      .where('userId', '=', mara.user.id)
      .executeTakeFirstOrThrow()
    expect(site.hub.keys.decrypt('totp-secret', row.secret, mara.user.id)).toBe(secret)
    expect(() => site.hub.keys.decrypt('totp-secret', row.secret, 'eve')).toThrow()
  })
})
