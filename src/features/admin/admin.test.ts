/** The administration of a hub in the browser: who may, what each form does, and what it refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'
import { routes } from '../index.ts'

const password = 'a long enough sentence'
const minute = 60_000

describe.each(dialects)('administration on %s', (dialect) => {
  let site: TestHub
  let ada: TestUser
  let bob: TestUser
  let admin: string
  let person: string
  let token: string
  let now = Date.now()

  beforeAll(async () => {
    site = await startHubOn(dialect, { clock: systemClock(() => now) })
    ada = await makeUser(site, 'ada', { password, isAdmin: true })
    bob = await makeUser(site, 'bob', { password })
    await makeOrganization(site, 'acme', bob)
    token = await makeToken(site, ada, { role: 'write' })
    admin = await signInAs(site, ada)
    person = await signInAs(site, bob)
  }, 60_000)
  afterAll(async () => await site?.stop())

  async function get(path: string, cookie: string | null = admin): Promise<{ status: number; text: string }> {
    const response = await fetch(site.url + path, {
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie === null ? {} : { cookie }) },
    })
    return { status: response.status, text: await response.text() }
  }

  async function post(
    path: string,
    body: Readonly<Record<string, string>> = {},
    how: { cookie?: string; origin?: string; bearer?: string } = {},
  ): Promise<{ status: number; text: string; location: string | null; setCookie: string[] }> {
    const response = await fetch(site.url + path, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        origin: how.origin ?? site.url,
        ...(how.bearer === undefined ? { cookie: how.cookie ?? admin } : { authorization: `Bearer ${how.bearer}` }),
      },
      body: new URLSearchParams(body),
    })
    const { status, headers } = response
    return { status, text: await response.text(), location: headers.get('location'), setCookie: headers.getSetCookie() }
  }

  const events = async (action: string) =>
    await site.hub.db.read.selectFrom('event').select('data').where('action', '=', action).orderBy('id').execute()

  const pages = [
    '/admin',
    '/admin/users',
    '/admin/organizations',
    '/admin/jobs',
    '/admin/scanners',
    '/admin/storage',
    '/admin/settings',
    '/admin/announcements',
  ]

  // The attack: somebody who is no administrator opens the pages by their addresses, or a token of one that leaked does.
  test('story: every page and form is for administrators of the hub in a session alone', async () => {
    for (const path of pages) {
      expect((await get(path)).status, path).toBe(200)
      expect((await get(path, person)).status, path).toBe(403)
      expect((await get(path, null)).status, path).toBe(303)
      const byToken = await fetch(site.url + path, { headers: { authorization: `Bearer ${token}` } })
      expect(byToken.status, path).toBe(403)
      await byToken.arrayBuffer()
    }
    const forms = routes.filter(({ method, path }) => method === 'POST' && path.startsWith('/admin/'))
    expect(forms.length).toBeGreaterThan(12)
    for (const { path } of forms) {
      const body = { user: 'ada', confirm: 'ada', id: 'x', organization: 'acme', content: '0'.repeat(64), text: 'x' }
      expect((await post(path, body, { cookie: person })).status, path).toBe(403)
      expect((await post(path, body, { bearer: token })).status, path).toBe(403)
      // The attack: a page elsewhere sends the form with the cookies of whoever looks at it.
      expect((await post(path, body, { origin: 'https://evil.example' })).status, path).toBe(403)
    }
  })

  test('users: found by the beginning of a name or by an address, and paged by name', async () => {
    expect((await get('/admin/users')).text).toContain('>bob</a>')
    const found = (await get('/admin/users?search=BO')).text
    expect(found).toContain('>bob</a>')
    expect(found).not.toContain('>ada</a>')
    expect((await get('/admin/users?search=ada@example.org')).text).toContain('>ada</a>')
    expect((await get('/admin/users?search=nobody')).text).toContain('Nobody found')
    expect((await get('/admin/users?after=ada')).text).not.toContain('>ada</a>')
  })

  test('an administrator is made by typing the name, and the last one stays', async () => {
    const refused = await post('/admin/users/make-admin', { user: 'bob', confirm: 'bub' })
    expect([refused.status, refused.text.includes('Type bob to confirm.')]).toEqual([422, true])
    expect((await post('/admin/users/make-admin', { user: 'bob', confirm: 'bob' })).status).toBe(303)
    expect((await get('/admin', person)).status).toBe(200)
    expect((await post('/admin/users/unmake-admin', { user: 'bob' })).status).toBe(303)
    expect((await get('/admin', person)).status).toBe(403)
    const last = await post('/admin/users/unmake-admin', { user: 'ada' })
    expect(last.status).toBeGreaterThanOrEqual(400)
    expect((await get('/admin')).status).toBe(200)
    expect((await events('user.set_admin')).map(({ data }) => data)).toHaveLength(2)
    expect((await post('/admin/users/make-admin', { user: 'ghost', confirm: 'ghost' })).status).toBe(404)
  })

  test('an account is deactivated and activated; what is orphaned by it is named', async () => {
    const stopped = await post('/admin/users/deactivate', { user: 'bob' })
    expect(stopped.location).toBe('/admin/users?search=bob')
    expect(notice(stopped.setCookie)).toContain('Nobody else administers: acme.')
    expect((await get('/settings/profile', person)).status).toBe(303)
    expect((await post('/admin/users/activate', { user: 'bob' })).status).toBe(303)
    person = await signInAs(site, bob)
  })

  // The attack: who finds an open browser of an administrator makes a link that takes over any account.
  test('story: a link for a new password needs a recent sign-in, is shown once and stored nowhere', async () => {
    const made = await post('/admin/users/link', { user: 'bob' })
    expect(made.status).toBe(200)
    const link = /http[^\s<]*\/password-reset\/[\w-]+/.exec(made.text)?.[0] ?? ''
    expect(link).not.toBe('')
    expect((await get(new URL(link).pathname, null)).status).toBe(200)
    const later = now
    now += 2 * 60 * minute
    for (const act of ['link', 'make-admin', 'unmake-admin', 'reset-factors']) {
      const stale = await post(`/admin/users/${act}`, { user: 'bob', confirm: 'bob' })
      expect([act, stale.status, stale.text.includes('/password-reset/')]).toEqual([act, 403, false])
    }
    now = later
  })

  test('an invitation link for somebody who has no account', async () => {
    const made = await post('/admin/users/invite')
    expect(made.text).toMatch(/\/join\/[\w-]+/)
  })

  test('organizations: how large, and a limit of seats', async () => {
    expect((await get('/admin/organizations?search=ac')).text).toContain('>acme</a>')
    expect((await post('/admin/organizations/seats', { organization: 'acme', limit: 'many' })).status).toBe(422)
    expect((await post('/admin/organizations/seats', { organization: 'acme', limit: '7' })).status).toBe(303)
    expect((await get('/admin/organizations?seats=acme')).text).toContain('value="7"')
    expect((await post('/admin/organizations/seats', { organization: 'acme', limit: ' ' })).status).toBe(303)
    expect((await get('/admin/organizations?seats=acme')).text).not.toContain('value="7"')
    expect((await post('/admin/organizations/seats', { organization: 'ada', limit: '7' })).status).toBe(404)
  })

  test('jobs: what failed for good is tried again or dropped, each once, and told in the log', async () => {
    const job = (id: string) => ({
      id,
      queue: 'nobody-works-here',
      payload: '{}',
      state: 'dead' as const,
      runAt: 1,
      attempts: 12,
      maxAttempts: 12,
      leaseUntil: null,
      worker: null,
      dedupKey: null,
      lastError: 'Error: <b>the disk</b> is full',
      createdAt: now,
    })
    const [one, two] = ['1'.repeat(24), '2'.repeat(24)]
    await site.hub.transaction((tx) =>
      tx
        .insertInto('job')
        .values([job(one), job(two)])
        .execute(),
    )
    const shown = (await get('/admin/jobs')).text
    expect(shown).toContain('Error: &lt;b&gt;the disk&lt;/b&gt; is full')
    expect((await get(`/admin/jobs?after=${two}`)).text).toContain('Nothing failed')
    expect((await post('/admin/jobs/retry', { id: one })).status).toBe(303)
    expect((await post('/admin/jobs/drop', { id: two })).status).toBe(303)
    const again = await post('/admin/jobs/drop', { id: two })
    expect(notice(again.setCookie)).toContain('not among the failed ones')
    const left = await site.hub.db.read
      .selectFrom('job')
      .select(['id', 'state', 'attempts'])
      .where('queue', '=', 'nobody-works-here')
      .execute()
    expect(left).toEqual([{ id: one, state: 'ready', attempts: 0 }])
    expect((await events('job.retry')).map(({ data }) => JSON.parse(data))).toEqual([
      { queue: 'nobody-works-here' },
      { queue: 'nobody-works-here', dropped: true },
    ])
    await site.hub.transaction((tx) => tx.deleteFrom('job').where('id', '=', one).execute())
  })

  test('storage is counted, a collection is looked at before it is asked for', async () => {
    expect((await get('/admin/storage')).text).not.toContain('Remove it now')
    expect((await post('/admin/storage/count')).text).toContain('Large files')
    const planned = (await post('/admin/storage/plan')).text
    expect(planned).toContain('What would go')
    expect(planned).toContain('Remove it now')
    expect((await post('/admin/storage/collect')).status).toBe(303)
    const [asked] = await events('storage.collect')
    expect(JSON.parse(asked?.data ?? '{}')).toEqual({ asked: true })
  })

  // The attack: whoever sees the page of settings, or a picture of it, reads the password of the database.
  test('story: settings are shown with their values, and secrets only as set or not', async () => {
    const text = (await get('/admin/settings')).text
    expect(text).toContain('HOLDFAST_RATE_LIMIT_API')
    for (const { isSecret, value } of site.hub.config.given) if (isSecret) expect(value).toBeNull()
    if (dialect === 'postgres') {
      expect(text).toContain('set; a secret, not shown')
      expect(text).not.toContain('postgres://')
    }
    const only = (await get('/admin/settings?only=set')).text
    expect(only).toContain('HOLDFAST_DATA')
    expect(only).not.toContain('HOLDFAST_OIDC_GROUPS_CLAIM')
  })

  test('an announcement stands on every page until it ends, is taken back, or is closed by its reader', async () => {
    expect((await post('/admin/announcements', { text: '  ' })).status).toBe(422)
    const text = 'Read-only on Friday <script>alert(1)</script>'
    expect((await post('/admin/announcements', { text, kind: 'warning', seconds: '3600' })).status).toBe(303)
    const shown = 'Read-only on Friday &lt;script&gt;'
    for (const path of ['/', '/models', '/login', '/no/such/page'])
      expect((await get(path, null)).text, path).toContain(shown)
    const [row] = await site.hub.db.read.selectFrom('announcement').selectAll().execute()
    const closed = await post('/settings/announcements/dismiss', { id: row?.id ?? '', back: '//evil.example' })
    expect(closed.location).toBe('/')
    const cookie = closed.setCookie[0]?.split(';')[0] ?? ''
    expect((await get('/models', cookie)).text).not.toContain(shown)
    expect((await get('/models', null)).text).toContain(shown)
    now += 61 * minute
    expect((await get('/models', null)).text).not.toContain(shown)
    expect((await get('/admin/announcements')).text).toContain('Nothing is announced')

    await site.hub.transaction((tx) =>
      tx
        .updateTable('session')
        .set({ freshAt: now, expiresAt: now + 1e9 })
        .execute(),
    )
    for (let count = 0; count < 20; count++) {
      expect((await post('/admin/announcements', { text: `No ${count}`, seconds: '' })).status).toBe(303)
    }
    expect((await post('/admin/announcements', { text: 'One more', seconds: '' })).status).toBe(409)
    const rows = await site.hub.db.read.selectFrom('announcement').select('id').execute()
    for (const { id } of rows) await post('/admin/announcements/remove', { id })
    expect((await get('/models', null)).text).not.toContain('Announcements')
  })

  // The attack: a cookie of a megabyte, or one that is no list, breaks every page.
  test('story: a broken cookie of closed announcements closes nothing and breaks nothing', async () => {
    for (const cookie of ['dismissed=%ff', 'dismissed=../../x', `dismissed=${'0'.repeat(4000)}`, 'dismissed=..'])
      expect((await get('/models', cookie)).status).toBe(200)
  })

  function notice(setCookie: readonly string[]): string {
    const flash =
      setCookie
        .find((one) => one.startsWith('flash='))
        ?.slice('flash='.length)
        .split(';')[0] ?? ''
    return Buffer.from(flash, 'base64url').toString('utf8')
  }
})
