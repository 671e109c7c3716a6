/** The audit log over HTTP, on both databases: its shape, who may read it, its filters, its pages and its export. */
import { once } from 'node:events'
import { get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { writeEvents } from '../../../tests/support/audit-events.ts'
import { dialects } from '../../../tests/support/databases.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { serviceAccountName } from '../../domain/facts.ts'
import { firstIdAt } from '../../domain/ids.ts'
import { roles } from '../../domain/role.ts'
import { toldActions } from './sentences.ts'
import { sealNow } from './service.ts'

const id = z.string().regex(/^[0-9a-f]{24}$/)
/** The Hub's schema of an entry (GET /api/organizations/{name}/audit-log/export), with our own names beside its own in `type`. */
const hubEntry = z.strictObject({
  _id: id,
  createdAt: z.iso.datetime(),
  type: z.enum(toldActions as [string, ...string[]]),
  data: z.unknown().optional(),
  message: z.string().min(1),
  ip: z.string().optional(),
  location: z
    .strictObject({ formatted: z.string(), country: z.string().optional(), city: z.string().optional() })
    .optional(),
  userAgent: z.string().optional(),
  author: z.strictObject({
    _id: id,
    user: z.string(),
    avatarUrl: z.string(),
    type: z.enum(['user', 'system']),
    deleted: z.boolean().optional(),
  }),
  token: z
    .strictObject({
      type: z.literal('access_token'),
      id: z.string(),
      role: z.enum(['read', 'write', 'fineGrained']).optional(),
      last4: z.string().optional(),
      deleted: z.boolean(),
    })
    .optional(),
  oauth: z.strictObject({ clientId: z.string(), name: z.string().optional() }).optional(),
})
type Entry = z.output<typeof hubEntry> & { data: Record<string, unknown> }

const password = 'a long enough sentence'

describe.each(dialects)('the audit log over HTTP on %s', (dialect) => {
  let test: TestHub
  let ada: TestUser
  let token: string

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ada = await makeUser(test, 'ada', { password })
    token = await makeToken(test, ada, { role: 'write', name: 'ci' })
  })
  afterAll(() => test.stop())

  async function ask(path: string, value: string | null = token, init: RequestInit = {}) {
    const response = await fetch(path.startsWith('http') ? path : `${test.url}${path}`, {
      ...init,
      headers: {
        ...(value === null ? {} : { authorization: `Bearer ${value}` }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...init.headers,
      },
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, entries: () => JSON.parse(text) as Entry[] }
  }

  const post = (path: string, body: unknown, value = token) =>
    ask(path, value, { method: 'POST', body: JSON.stringify(body) })
  const nextOf = (link: string | null): string | null => /<([^>]+)>; rel="next"/.exec(link ?? '')?.[1] ?? null
  const types = (entries: readonly Entry[]) => entries.map(({ type }) => type)

  it('ROL-b: an entry says who, what, with which token, from where and when, in the shape of the Hub', async () => {
    await makeUser(test, 'jonas')
    await makeOrganization(test, 'shape', ada)
    await post('/api/organizations/shape/members', { user: 'jonas', role: 'write' })
    const changed = await ask('/api/organizations/shape/members/jonas/role', token, {
      method: 'PUT',
      body: JSON.stringify({ role: 'read' }),
      headers: { 'user-agent': 'a script', 'x-request-id': 'request-of-the-test' },
    })
    expect(changed.status).toBe(200)
    await post('/api/repos/create', { name: 'm1', organization: 'shape', private: true })
    const answer = await ask('/api/organizations/shape/audit-log')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const entries = answer.entries()
    for (const entry of entries) hubEntry.parse(entry)
    expect(types(entries)).toEqual(['repo.create', 'org.change_role', 'org.add_user', 'org.create'])
    const entry = entries[1]
    expect(entry).toMatchObject({
      message: 'Changed the role of jonas from write to read',
      ip: '127.0.0.1',
      userAgent: 'a script',
      author: { _id: ada.id, user: 'ada', type: 'user', deleted: false },
      token: { type: 'access_token', role: 'write', last4: token.slice(-4), deleted: false },
      data: {
        actor: { kind: 'user', id: ada.id, name: 'ada' },
        resource: { kind: 'user', name: 'jonas' },
        credential: 'token',
        requestId: 'request-of-the-test',
        details: { organization: 'shape', from: 'write', to: 'read' },
      },
    })
    expect(Math.abs(Date.parse(entry?.createdAt ?? '') - Date.now())).toBeLessThan(60_000)
    // What the hub itself did has no account and no token.
    expect(entries[3]).toMatchObject({ author: { _id: '0'.repeat(24), user: 'tests', type: 'system' } })
    expect(entries[3]).not.toHaveProperty('token')
    await sealNow(test.hub)
    const sealed = (await ask('/api/organizations/shape/audit-log?limit=1')).entries()
    expect(sealed[0]?.data.seal).toBeGreaterThan(0)
  })

  it('SA-8, SA-34, SA-33: what a service account does stands under its own name, also when it and its token are gone', async () => {
    const organization = await makeOrganization(test, 'machines', ada)
    const machine = test.hub.clock.id()
    await test.hub.transaction(async (tx) => {
      const row = { description: null, contact: null, createdBy: null, expiresAt: null, disabledAt: null, createdAt: 1 }
      await tx
        .insertInto('serviceAccount')
        .values({ ...row, id: machine, organizationId: organization.id, name: 'CI publish', nameKey: 'ci publish' })
        .execute()
      await tx
        .insertInto('roleGrant')
        .values({
          targetId: organization.id,
          targetKind: 'organization',
          principalId: machine,
          principalKind: 'service-account',
          role: 'write',
          createdAt: 1,
          createdBy: null,
        })
        .execute()
    })
    const value = await makeToken(test, { id: machine, name: 'CI publish' }, { role: 'write', name: 'gitlab' })
    expect((await post('/api/repos/create', { name: 'made', organization: 'machines' }, value)).status).toBe(200)
    const read = async (query: string) => (await ask(`/api/organizations/machines/audit-log?${query}`)).entries()
    const [made] = await read('event=repo.create')
    hubEntry.parse(made)
    expect(made).toMatchObject({
      author: { _id: machine, user: 'CI publish', type: 'user', deleted: false },
      token: { last4: value.slice(-4), deleted: false },
      data: { actor: { kind: 'service-account', name: serviceAccountName(machine) } },
    })
    for (const actor of ['ci publish', serviceAccountName(machine), machine]) {
      expect(types(await read(`actor=${encodeURIComponent(actor)}`)), actor).toContain('repo.create')
    }
    expect(types(await read(`q=${encodeURIComponent('author:"CI publish" type:repo.*')}`))).toContain('repo.create')
    await test.hub.transaction(async (tx) => {
      await tx.deleteFrom('accessToken').where('ownerId', '=', machine).execute()
      await tx.deleteFrom('serviceAccount').where('id', '=', machine).execute()
    })
    const [after] = await read(`actor=${serviceAccountName(machine)}&event=repo.create`)
    expect(after).toMatchObject({ author: { user: 'CI publish', deleted: true }, token: { deleted: true } })
    hubEntry.parse(after)
    expect(types(await read('actor=CI%20PUBLISH'))).toContain('repo.create')
  })

  it('ROL: administrators alone read and export it; of others and of what is not there it says what it always says', async () => {
    await makeOrganization(test, 'closed', ada)
    const strangerUser = await makeUser(test, 'stranger')
    const stranger = await makeToken(test, strangerUser, { role: 'write' })
    await makeOrganization(test, 'elsewhere', strangerUser)
    for (const path of ['audit-log', 'audit-log/export']) {
      const of = (organization: string, value: string | null) =>
        ask(`/api/organizations/${organization}/${path}`, value)
      expect((await of('closed', null)).status).toBe(401)
      // The administrator of another organization is nobody here.
      expect((await of('elsewhere', stranger)).status).toBe(200)
      expect((await of('closed', stranger)).status).toBe(403)
      expect((await of('no-such-organization', stranger)).status).toBe(404)
      for (const role of roles) {
        const user = await makeUser(test, `${path.replace('/', '-')}-${role.replace('_', '-')}`)
        await post('/api/organizations/closed/members', { user: user.name, role })
        const value = await makeToken(test, user, { role: 'write' })
        const answer = await of('closed', value)
        expect(answer.status, role).toBe(role === 'admin' ? 200 : 403)
        if (role !== 'admin')
          expect(answer.headers.get('x-hub-denied')).toBe(`role; need=admin; have=${role}; entity=organization:closed`)
      }
      expect((await of('closed', await makeToken(test, ada, { role: 'read' }))).status).toBe(403)
      const scoped = (permission: string) =>
        makeToken(test, ada, { role: 'fineGrained', scoped: [`org:closed=${permission}`] })
      expect((await of('closed', await scoped('org.auditLog.write'))).status).toBe(200)
      expect((await of('closed', await scoped('org.write'))).status).toBe(403)
      const cookie = await signInAs(test, ada)
      const inSession = await ask(`/api/organizations/closed/${path}`, null, { headers: { cookie } })
      expect(inSession.status).toBe(200)
    }
    // Nothing of one organization stands in the log of another.
    const elsewhere = (await ask('/api/organizations/elsewhere/audit-log', stranger)).entries()
    expect(new Set(elsewhere.map(({ author }) => author.user))).toEqual(new Set(['tests', 'stranger']))
  })

  it('filters by event, scope, actor, address and time, alone and together, as the Hub writes them too', async () => {
    const organization = await makeOrganization(test, 'filters', ada)
    const at = Date.parse('2026-03-10T12:00:00Z')
    const kinds = [
      { action: 'repo.create', actorName: 'Ada', actorId: ada.id, ip: '10.0.0.1' },
      { action: 'repo.delete', actorName: 'ada', actorId: ada.id, ip: '10.0.0.2' },
      { action: 'repository.odd', actorName: 'bo', actorId: null, ip: '10.0.0.1' },
      { action: 'org.add_user', actorName: 'bo', actorId: null, ip: null },
    ]
    await test.hub.transaction(async (tx) => {
      for (let n = 0; n < 40; n++) {
        const when = at + n * 3_600_000
        const own = kinds[n % 4] as (typeof kinds)[number]
        await tx
          .insertInto('event')
          .values({
            ...{ credentialKind: null, credentialId: null, credentialLast4: null, userAgent: null, requestId: null },
            ...own,
            id: `${firstIdAt(when).slice(0, 12)}${n.toString(16).padStart(12, '0')}`,
            at: when,
            actorKind: own.actorId === null ? 'system' : 'user',
            resourceKind: 'model',
            resourceId: null,
            resourceName: `n${n}`,
            ownerId: organization.id,
            data: '{}',
          })
          .execute()
      }
    })
    const found = async (query: string): Promise<number[]> => {
      const answer = await ask(`/api/organizations/filters/audit-log?limit=1000&${query}`)
      expect(answer.status, answer.text).toBe(200)
      return answer
        .entries()
        .map(({ data }) => /^n(\d+)$/.exec((data.resource as { name: string }).name)?.[1])
        .filter((name) => name !== undefined)
        .map(Number)
    }
    const where = (test: (n: number) => boolean) => Array.from({ length: 40 }, (_, n) => 39 - n).filter(test)
    expect(await found('')).toEqual(where(() => true))
    expect(await found('event=repo.create')).toEqual(where((n) => n % 4 === 0))
    expect(await found('event=repo.*')).toEqual(where((n) => n % 4 < 2))
    expect(await found('event=repo.none')).toEqual([])
    expect(await found('actor=ADA')).toEqual(where((n) => n % 4 < 2))
    expect(await found(`actor=${ada.id}`)).toEqual(where((n) => n % 4 < 2))
    expect(await found('actor=bo&event=org.*')).toEqual(where((n) => n % 4 === 3))
    expect(await found('ip=10.0.0.1')).toEqual(where((n) => n % 2 === 0))
    expect(await found(`q=${encodeURIComponent('ip:10.0.0.1 author:ada')}`)).toEqual(where((n) => n % 4 === 0))
    expect(await found('q=type:repo.delete')).toEqual(where((n) => n % 4 === 1))
    // A day counts to its end; a moment is included where it begins, and not where it ends.
    expect(await found('from=2026-03-11&to=2026-03-11')).toEqual(where((n) => n >= 12 && n < 36))
    expect(await found('from=2026-03-10T14:00:00Z&to=2026-03-10T17:00:00%2B00:00')).toEqual([4, 3, 2])
    expect(await found('from=2026-03-10T13:00:00.001Z&to=2026-03-10T16:00:00Z&event=repo.*&actor=ada')).toEqual([])
    expect(await found('event=&actor=&from=&to=')).toHaveLength(40)
    for (const wrong of [
      'event=repo.cre%25',
      'event=*.create',
      'from=yesterday',
      'to=2026-13-01',
      'from=2026-03-10T14:00:00',
      'q=free+words',
      'q=colour:red',
      'q=type:repo.create&event=org.create',
      'cursor=abc',
      'limit=0',
      'limit=1001',
      'event=a&event=b',
      'q=__proto__:x',
    ]) {
      expect((await ask(`/api/organizations/filters/audit-log?${wrong}`)).status, wrong).toBe(400)
    }
  })

  it('pages without a gap and without doubles while events are being written', async () => {
    const organization = await makeOrganization(test, 'paged', ada)
    const before = await writeEvents(test.hub, 230, { ownerId: organization.id })
    for (const query of ['', '&actor=ada', '&event=repo.*', '&actor=ada&event=repo.create']) {
      const seen: string[] = []
      let next: string | null = `${test.url}/api/organizations/paged/audit-log?limit=17${query}`
      for (let pages = 0; next !== null; pages++) {
        const answer = await ask(next)
        const entries = answer.entries()
        expect(entries.length).toBeLessThanOrEqual(17)
        seen.push(...entries.map((entry) => entry._id))
        next = nextOf(answer.headers.get('link'))
        if (next !== null) expect(new URL(next).origin).toBe(new URL(test.url).origin)
        if (pages % 3 === 0) await writeEvents(test.hub, 2, { ownerId: organization.id })
      }
      expect(new Set(seen).size, query).toBe(seen.length)
      expect(seen, query).toEqual([...seen].sort().reverse())
      expect(
        before.filter((id) => !seen.includes(id)),
        query,
      ).toEqual([])
    }
  })

  it('exports one JSON array with a file name, and records that, with what was asked for', async () => {
    const organization = await makeOrganization(test, 'exported', ada)
    const ids = await writeEvents(test.hub, 1300, { ownerId: organization.id })
    const answer = await ask('/api/organizations/exported/audit-log/export')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="audit-log-exported-\d{4}-\d\d-\d\d\.json"$/,
    )
    const entries = answer.entries()
    for (const entry of entries) hubEntry.parse(entry)
    expect(entries).toHaveLength(1302)
    expect(entries[0]).toMatchObject({
      type: 'org.audit_log.export',
      message: 'Exported the audit log of exported',
      author: { user: 'ada' },
    })
    expect(entries.slice(1, -1).map(({ _id }) => _id)).toEqual([...ids].reverse())
    const filtered = await ask('/api/organizations/exported/audit-log/export?q=type:org.audit_log.export+author:ada')
    expect(filtered.entries().map(({ data }) => (data.details as { filters: unknown }).filters)).toEqual([
      { q: 'type:org.audit_log.export author:ada' },
      {},
    ])
    const none = await ask('/api/organizations/exported/audit-log/export?event=repo.delete')
    expect(none.entries()).toEqual([])
    // Asking for the headers alone is no export, and neither is reading.
    expect((await ask('/api/organizations/exported/audit-log/export', token, { method: 'HEAD' })).status).toBe(200)
    const recorded = (await ask('/api/organizations/exported/audit-log?event=org.audit_log.export')).entries()
    expect(recorded).toHaveLength(3)
  })

  it('a client that reads nothing holds no query, and one that goes ends the export', async () => {
    const organization = await makeOrganization(test, 'stalled', ada)
    for (let n = 0; n < 10; n++) {
      await writeEvents(test.hub, 2000, { ownerId: organization.id, userAgent: 'x'.repeat(500) })
    }
    const request = get(`${test.url}/api/organizations/stalled/audit-log/export`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const [response] = await once(request, 'response')
    response.pause()
    await delay(300)
    // Beside it others read and write as always.
    const from = performance.now()
    for (let n = 0; n < 5; n++) {
      expect((await ask('/api/organizations/stalled/audit-log?limit=10')).status).toBe(200)
      await writeEvents(test.hub, 1, { ownerId: organization.id })
    }
    expect(performance.now() - from).toBeLessThan(5000)
    response.destroy()
    request.destroy()
    await delay(100)
    expect((await ask('/api/organizations/stalled/audit-log?limit=1')).status).toBe(200)
  })

  it('AUTH-5: whoever loses the role while exporting gets no whole file', async () => {
    const organization = await makeOrganization(test, 'revoked', ada)
    const second = await makeUser(test, 'second-admin')
    await post('/api/organizations/revoked/members', { user: second.name, role: 'admin' })
    const value = await makeToken(test, second, { role: 'write' })
    for (let n = 0; n < 10; n++) {
      await writeEvents(test.hub, 2000, { ownerId: organization.id, userAgent: 'x'.repeat(500) })
    }
    const request = get(`${test.url}/api/organizations/revoked/audit-log/export`, {
      headers: { authorization: `Bearer ${value}` },
    })
    const [response] = await once(request, 'response')
    response.pause()
    await delay(200)
    await ask('/api/organizations/revoked/members/second-admin', token, { method: 'DELETE' })
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
    })
    response.resume()
    await expect(once(response, 'end')).rejects.toThrow()
    expect(size).toBeLessThan(20_000 * 500)
  })
})
