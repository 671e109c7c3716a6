/** Asking for access and deciding about it, over HTTP: REP-4, REP-5, REP-8, REP-9. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import {
  card,
  type GateWorld,
  type Listed,
  password,
  reasonOf,
  said,
  startGateWorld,
} from '../../../tests/support/gate.ts'
import type { Answer } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'

describe.each(dialects)('access requests on %s', (dialect) => {
  let world: GateWorld
  /** A fresh gated model of acme. */
  let repo: string

  beforeAll(async () => {
    world = await startGateWorld(dialect)
  })
  afterAll(() => world.site.stop())
  beforeEach(async () => {
    repo = await world.makeGated()
  })

  test('REP-4: "auto" lets in whoever agrees, at once; the answers and the text are kept', async () => {
    const { ask, ada, bob, makeGated } = world
    const { file, askAccess, requests } = world.at(repo)
    const auto = await makeGated('auto')
    expect((await file(bob.token, auto)).status).toBe(403)
    const done = await askAccess(bob.token, said, auto)
    expect([done.status, done.headers.get('location')]).toEqual([303, `/${auto}`])
    expect((await file(bob.token, auto)).text).toBe('secret weights')
    expect((await file('', auto)).status).toBe(401)
    const [entry] = (await requests('accepted', ada.token, auto)).json<Listed[]>()
    expect(entry).toMatchObject({
      user: { user: 'bob', fullname: 'bob', email: 'bob@example.org', type: 'user' },
      status: 'accepted',
      fields: { Company: 'Okoro Ports', Country: 'NG', Born: '1990-02-28', Use: 'other', 'I agree': 'true' },
    })
    const terms = await ask('GET', `/${auto}/settings/access-requests/terms/${entry?.terms}`, ada.token)
    expect(terms.text).toContain('You agree to do no harm.')
    expect((await ask('GET', `/${auto}/settings/access-requests/terms/${'0'.repeat(64)}`, ada.token)).status).toBe(404)
    // That of another repo is not handed out here.
    expect((await ask('GET', `/${repo}/settings/access-requests/terms/${entry?.terms}`, ada.token)).status).toBe(404)
  })

  test('REP-4: "manual" waits for somebody who may write; each step is refused where it makes no sense', async () => {
    const { bob, carl, dora } = world
    const { file, askAccess, requests, handle, grant } = world.at(repo)
    expect((await askAccess(bob.token)).status).toBe(303)
    const waiting = await file(bob.token)
    expect([waiting.status, waiting.headers.get('x-error-code'), reasonOf(waiting)]).toEqual([
      403,
      'GatedRepo',
      'gated_pending',
    ])
    expect(waiting.headers.get('x-error-message')).toContain('awaiting a review')
    expect((await askAccess(bob.token)).status).toBe(422)
    expect((await requests('pending')).json<Listed[]>().map(({ user }) => user.user)).toEqual(['bob'])
    for (const token of [bob.token, carl.token]) {
      expect((await handle({ user: 'bob', status: 'accepted' }, token)).status).toBe(403)
      expect((await requests('pending', token)).status).toBe(403)
      expect((await grant({ user: 'bob' }, token)).status).toBe(403)
    }
    expect((await handle({ user: 'bob', status: 'pending' })).status).toBe(404)
    expect((await handle({ user: 'carl', status: 'accepted' })).status).toBe(404)
    expect((await handle({ user: 'nobody-here', status: 'accepted' })).status).toBe(404)
    expect((await handle({ status: 'accepted' })).status).toBe(400)
    expect((await handle({ user: 'bob', status: 'granted' })).status).toBe(400)
    // A writer of the organization decides (dora), by name or by id.
    expect((await handle({ userId: bob.id, status: 'accepted' }, dora.token)).status).toBe(200)
    expect((await file(bob.token)).text).toBe('secret weights')
    expect((await handle({ user: 'bob', status: 'accepted' })).status).toBe(404)
    expect((await askAccess(bob.token)).status).toBe(422)
    // By the id of the request, as newer clients do; that of another repo is none here.
    const [entry] = (await requests('accepted')).json<Listed[]>()
    const byId = { requestId: entry?.requestId, status: 'pending' }
    const other = await world.makeGated()
    expect((await world.at(other).handle(byId)).status).toBe(404)
    expect((await handle(byId)).status).toBe(200)
    expect((await handle({ ...byId, status: 'accepted' })).status).toBe(200)
    expect((await requests('accepted')).json<Listed[]>()[0]).toMatchObject({
      status: 'accepted',
      reviewedAt: expect.any(String),
    })
  })

  test('REP-4: nobody is let in for another, and organizations never are', async () => {
    const number = world.next()
    const { bob, acme, site } = world
    const { file, grant } = world.at(repo)
    await grant({ user: 'bob' })
    expect((await file(bob.token)).status).toBe(200)
    const eve = await makeUser(site, `eve${number}`, { tokenRole: 'write' })
    expect((await file(eve.token)).status).toBe(403)
    expect((await grant({ user: 'acme' })).status).toBe(404)
    expect((await grant({ userId: acme.id })).status).toBe(404)
  })

  test('REP-5: who was rejected cannot ask again, reads why, and does not lose the rejection by asking no more', async () => {
    const { ask, bob } = world
    const { file, askAccess, requests, handle, cancel } = world.at(repo)
    await askAccess(bob.token)
    expect((await handle({ user: 'bob', status: 'rejected', rejectionReason: 'x'.repeat(201) })).status).toBe(400)
    expect((await handle({ user: 'bob', status: 'rejected', rejectionReason: 'No company given' })).status).toBe(200)
    const rejected = await file(bob.token)
    expect([rejected.status, rejected.headers.get('x-error-code'), reasonOf(rejected)]).toEqual([
      403,
      'GatedRepo',
      'gated_rejected',
    ])
    expect(rejected.headers.get('x-error-message')).toContain("rejected by the repo's authors: No company given")
    expect((await ask('GET', `/${repo}`, bob.token)).text).toContain('No company given')
    expect((await askAccess(bob.token)).status).toBe(403)
    expect((await cancel(bob.token)).status).toBe(403)
    expect((await askAccess(bob.token)).status).toBe(403)
    expect((await requests('rejected')).json<Listed[]>()[0]).toMatchObject({ rejectionReason: 'No company given' })
    // They can take it back, and the reason goes with it.
    expect((await handle({ user: 'bob', status: 'pending' })).status).toBe(200)
    expect(reasonOf(await file(bob.token))).toBe('gated_pending')
    expect((await handle({ user: 'bob', status: 'accepted' })).status).toBe(200)
    expect((await file(bob.token)).status).toBe(200)
    expect((await requests('accepted')).json<Listed[]>()[0]?.rejectionReason).toBeUndefined()
  })

  test('REP-5: access is withdrawn at any time, by the authors or by whoever had it, and the next download fails', async () => {
    const { bob } = world
    const { file, askAccess, handle, cancel } = world.at(repo)
    await askAccess(bob.token)
    await handle({ user: 'bob', status: 'accepted' })
    expect((await file(bob.token)).status).toBe(200)
    expect((await handle({ user: 'bob', status: 'pending' })).status).toBe(200)
    expect((await file(bob.token)).status).toBe(403)
    await handle({ user: 'bob', status: 'accepted' })
    expect((await handle({ user: 'bob', status: 'rejected' })).status).toBe(200)
    expect((await file(bob.token)).status).toBe(403)
    await handle({ user: 'bob', status: 'accepted' })
    expect((await cancel(bob.token)).status).toBe(200)
    expect(reasonOf(await file(bob.token))).toBe('gated_not_asked')
    expect((await cancel(bob.token)).status).toBe(404)
    // In the manual mode, whoever gave access back asks and waits again.
    expect((await askAccess(bob.token)).status).toBe(303)
    expect(reasonOf(await file(bob.token))).toBe('gated_pending')
    expect((await cancel(bob.token)).status).toBe(200)
  })

  test('REP-8, idea 17: an administrator agrees for a service account; who did and to which text is kept', async () => {
    const number = world.next()
    const { ask, events, signedIn, site } = world
    const { file, askAccess, requests, handle, grant } = world.at(repo)
    const gail = await makeUser(site, `gail${number}`, { tokenRole: 'write', password })
    const labs = await makeOrganization(site, `labs${number}`, gail, { bob: 'read' })
    const machine = await makeServiceAccount(site, labs, 'ci train')
    const token = await makeAccountToken(site, labs, machine)
    expect(reasonOf(await file(token))).toBe('gated_not_asked')
    // It cannot agree to anything itself.
    const itself = await askAccess(token)
    expect([itself.status, reasonOf(itself)]).toEqual([403, 'person_needed'])
    const { cookie, post } = await signedIn(gail)
    const form = await ask('GET', `/${repo}/access`, cookie)
    expect(form.text).toContain(`service account ci train of ${labs.name}`)
    expect((await post(`/${repo}/ask-access`, { ...said, _for: machine.id })).status).toBe(303)
    expect(reasonOf(await file(token))).toBe('gated_pending')
    const [entry] = (await requests('pending')).json<
      (Listed & { user: { requestedBy: string; organization: string } })[]
    >()
    expect(entry).toMatchObject({
      user: {
        user: `sa-${machine.id}`,
        fullname: 'ci train',
        isServiceAccount: true,
        organization: labs.name,
        requestedBy: gail.name,
      },
      terms: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect((await handle({ user: `sa-${machine.id}`, status: 'accepted' })).status).toBe(200)
    expect((await file(token)).text).toBe('secret weights')
    // That of gail herself is another one.
    expect((await file(gail.token)).status).toBe(403)
    const log = await events('org.service_account.ask_access')
    expect(log.at(-1)).toMatchObject({ actorName: gail.name, ownerId: labs.id, resourceName: repo })
    expect(JSON.parse(log.at(-1)?.data ?? '{}')).toMatchObject({ serviceAccountId: machine.id, terms: entry?.terms })
    expect((await post(`/${repo}/cancel-access`, { _for: machine.id })).status).toBe(303)
    expect((await file(token)).status).toBe(403)
    // By hand too, by whoever may write to the repo.
    expect((await grant({ user: `sa-${machine.id}` })).status).toBe(200)
    expect((await file(token)).status).toBe(200)
    const narrow = await makeAccountToken(site, labs, machine, [`model:${repo}=repo.content.read`])
    expect((await file(narrow)).status).toBe(200)
  })

  test('REP-9: lists are paged, batches of at most 100 say what became of each', async () => {
    const number = world.next()
    const { ask, ada, bob, site } = world
    const { askAccess, requests } = world.at(repo)
    const people: TestUser[] = []
    for (let count = 0; count < 12; count++) {
      people.push(await makeUser(site, `p${number}-${count}`, { tokenRole: 'write' }))
    }
    for (const { token } of people) expect((await askAccess(token)).status).toBe(303)
    const seen: string[] = []
    let path: string | null = `/api/models/${repo}/user-access-request/pending?limit=10`
    while (path !== null) {
      const page: Answer = await ask('GET', path, ada.token)
      seen.push(...page.json<Listed[]>().map(({ user }) => user.user))
      const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
      path = next === undefined ? null : next.slice(site.url.length)
    }
    expect([...seen].sort()).toEqual(people.map(({ name }) => name).sort())
    const batch = (body: object, token = ada.token) =>
      ask('POST', `/api/models/${repo}/user-access-request/batch`, token, body)
    const outcome = await batch({
      status: 'accepted',
      requests: [{ user: people[0]?.name }, { userId: people[1]?.id }, { user: 'nobody-here' }, { user: 'bob' }],
    })
    expect(outcome.json()).toEqual([
      { user: people[0]?.name, ok: true },
      { userId: people[1]?.id, ok: true },
      { user: 'nobody-here', ok: false, error: 'user_not_found' },
      { user: 'bob', ok: false, error: 'request_not_found' },
    ])
    expect((await batch({ status: 'accepted', requests: [] })).status).toBe(400)
    expect(
      (await batch({ status: 'accepted', requests: Array.from({ length: 101 }, () => ({ user: 'bob' })) })).status,
    ).toBe(400)
    expect((await batch({ status: 'accepted', requests: [{ user: 'bob' }] }, bob.token)).status).toBe(403)
    const both = (await requests('accepted')).json<Listed[]>()
    expect(both).toHaveLength(2)
    const before = both[0]?.timestamp ?? ''
    expect(
      (await ask('GET', `/api/models/${repo}/user-access-request/accepted?before=${before}`, ada.token)).json<
        Listed[]
      >(),
    ).toHaveLength(1)
    expect((await requests('everything')).status).toBe(404)
  })

  test('REP-9: the report is a file, JSON or CSV, in which no answer becomes a formula', async () => {
    const { ask, ada, bob, events } = world
    const { askAccess, grant } = world.at(repo)
    await askAccess(bob.token, { ...said, Company: '=HYPERLINK("http://evil.example";"a, b")' })
    await grant({ user: 'carl' })
    const json = await ask('GET', `/${repo}/user-access-report`, ada.token)
    expect(json.headers.get('content-disposition')).toMatch(/attachment; filename="access-acme-m\d+\.json"/)
    expect(json.json()).toEqual([
      expect.objectContaining({
        user: 'bob',
        status: 'pending',
        email: 'bob@example.org',
        requestedBy: 'bob',
        grantedBy: '',
      }),
      expect.objectContaining({ user: 'carl', status: 'accepted', email: '', grantedBy: 'Ada' }),
    ])
    const csv = await ask('GET', `/${repo}/user-access-report?format=csv`, ada.token)
    const [head, ...lines] = csv.text.trimEnd().split('\r\n')
    expect(head).toContain('user,fullname,status,email,time')
    expect(head).toContain('Company')
    expect(lines.find((line) => line.startsWith('bob,'))).toContain(`"'=HYPERLINK(""http://evil.example"";""a, b"")"`)
    expect((await ask('GET', `/${repo}/user-access-report`, bob.token)).status).toBe(403)
    expect((await ask('GET', `/${repo}/user-access-report`, '')).status).toBe(401)
    expect((await events('repo.access.export')).at(-1)).toMatchObject({ actorName: 'Ada', resourceName: repo })
  })

  test('REP-9: a repo that is not gated takes no requests, and keeps what was decided', async () => {
    const { ada, bob, put } = world
    const { file, askAccess, requests, handle, grant } = world.at(repo)
    await grant({ user: 'bob' })
    await put(repo, ada.token, { gated: false })
    expect((await file('')).text).toBe('secret weights')
    expect((await askAccess(bob.token)).status).toBe(422)
    expect((await grant({ user: 'carl' })).status).toBe(400)
    expect((await handle({ user: 'bob', status: 'rejected' })).status).toBe(400)
    expect((await requests('accepted')).json<Listed[]>()).toHaveLength(1)
    await put(repo, ada.token, { gated: 'manual' })
    expect((await file(bob.token)).status).toBe(200)
    expect((await file('')).status).toBe(401)
  })

  test('REP-4: answers are asked for as the card says, and a text that changed meanwhile is read again', async () => {
    const { ask, bob, commit, signedIn } = world
    const { askAccess, requests } = world.at(repo)
    for (const wrong of [
      { Company: '' },
      { Country: 'Atlantis' },
      { Country: 'UK' },
      { Born: '1990-02-30' },
      { Use: 'research' },
      { 'I agree': '' },
      { Company: 'x'.repeat(2_001) },
    ]) {
      expect([wrong, (await askAccess(bob.token, { ...said, ...wrong })).status]).toEqual([wrong, 422])
    }
    expect((await requests('pending')).json()).toEqual([])
    const { cookie, post } = await signedIn(bob)
    const page = await ask('GET', `/${repo}`, cookie)
    expect(page.text).toContain('Acknowledge the licence')
    const shown = /name="_terms" value="([0-9a-f]{64})"/.exec(page.text)?.[1] ?? ''
    await commit(repo, { 'README.md': card.replace('no harm', 'no harm at all') })
    const controls = {
      'answer-0': 'ACME',
      'answer-1': 'FR',
      'answer-2': '1990-01-01',
      'answer-3': 'Research',
      'answer-4': 'true',
    }
    const stale = await post(`/${repo}/ask-access`, { ...controls, _terms: shown })
    expect(stale.status).toBe(409)
    expect(stale.text).toContain('no harm at all')
    const fresh = /name="_terms" value="([0-9a-f]{64})"/.exec(stale.text)?.[1] ?? ''
    expect((await post(`/${repo}/ask-access`, { ...controls, _terms: fresh })).status).toBe(303)
    expect((await requests('pending')).json<Listed[]>()[0]).toMatchObject({ terms: fresh, fields: { Country: 'FR' } })
  })

  test('REP-4: the page of one’s own requests lists them, and forgets what one may no longer see', async () => {
    const { ask, ada, bob, put, signedIn } = world
    const { askAccess } = world.at(repo)
    await askAccess(bob.token)
    const { cookie } = await signedIn(bob)
    expect((await ask('GET', '/settings/gated-repos', cookie)).text).toContain(repo)
    await put(repo, ada.token, { private: true })
    expect((await ask('GET', '/settings/gated-repos', cookie)).text).not.toContain(`${repo}<`)
  })

  test('REP-5: two who decide at once do not both, and one who asks twice at once asks once', async () => {
    const { bob, eventsOf } = world
    const { askAccess, handle } = world.at(repo)
    const asked = await Promise.all(Array.from({ length: 6 }, () => askAccess(bob.token)))
    expect(asked.filter(({ status }) => status === 303)).toHaveLength(1)
    const decided = await Promise.all(
      ['accepted', 'rejected', 'accepted', 'rejected'].map((status) => handle({ user: 'bob', status })),
    )
    for (const { status } of decided) expect([200, 404, 503]).toContain(status)
    const log = await eventsOf('repo.access.handle', repo)
    expect(log.length).toBe(decided.filter(({ status }) => status === 200).length)
    // Each of them began where the one before had ended.
    const steps = log.map(({ data }) => JSON.parse(data) as { from: string; to: string })
    steps.reduce((before, { from, to }) => {
      expect(from).toBe(before)
      return to
    }, 'pending')
  })

  test('what happens is in the audit log, without addresses and answers', async () => {
    const { ada, bob, acme, put, eventsOf, site } = world
    const { askAccess, handle } = world.at(repo)
    await askAccess(bob.token)
    await handle({ user: 'bob', status: 'accepted' })
    await handle({ user: 'bob', status: 'rejected', rejectionReason: 'Not now' })
    await put(repo, ada.token, { gatedNotificationsEmail: 'gate@acme.example', gatedNotificationsMode: 'bulk' })
    const [askEvent] = await eventsOf('repo.access.ask', repo)
    expect(askEvent).toMatchObject({ actorName: 'bob', ownerId: acme.id })
    const all = (await site.hub.db.read.selectFrom('event').selectAll().where('resourceName', '=', repo).execute())
      .map(({ data }) => data)
      .join()
    expect(all).not.toContain('bob@example.org')
    expect(all).not.toContain('Okoro Ports')
    expect(all).not.toContain('gate@acme.example')
    expect(all).toContain('Not now')
  })

  test('REP-4: whose account ends leaves neither a request nor an address', async () => {
    const number = world.next()
    const { site, ask, signedIn } = world
    const { askAccess, requests } = world.at(repo)
    const gail = await makeUser(site, `gone${number}`, { tokenRole: 'write', password })
    const heir = await makeUser(site, `heir${number}`, { tokenRole: 'write' })
    await site.hub.transaction((tx) => tx.updateTable('email').set({ verifiedAt: 1 }).execute())
    const labs = await makeOrganization(site, `left${number}`, gail, { [heir.name]: 'admin' })
    const machine = await makeServiceAccount(site, labs, 'ci train')
    await askAccess(gail.token)
    const { post } = await signedIn(gail)
    expect((await post(`/${repo}/ask-access`, { ...said, _for: machine.id })).status).toBe(303)
    expect((await requests('pending')).text).toContain(gail.email)
    expect((await post('/settings/account/delete', { confirm: gail.name })).status).toBe(303)
    const left = (await requests('pending')).json<Listed[]>()
    expect(left.map(({ user }) => user.user)).toEqual([`sa-${machine.id}`])
    expect(JSON.stringify(left)).not.toContain(gail.email)
    // Who agreed is nobody any more.
    expect((await ask('GET', `/${repo}/user-access-report?format=csv`, world.ada.token)).text).toContain('deleted')
  })
})
