/** The gate over HTTP, on every way by which content leaves: REP-6, REP-7, UAT-8, AUTH-6. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeToken, makeUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type GateWorld, reasonOf, startGateWorld } from '../../../tests/support/gate.ts'
import { systemOrigin } from '../../domain/event.ts'
import { plainOrganization } from '../../domain/facts.ts'
import { systemGrant } from '../../domain/policy.ts'
import { recorderOf } from '../downloads/record.ts'
import { addMember } from '../organizations/service.ts'

describe.each(dialects)('gates on %s', (dialect) => {
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

  test('AUTH-6: anonymous is 401, a stranger 403, both GatedRepo, in the words of the Hub and with the reason', async () => {
    const { ask, ada, bob, put } = world
    const { file, askAccess } = world.at(repo)
    const anonymous = await file('')
    expect(anonymous.status).toBe(401)
    expect(anonymous.headers.get('x-error-code')).toBe('GatedRepo')
    expect(anonymous.headers.get('x-error-message')).toContain(`Access to model ${repo} is restricted`)
    expect(reasonOf(anonymous)).toBe('gated_sign_in')
    const stranger = await file(bob.token)
    expect(stranger.status).toBe(403)
    expect(stranger.headers.get('x-error-code')).toBe('GatedRepo')
    expect(stranger.headers.get('x-error-message')).toContain(
      `Access to model ${repo} is restricted and you are not in the authorized list`,
    )
    expect(reasonOf(stranger)).toBe('gated_not_asked')
    expect(stranger.json()).toMatchObject({ code: 'gated_not_asked', denied: { code: 'gated_not_asked' } })
    // A dead credential is 401 in its own words, gate or not.
    const dead = await file('hf_wrong')
    expect([dead.status, dead.headers.get('x-error-message')]).toEqual([
      401,
      'Invalid credentials in Authorization header',
    ])
    // Hidden comes before gated.
    await put(repo, ada.token, { private: true })
    const hidden = await file(bob.token)
    expect([hidden.status, hidden.headers.get('x-error-code'), hidden.headers.get('x-hub-denied')]).toEqual([
      404,
      'RepoNotFound',
      null,
    ])
    expect((await askAccess(bob.token)).status).toBe(404)
    expect((await ask('GET', `/${repo}/access`, bob.token)).status).toBe(404)
  })

  test('REP-6: what describes it is open, what it contains is not, on every address', async () => {
    const { ask, bob, carl } = world
    const commitId = (await ask('GET', `/api/models/${repo}`, '')).json<{ sha: string; gated: string }>()
    expect(commitId.gated).toBe('manual')
    const open = [
      ['GET', `/api/models/${repo}`],
      ['GET', `/api/models/${repo}/revision/main`],
      ['GET', `/api/models/${repo}/tree/main?recursive=true&expand=true`],
      ['POST', `/api/models/${repo}/paths-info/main`],
      ['GET', `/api/models/${repo}/refs`],
      ['GET', `/api/models/${repo}/commits/main`],
      ['GET', `/${repo}`],
      ['GET', `/${repo}/tree/main`],
      ['GET', `/${repo}/commits/main`],
    ] as const
    const shut = [
      ['GET', `/${repo}/resolve/main/weights.txt`],
      ['HEAD', `/${repo}/resolve/main/weights.txt`],
      ['GET', `/${repo}/resolve/main/README.md`],
      ['GET', `/${repo}/resolve/${commitId.sha}/weights.txt`],
      ['GET', `/${repo}/raw/main/weights.txt`],
      ['GET', `/${repo}/blob/main/weights.txt`],
      ['GET', `/${repo}/blob/main/README.md`],
      ['GET', `/${repo}/commit/${commitId.sha}`],
      ['GET', `/api/models/${repo}/auth-check`],
      ['GET', `/api/models/${repo}/auth-check/read`],
      ['GET', `/api/models/${repo}/xet-read-token/main`],
      ['GET', `/${repo}/info/refs?service=git-upload-pack`],
      ['GET', `/${repo}.git/info/refs?service=git-upload-pack`],
      ['GET', `/${repo}/info/lfs/locks`],
    ] as const
    for (const [method, path] of open) {
      for (const token of ['', bob.token]) {
        const answer = await ask(method, path, token, method === 'POST' ? { paths: ['weights.txt'] } : undefined)
        expect([path, answer.status]).toEqual([path, 200])
        expect(answer.text).not.toContain('secret weights')
      }
    }
    for (const [method, path] of shut) {
      const answer = await ask(method, path, bob.token)
      expect([path, answer.status, answer.headers.get('x-error-code')]).toEqual([path, 403, 'GatedRepo'])
      // Pages send a stranger to sign in.
      const nobody = await ask(method, path, '')
      expect([path, nobody.status === 303 ? 401 : nobody.status]).toEqual([path, 401])
      expect(nobody.text).not.toContain('secret weights')
      expect([path, (await ask(method, path, carl.token)).status]).toEqual([path, 200])
    }
    const batch = { operation: 'download', objects: [{ oid: 'a'.repeat(64), size: 1 }] }
    const lfs = await ask('POST', `/${repo}/info/lfs/objects/batch`, bob.token, batch)
    expect([lfs.status, lfs.headers.get('x-error-code')]).toEqual([403, 'GatedRepo'])
    expect((await ask('POST', `/${repo}/info/lfs/objects/batch`, '', batch)).status).toBe(401)
    expect((await ask('POST', `/${repo}/info/lfs/objects/batch`, carl.token, batch)).status).toBe(200)
    const copy = { target: { type: 'model', name: repo }, files: [{ sha256: 'a'.repeat(64) }] }
    expect((await ask('POST', `/api/models/${repo}/lfs-files/duplicate`, bob.token, copy)).status).toBe(403)
  })

  test.each(['dataset', 'space'] as const)('REP-4, REP-6: the same holds for a %s', async (kind) => {
    const { ask, ada, bob } = world
    const name = `k${world.next()}`
    const sdk = kind === 'space' ? { sdk: 'static' } : {}
    await ask('POST', '/api/repos/create', ada.token, {
      name,
      type: kind,
      ...sdk,
      organization: 'acme',
      private: false,
    })
    const api = `/api/${kind}s/acme/${name}`
    expect((await ask('PUT', `${api}/settings`, ada.token, { gated: 'auto' })).status).toBe(200)
    expect((await ask('GET', api, '')).json()).toMatchObject({ gated: 'auto' })
    const address = `/${kind}s/acme/${name}`
    const file = () => ask('GET', `${address}/resolve/main/.gitattributes`, bob.token)
    const refused = await file()
    expect([refused.status, refused.headers.get('x-error-code')]).toEqual([403, 'GatedRepo'])
    expect(refused.headers.get('x-error-message')).toContain(`Access to ${kind} acme/${name} is restricted`)
    const asked = await ask('POST', `${address}/ask-access`, bob.token, {})
    expect([asked.status, asked.headers.get('location')]).toEqual([303, address])
    expect((await file()).status).toBe(200)
    expect((await ask('POST', `${api}/user-access-request/cancel`, bob.token)).status).toBe(200)
    expect((await file()).status).toBe(403)
  })

  test('REP-6: what is gated is kept by no cache that others share', async () => {
    const { ada, carl, put } = world
    const { file } = world.at(repo)
    const answer = await file(carl.token)
    expect(answer.headers.get('cache-control')).toBe('private, no-store')
    await put(repo, ada.token, { gated: false })
    expect((await file(carl.token)).headers.get('cache-control')).toBe('public, no-cache')
  })

  test('REP-6: who writes or administers passes, and so do members; with orgMembersGated plain members ask too', async () => {
    const { ask, ada, carl, dora, put, commit } = world
    const { file, askAccess, handle } = world.at(repo)
    for (const token of [ada.token, dora.token, carl.token]) expect((await file(token)).status).toBe(200)
    expect((await askAccess(carl.token)).status).toBe(422)
    expect((await put(repo, carl.token, { orgMembersGated: true })).status).toBe(403)
    expect((await put(repo, ada.token, { orgMembersGated: true })).json()).toMatchObject({
      gated: 'manual',
      orgMembersGated: true,
    })
    expect((await file(ada.token)).status).toBe(200)
    for (const token of [dora.token, carl.token]) {
      const answer = await file(token)
      expect([answer.status, reasonOf(answer)]).toEqual([403, 'gated_not_asked'])
    }
    expect((await askAccess(carl.token)).status).toBe(303)
    expect((await handle({ user: 'carl', status: 'accepted' })).status).toBe(200)
    expect((await file(carl.token)).status).toBe(200)
    // Writing is not reading: pushes go on.
    await commit(repo, { 'more.txt': 'more' }, dora.token)
    const upload = { operation: 'upload', objects: [{ oid: 'b'.repeat(64), size: 1 }] }
    expect((await ask('POST', `/${repo}/info/lfs/objects/batch`, dora.token, upload)).status).toBe(200)
  })

  test('REP-6: the creator and the administrators of its workspace pass, orgMembersGated or not', async () => {
    const number = world.next()
    const { ask, ada, carl, acme, put, commit, site } = world
    const { file } = world.at(repo)
    const eve = await makeUser(site, `wanda${number}`, { tokenRole: 'write' })
    const fay = await makeUser(site, `fay${number}`, { tokenRole: 'write' })
    const group = (
      await ask('POST', '/api/organizations/acme/resource-groups', ada.token, { name: `w${number}` })
    ).json<{ id: string }>()
    const proof = systemGrant(
      'org.add_user',
      { on: 'organization', name: 'acme', organization: plainOrganization(acme) },
      'tests',
    )
    for (const user of [eve, fay])
      await addMember(site.hub, proof, systemOrigin, { username: user.name, role: 'contributor' })
    const users = [
      { user: eve.name, role: 'admin' },
      { user: fay.name, role: 'write' },
    ]
    expect(
      (await ask('POST', `/api/organizations/acme/resource-groups/${group.id}/users`, ada.token, { users })).status,
    ).toBe(200)
    const moved = await ask('POST', `/api/models/${repo}/resource-group`, ada.token, { resourceGroupId: group.id })
    expect(moved.status).toBe(200)
    await put(repo, ada.token, { orgMembersGated: true })
    expect((await file(eve.token)).status).toBe(200)
    expect((await file(fay.token)).status).toBe(403)
    // In a workspace the role there alone counts (C15): carl has none.
    await put(repo, ada.token, { orgMembersGated: false })
    expect((await file(fay.token)).status).toBe(200)
    expect((await file(carl.token)).status).toBe(403)
    const own = await ask('POST', '/api/repos/create', fay.token, {
      name: `own${number}`,
      organization: 'acme',
      private: false,
    })
    expect(own.status).toBe(200)
    await commit(`acme/own${number}`, { 'weights.txt': 'secret weights' }, fay.token)
    await put(`acme/own${number}`, ada.token, { gated: 'manual', orgMembersGated: true })
    expect((await file(fay.token, `acme/own${number}`)).status).toBe(200)
  })

  test('UAT-8, UAT-9, REP-7: a fine-grained token reads behind gates only what it lists, or all with the flag', async () => {
    const number = world.next()
    const { ask, ada, bob, makeGated, commit, site } = world
    const { file, requests, handle, grant } = world.at(repo)
    const other = await makeGated('auto')
    await grant({ user: 'bob' })
    await grant({ user: 'bob' }, ada.token, other)
    const hidden = await ask('POST', '/api/repos/create', bob.token, { name: `private${number}`, private: true })
    expect(hidden.status).toBe(200)
    await commit(`bob/private${number}`, { 'weights.txt': 'mine' }, bob.token)
    const lists = await makeToken(site, bob, { role: 'fineGrained', scoped: [`model:${repo}=repo.content.read`] })
    expect((await file(lists)).text).toBe('secret weights')
    expect((await ask('GET', `/api/models/${repo}/auth-check`, lists)).status).toBe(200)
    const elsewhere = await file(lists, other)
    expect([elsewhere.status, elsewhere.headers.get('x-error-code'), reasonOf(elsewhere)]).toEqual([
      403,
      'GatedRepo',
      'gated_token',
    ])
    expect(elsewhere.headers.get('x-error-message')).toContain('this token does not list it')
    expect(elsewhere.json<{ next: string }>().next).toContain('Read contents of all gated repositories')
    expect((await file(lists, `bob/private${number}`)).status).toBe(404)
    const flag = await makeToken(site, bob, { role: 'fineGrained', gated: true })
    expect((await file(flag)).status).toBe(200)
    expect((await file(flag, other)).status).toBe(200)
    expect((await file(flag, `bob/private${number}`)).status).toBe(404)
    // Neither does the flag open what its owner was not let into.
    const third = await makeGated('manual')
    expect(reasonOf(await file(flag, third))).toBe('gated_not_asked')
    const nothing = await makeToken(site, bob, { role: 'fineGrained' })
    expect(reasonOf(await file(nothing))).toBe('gated_token')
    // A permission that is not about content is none here.
    const settings = await makeToken(site, ada, { role: 'fineGrained', scoped: [`model:${repo}=repo.access.read`] })
    expect(reasonOf(await file(settings))).toBe('gated_token')
    expect((await requests('accepted', settings)).status).toBe(200)
    // A classic token goes as far as its owner.
    expect((await file(await makeToken(site, bob, { role: 'read' }))).status).toBe(200)
    // The owner's own: its namespace is listed.
    const place = await makeToken(site, ada, { role: 'fineGrained', scoped: ['org:acme=repo.content.read'] })
    expect((await file(place)).status).toBe(200)
    await handle({ user: 'bob', status: 'rejected' })
    expect(reasonOf(await file(lists))).toBe('gated_rejected')
    // UAT-9: it stays listed under its name, and the list says that it gives nothing.
    const { cookie } = await world.signedIn(bob)
    const isEffective = async (): Promise<boolean | undefined> => {
      const all = (await ask('GET', '/api/settings/tokens', cookie)).json<
        { fineGrained?: { scoped: { entity: { name: string }; effective: boolean }[] } }[]
      >()
      return all.flatMap((each) => each.fineGrained?.scoped ?? []).find(({ entity }) => entity.name === repo)?.effective
    }
    expect(await isEffective()).toBe(false)
    await handle({ user: 'bob', status: 'accepted' })
    expect(await isEffective()).toBe(true)
    await handle({ user: 'bob', status: 'rejected' })
    expect(reasonOf(await file(flag))).toBe('gated_rejected')
  })

  test('REP-6: downloads from a gated repo are recorded, though it is public', async () => {
    const { bob, site } = world
    const { file, grant } = world.at(repo)
    await grant({ user: 'bob' })
    await file(bob.token)
    await recorderOf(site.hub).flush()
    const rows = await site.hub.db.read.selectFrom('downloadRecord').selectAll().where('repoName', '=', repo).execute()
    expect(rows.map(({ actorName, via }) => [actorName, via])).toContainEqual(['bob', 'resolve'])
  })

  // The story: somebody is let into a model; it is renamed, deleted, and made anew under the old name, or brought back. Nothing of the old
  // list may open the new one, and a rename may not open the gate.
  test('REP-6, UAT-10: a rename keeps the gate and who passed it; a new repo under an old name has neither', async () => {
    const number = world.next()
    const { ask, ada, bob, put, commit, site } = world
    const { file, requests, grant } = world.at(repo)
    await grant({ user: 'bob' })
    const [, name = ''] = repo.split('/')
    const moved = await ask('POST', '/api/repos/move', ada.token, {
      fromRepo: repo,
      toRepo: `acme/${name}-new`,
      type: 'model',
    })
    expect(moved.status).toBe(200)
    expect((await file(bob.token, `acme/${name}-new`)).status).toBe(200)
    const eve = await makeUser(site, `mia${number}`, { tokenRole: 'write' })
    expect((await file(eve.token, `acme/${name}-new`)).status).toBe(403)
    expect((await file(eve.token)).status).toBe(307)
    expect(
      (await ask('DELETE', '/api/repos/delete', ada.token, { name: `${name}-new`, organization: 'acme' })).status,
    ).toBe(200)
    await ask('POST', '/api/repos/create', ada.token, { name: `${name}-new`, organization: 'acme', private: false })
    await commit(`acme/${name}-new`, { 'weights.txt': 'new weights' })
    await put(`acme/${name}-new`, ada.token, { gated: 'manual' })
    expect(reasonOf(await file(bob.token, `acme/${name}-new`))).toBe('gated_not_asked')
    expect((await requests('accepted', ada.token, `acme/${name}-new`)).json()).toEqual([])
  })

  // The story: a writer whom the gate keeps out (orgMembersGated) accepts their own request, or simply takes the gate away.
  test('REP-6: whom the gate keeps out does not open it from inside', async () => {
    const { ada, dora, put, signedIn } = world
    const { file, askAccess, requests, handle, grant } = world.at(repo)
    await put(repo, ada.token, { orgMembersGated: true })
    expect((await askAccess(dora.token)).status).toBe(303)
    for (const refused of [
      await handle({ user: 'dora', status: 'accepted' }, dora.token),
      await grant({ user: 'dora' }, dora.token),
      await requests('pending', dora.token),
      await put(repo, dora.token, { gated: false }),
      await put(repo, dora.token, { orgMembersGated: false }),
      await put(repo, dora.token, { private: false, gated: 'auto' }),
    ]) {
      expect([refused.status, refused.headers.get('x-error-code')]).toEqual([403, 'GatedRepo'])
    }
    const { post } = await signedIn(dora)
    expect((await post(`/${repo}/settings/gate`, { gated: 'off' })).status).toBe(403)
    expect(reasonOf(await file(dora.token))).toBe('gated_pending')
  })
})
