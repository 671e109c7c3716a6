/** Idea 8 of behaviours.md, section 4: the weekly mail about tokens that need attention, through a real SMTP connection, on both databases. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase } from '../../../tests/support/databases.ts'
import { watchPlans } from '../../../tests/support/plans.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { turnSwitch } from '../accounts/token-mail-queries.ts'
import { administeredNow } from '../organizations/service.ts'
import { composeTokenMail } from './compose.ts'
import { endOfWindow, listCandidates, markTold } from './queries.ts'
import { tokenMailJobs } from './service.ts'

const dayMs = 86_400_000
const password = 'a long enough sentence'

describe.each(dialects)('the weekly mail about tokens (idea 8) on %s', (dialect) => {
  let sink: SmtpSink
  let running: TestHub
  let ada: TestUser
  let bob: TestUser

  beforeAll(async () => {
    sink = await startSmtpSink()
    running = await startHubOn(dialect, { env: { HOLDFAST_SMTP_URL: sink.url } })
    ada = await makeUser(running, 'ada', { password })
    bob = await makeUser(running, 'bob', { password })
    await makeUser(running, 'cleo', { password })
    await makeOrganization(running, 'acme', ada, { bob: 'write' })
  })
  afterAll(async () => {
    await running.stop()
    await sink.stop()
  })
  beforeEach(async () => {
    await running.hub.transaction(async (tx) => {
      await tx.deleteFrom('accessToken').execute()
      await tx.deleteFrom('tokenMail').execute()
      await tx.updateTable('email').set({ verifiedAt: Date.now() }).execute()
    })
  })

  const set = (value: string, change: Record<string, number | string>) =>
    running.hub.transaction((tx) =>
      tx.updateTable('accessToken').set(change).where('last4', '=', value.slice(-4)).execute(),
    )
  const unused = async (user: TestUser, name: string) => {
    const value = await makeToken(running, user, { role: 'read', name, expiresAt: Date.now() + 300 * dayMs })
    await set(value, { createdAt: Date.now() - 200 * dayMs, lastUsedAt: Date.now() - 120 * dayMs })
    return value
  }
  const never = new AbortController().signal
  const job = async (queue: string, payload: unknown, signal = never) => {
    await tokenMailJobs(running.hub)[queue]?.(payload, signal)
  }
  const run = (signal = never) => job('token-mail-run', { after: '' }, signal)
  /** No job that was left waits or is under way any more. */
  const settled = async () => {
    for (let i = 0; i < 400; i++) {
      const rows = await running.hub.db.read
        .selectFrom('job')
        .select('id')
        .where('queue', '=', 'token-mail')
        .where('state', '<>', 'dead')
        .execute()
      if (rows.length === 0) return
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    throw new Error('Mail jobs are still waiting.')
  }
  const mailed = async (act: () => Promise<unknown>) => {
    const before = sink.mails.length
    await act()
    await settled()
    return sink.mails.slice(before)
  }
  const linkOf = async (user: TestUser) => {
    const mail = await composeTokenMail(running.hub, user.id)
    const link = /<(.*)>/.exec(mail?.headers?.['List-Unsubscribe'] ?? '')?.[1] ?? ''
    return new URL(new URL(link).pathname + new URL(link).search, running.url)
  }
  const offAt = async (user: TestUser) =>
    (await running.hub.db.read.selectFrom('tokenMail').select('offAt').where('userId', '=', user.id).executeTakeFirst())
      ?.offAt ?? null

  test('one mail a person: own tokens by name, an organization’s as its page tells them; nothing where all is well', async () => {
    const value = await unused(bob, 'old-notebook')
    const mails = await mailed(() => run())
    expect(mails.map(({ to }) => to).sort()).toEqual(['ada@example.org', 'bob@example.org'])
    const { text: toBob, headers } = mails.find(({ to }) => to === 'bob@example.org') ?? { text: '', headers: '' }
    expect(toBob).toContain('"old-notebook"')
    expect(toBob).toContain(value.slice(-4))
    expect(toBob).toContain('/settings/tokens/radar')
    expect(headers).toMatch(/List-Unsubscribe:\s+<http\S+\/token-mail\/off\?person=\w+&signature=[0-9a-f]{64}>/)
    expect(headers).toMatch(/List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n/)
    expect(toBob).not.toContain('acme')
    const toAda = mails.find(({ to }) => to === 'ada@example.org')?.text ?? ''
    expect(toAda).toContain('acme: 1 token needs attention')
    expect(toAda).toContain('of bob: Not used for more than 90 days')
    // The page names a person's token only where tokens need approval.
    expect(toAda).not.toContain('old-notebook')
    expect(toAda + toBob).not.toContain(value.slice(3, -4))
  })

  test('a token that never expires is alone no reason for a mail, nor is one that is new', async () => {
    const endless = await makeToken(running, bob, { role: 'write' })
    await set(endless, { createdAt: Date.now() - 200 * dayMs, lastUsedAt: Date.now() - dayMs })
    await makeToken(running, bob, { role: 'read', expiresAt: Date.now() + 300 * dayMs })
    expect(await mailed(() => run())).toEqual([])
  })

  test('at most twenty lines, and how many there are', async () => {
    for (let i = 0; i < 25; i++) await unused(bob, `t${i}`)
    const text = (await composeTokenMail(running.hub, bob.id))?.text ?? ''
    expect(text).toContain('25 things need attention')
    expect(text.match(/^- "/gm)).toHaveLength(20)
  })

  // Story: the process ends after a run marked people and before its job was done, so the job is run again; and two processes run it at once.
  test('story: a run that is repeated after a crash, or run twice at once, writes to nobody twice and skips nobody', async () => {
    await unused(bob, 'old')
    await unused(ada, 'older')
    const mails = await mailed(async () => {
      await Promise.all([run(), run()])
      await run()
    })
    expect(mails.map(({ to }) => to).sort()).toEqual(['ada@example.org', 'bob@example.org'])
    // A week later they are told again.
    await running.hub.transaction((tx) =>
      tx
        .updateTable('tokenMail')
        .set({ toldAt: Date.now() - 7 * dayMs })
        .execute(),
    )
    expect(await mailed(() => run())).toHaveLength(2)
  })

  test('a run that is told to stop leaves the rest to another', async () => {
    await unused(bob, 'old')
    const before = sink.mails.length
    const stop = new AbortController()
    stop.abort()
    await run(stop.signal)
    await sink.received(before + 2)
    await settled()
    expect(sink.mails.slice(before).map(({ to }) => to)).toContain('bob@example.org')
  })

  test('nothing goes to an address that is not verified, nor to a deactivated account', async () => {
    await unused(bob, 'old')
    await running.hub.transaction((tx) => tx.updateTable('email').set({ verifiedAt: null }).execute())
    expect(await mailed(() => run())).toEqual([])
    await job('token-mail', { userId: bob.id })
    await running.hub.transaction(async (tx) => {
      await tx.updateTable('email').set({ verifiedAt: Date.now() }).execute()
      await tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', bob.id).execute()
    })
    try {
      expect((await mailed(() => run())).map(({ to }) => to)).not.toContain('bob@example.org')
      expect(await composeTokenMail(running.hub, bob.id)).toBeNull()
    } finally {
      await running.hub.transaction((tx) => tx.updateTable('user').set({ state: 'active' }).execute())
    }
  })

  // Story: an administrator is shown the door while the weekly mail already waits for a slow mail server.
  test('story: an administrator who lost the role between the run and the mail learns nothing of the organization', async () => {
    await unused(bob, 'old')
    expect((await composeTokenMail(running.hub, ada.id))?.text).toContain('acme')
    const role = (to: 'admin' | 'read') =>
      running.hub.transaction((tx) =>
        tx.updateTable('roleGrant').set({ role: to }).where('principalId', '=', ada.id).execute(),
      )
    await role('read')
    try {
      expect(await mailed(() => job('token-mail', { userId: ada.id }))).toEqual([])
    } finally {
      await role('admin')
    }
  })

  // Story: somebody names a token so that an administrator's mail gets a header, a line of its own, or text that runs backwards.
  test('story: a token’s name makes no header and no line of the mail', async () => {
    const value = await unused(bob, 'x')
    await set(value, { name: 'x"\r\nBcc: eve@example.org\r\n\r\nYour account is locked\u2028Open\u202ehttp://evil' })
    const [mail] = (await mailed(() => run())).filter(({ to }) => to === 'bob@example.org')
    expect(mail?.text).not.toMatch(/^\s*(Bcc|Your account|Open)/m)
    const text = (await composeTokenMail(running.hub, bob.id))?.text ?? ''
    expect(text.match(/[\r\u2028\u202e]/)).toBeNull()
    expect(sink.mails.map(({ to }) => to)).not.toContain('eve@example.org')
  })

  test('the link: opened by a scanner it changes nothing, pressed it switches off, twice as once; the mail provider needs no cookie or Origin', async () => {
    await unused(bob, 'old')
    const link = await linkOf(bob)
    const looked = await fetch(link)
    expect(looked.status).toBe(200)
    expect(await looked.text()).toContain('Switch this mail off')
    expect((await fetch(link, { method: 'HEAD' })).status).toBe(200)
    expect(await offAt(bob)).toBeNull()
    const press = () =>
      fetch(link, {
        method: 'POST',
        headers: { origin: 'https://mail.example.com', 'sec-fetch-site': 'cross-site' },
        body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
      })
    const pressed = await press()
    expect(pressed.status).toBe(200)
    expect(await pressed.text()).toContain('is switched off')
    const since = await offAt(bob)
    expect(since).not.toBeNull()
    expect((await press()).status).toBe(200)
    expect(await offAt(bob)).toBe(since)
    expect(await offAt(ada)).toBeNull()
    expect((await mailed(() => run())).map(({ to }) => to)).not.toContain('bob@example.org')
    expect(await mailed(() => job('token-mail', { userId: bob.id }))).toEqual([])
    const events = await running.hub.db.read
      .selectFrom('event')
      .select(['action', 'actorKind', 'data'])
      .where('resourceId', '=', bob.id)
      .where('data', 'like', '%tokenMail%')
      .execute()
    expect(events).toMatchObject([{ action: 'account.update', actorKind: 'anonymous' }])
  })

  // Story: eve has a mail of her own and wants to switch off bob's, so that he does not learn of the token she uses.
  test('story: a forged link, another person’s signature, and a link that was altered do nothing', async () => {
    await unused(bob, 'old')
    await unused(ada, 'older')
    const [good, other] = [await linkOf(bob), await linkOf(ada)]
    const forged = (change: (query: URLSearchParams) => void) => {
      const url = new URL(good)
      change(url.searchParams)
      return url
    }
    const links = [
      forged((q) => q.set('signature', other.searchParams.get('signature') ?? '')),
      forged((q) => q.set('signature', '0'.repeat(64))),
      forged((q) => q.delete('signature')),
      forged((q) => q.set('person', `${bob.id} `)),
      forged((q) => q.set('person', 'nobody')),
      forged((q) => q.append('signature', 'f'.repeat(64))),
      new URL('/settings/token-mail/off', good),
    ]
    for (const link of links) {
      for (const method of ['GET', 'POST'])
        expect((await fetch(link, { method })).status, link.href).toBeGreaterThan(399)
    }
    expect([await offAt(bob), await offAt(ada)]).toEqual([null, null])
  })

  // Story: a link from a mail that was passed on is tried for more: as a sign-in, to switch on again, to learn whose it is.
  test('story: the link opens nothing else, and does not say whose it is', async () => {
    await unused(bob, 'old')
    const link = await linkOf(bob)
    const page = await fetch(link)
    expect(page.headers.get('set-cookie')).toBeNull()
    expect(await page.text()).not.toContain('bob')
    const elsewhere = await fetch(new URL(`/settings/account${link.search}`, running.url), { redirect: 'manual' })
    expect(elsewhere.status).not.toBe(200)
    const on = await fetch(new URL(`/settings/account/token-mail${link.search}`, running.url), {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ do: 'off' }),
    })
    expect(on.status).not.toBe(200)
    expect(await offAt(bob)).toBeNull()
  })

  test('the switch in the settings: on by default, off and on again, each in the audit log; another site cannot press it', async () => {
    const cookie = await signInAs(running, bob)
    const press = (to: string, headers: Record<string, string> = {}) =>
      fetch(`${running.url}/settings/account/token-mail`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, ...headers },
        body: new URLSearchParams({ do: to }),
      })
    const shown = async () => await (await fetch(`${running.url}/settings/account`, { headers: { cookie } })).text()
    expect(await shown()).toContain('Weekly mail about tokens that need attention: on')
    expect((await press('off', { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await press('off')).status).toBe(303)
    expect(await shown()).toContain('Weekly mail about tokens that need attention: off')
    expect((await press('on')).status).toBe(303)
    expect(await offAt(bob)).toBeNull()
    const events = await running.hub.db.read
      .selectFrom('event')
      .select('data')
      .where('actorId', '=', bob.id)
      .where('data', 'like', '%tokenMail%')
      .orderBy('id')
      .execute()
    expect(events.map(({ data }) => JSON.parse(data).tokenMail)).toEqual(['off', 'on'])
  })
})

test.each(dialects)('the statements of the weekly mail (idea 8) go by indexes on %s', async (dialect) => {
  const database = await makeDatabase(dialect)
  const large = ['user', 'person', 'told', 'tokenMail', 'address', 'email', 'token', 'accessToken']
  const watched = await watchPlans(database, [...large, 'grant', 'roleGrant', 'namespace', 'window'])
  const { db, tx, plans, close } = watched
  const id = '0'.repeat(24)
  await tx
    .insertInto('user')
    .values({
      id,
      fullname: null,
      passwordHash: null,
      passwordChangedAt: null,
      isAdmin: 0,
      state: 'active',
      createdAt: 1,
      secondFactorAt: null,
    })
    .execute()
  const now = Date.now()
  const from = plans.length
  await endOfWindow(db, '', 500)
  await listCandidates(db, { after: '', last: id }, now, now - 6 * dayMs)
  expect(await markTold(tx, [id], now, now - 6 * dayMs)).toEqual([id])
  expect(await markTold(tx, [id], now, now - 6 * dayMs)).toEqual([])
  expect(await turnSwitch(tx, id, now)).toBe(true)
  expect(await turnSwitch(tx, id, now)).toBe(false)
  await administeredNow(db, id, now, 20)
  const told = plans.slice(from)
  expect(told.length).toBeGreaterThan(6)
  // The window itself is a list of at most 500 rows that an index gave.
  expect(told.filter(({ scans }) => scans.some((scan) => !/SCAN (window|\(subquery)/i.test(scan)))).toEqual([])
  await close()
  await database.remove()
})
