/** Idea 19, applying: a file becomes true whole or not at all, by what the pages would do; and what somebody would try against it. */
import { request } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { type AccessDocument, readDocument } from './document.ts'
import type { Plan } from './service.ts'

interface Refusal {
  readonly code: string
  readonly error: string
  readonly problems?: readonly { line: number; target: string; code: string; message: string }[]
  readonly count?: number
}

const password = 'correct horse battery staple'

describe.each(dialects)('applying access files on %s', (dialect) => {
  let at: TestHub
  let ask: Ask
  let owner: TestUser
  let mara: TestUser
  let trudy: TestUser
  let boss: string
  let organization: { id: string; name: string }
  let base: string
  let made = 0

  beforeAll(async () => {
    at = await startHub({ dialect })
    ask = jsonClient(at.url)
    owner = await makeUser(at, 'boss', { password })
    mara = await makeUser(at, 'mara', { password, tokenRole: 'write' })
    trudy = await makeUser(at, 'trudy', { password, tokenRole: 'write' })
    await makeUser(at, 'outsider')
    boss = await signInAs(at, owner)
  }, 60_000)
  afterAll(() => at.stop())

  // Each test has an organization of its own: boss administers it, mara reads and is in a group, which has a role in a workspace.
  beforeEach(async () => {
    organization = await makeOrganization(at, `acme${++made}`, owner, { mara: 'read', trudy: 'write' })
    base = `/api/organizations/${organization.name}`
    const group = await make(`${base}/groups`, { name: 'Crew' })
    await ask('PUT', `${base}/groups/${group}/members/mara`, boss, { role: 'manager' })
    const place = await make(`${base}/resource-groups`, { name: 'Open', users: [{ user: 'mara', role: 'write' }] })
    await ask('POST', `${base}/resource-groups/${place}/groups`, boss, { group, role: 'contributor' })
  })

  const make = async (where: string, body: object) => {
    const answer = await ask('POST', where, boss, body)
    expect(answer.status, answer.text).toBeLessThan(300)
    return (({ id, _id }) => id ?? _id)(answer.json<{ id?: string; _id?: string }>())
  }
  const send = async (where: string, body: string, credential = boss) => {
    const response = await fetch(`${at.url}${base}/access/${where}`, {
      method: 'POST',
      body,
      headers: credential.startsWith('hf_') ? { authorization: `Bearer ${credential}` } : { cookie: credential },
    })
    return { status: response.status, text: await response.text() }
  }
  const now = async (): Promise<Required<AccessDocument>> =>
    readDocument((await ask('GET', `${base}/access`, boss)).text) as Required<AccessDocument>
  const textOf = (document: object): string => JSON.stringify(document, null, '\t')
  const plan = async (document: object | string, credential = boss): Promise<Plan> => {
    const { status, text } = await send('plan', typeof document === 'string' ? document : textOf(document), credential)
    expect(status, text).toBe(200)
    return JSON.parse(text)
  }
  const apply = async (document: object | string, credential = boss, more = '') => {
    const { digest } = await plan(document, credential)
    const body = typeof document === 'string' ? document : textOf(document)
    return await send(`apply?digest=${digest}${more}`, body, credential)
  }
  const refusalOf = ({ text }: { text: string }): Refusal => JSON.parse(text)
  const actions = async (): Promise<string[]> => {
    const rows = at.hub.db.read.selectFrom('event').select('action').where('ownerId', '=', organization.id)
    return (await rows.orderBy('id').execute()).map(({ action }) => action)
  }

  test('idea 19: a file becomes true, with the events of the pages and one that names the plan', async () => {
    const before = (await actions()).length
    const document = {
      ...(await now()),
      members: { boss: 'admin', outsider: 'read', trudy: 'admin' },
      groups: {
        Crew: { members: { outsider: 'member', 'service-account:ci': 'member' } },
        'Night.shift': { description: 'x' },
      },
      workspaces: {
        Research: { autoJoin: { scope: 'all', role: 'read' }, members: { trudy: 'write' }, groups: { Crew: 'read' } },
      },
      serviceAccounts: { ci: { role: 'read', expiresAt: null, disabled: true } },
    }
    const seen = await plan(document)
    expect(seen.problems).toEqual([])
    const answer = await send(`apply?digest=${seen.digest}`, textOf(document))
    expect(answer.status, answer.text).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({ changes: seen.changes })
    expect(await now()).toMatchObject({
      members: { boss: 'admin', outsider: 'read', trudy: 'admin' },
      groups: {
        Crew: { members: { outsider: 'member', 'service-account:ci': 'member' } },
        'Night.shift': { description: 'x', members: {} },
      },
      // Whoever joined by themselves, and is not in the file, is out again.
      workspaces: { Research: { members: { trudy: 'write' }, groups: { Crew: 'read' }, serviceAccounts: {} } },
      serviceAccounts: { ci: { role: 'read', disabled: true } },
    })
    expect(Object.keys((await now()).workspaces)).toEqual(['Research'])
    const told = (await actions()).slice(before)
    expect(told.at(-1)).toBe('org.access_file.apply')
    for (const action of [
      'org.service_account.create',
      'org.service_account.disable',
      'org.change_role',
      'org.remove_user',
      'org.add_user',
      'org.group.create',
      'org.group.add_member',
      'resource_group.create',
      'resource_group.delete',
      'resource_group.add_users',
    ])
      expect(told).toContain(action)
    const event = await at.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('ownerId', '=', organization.id)
      .where('action', '=', 'org.access_file.apply')
      .executeTakeFirstOrThrow()
    expect(JSON.stringify(event)).toContain(seen.digest)
  })

  test('idea 19: a removal by file takes what a removal by page takes, and a disabled account loses its tokens', async () => {
    const account = await make(`${base}/service-accounts`, { name: 'ci', role: 'read' })
    const { token } = (
      await ask('POST', `${base}/service-accounts/${account}/tokens`, boss, { displayName: 'deploy', mode: 'inherit' })
    ).json<{ token: string }>()
    expect((await ask('GET', '/api/whoami-v2', token)).status).toBe(200)
    const { members, serviceAccounts } = await now()
    const { mara: _gone, ...rest } = members
    const { status, text } = await apply({
      version: 1,
      organization: organization.name,
      members: rest,
      serviceAccounts: { ci: { ...serviceAccounts.ci, disabled: true } },
    })
    expect(status, text).toBe(200)
    // The groups and workspaces were not in the file: what she had in them is gone all the same.
    expect(await now()).toMatchObject({ groups: { Crew: { members: {} } }, workspaces: { Open: { members: {} } } })
    expect((await ask('GET', '/api/whoami-v2', token)).status).toBe(401)
    expect((await ask('GET', `${base}/members`, mara.token)).status).toBe(403)
  })

  test('idea 19: every problem is told with its line, and nothing is changed', async () => {
    const before = await now()
    const file = [
      'version: 1',
      `organization: ${organization.name}`,
      'members:',
      '  boss: admin',
      '  nobody: read',
      '  trudy: read',
      'groups:',
      '  "  Crowd ":',
      '    members:',
      '      mara: member',
      'serviceAccounts:',
      '  ci: { role: null, expiresAt: null, disabled: false }',
      '  old:',
      '    role: read',
      '    expiresAt: 2001-01-01T00:00:00Z',
      '    disabled: false',
    ].join('\n')
    const { problems, unknown, changes } = await plan(file)
    const expected = [
      [5, 'members.nobody', 'user_not_found'],
      [8, 'groups.  Crowd ', 'invalid_input'],
      [10, 'groups.  Crowd .members.mara', 'not_of_organization'],
      [12, 'serviceAccounts.ci', 'invalid_input'],
      [13, 'serviceAccounts.old', 'invalid_input'],
    ]
    expect(problems.map(({ line, target, code }) => [line, target, code])).toEqual(expected)
    expect(unknown).toEqual(['user mara', 'user nobody'])
    expect(changes.length).toBeGreaterThan(4)
    const answer = await apply(file)
    expect(answer.status).toBe(422)
    expect(refusalOf(answer)).toMatchObject({ code: 'access_file_refused', count: 5, problems })
    expect(refusalOf(answer).error).toContain('Line 5, members.nobody')
    expect(await now()).toEqual(before)
  })

  // A job runs twice; somebody sends what they once saw another administrator send; a plan of one file is shown and another file applied.
  test('idea 19: a digest counts for what was seen, once', async () => {
    const document = { ...(await now()), members: { boss: 'admin', mara: 'write', trudy: 'write' } }
    const { digest } = await plan(document)
    const other = { ...document, members: { ...document.members, trudy: 'admin' } }
    const swapped = await send(`apply?digest=${digest}`, textOf(other))
    expect([swapped.status, refusalOf(swapped).code]).toEqual([412, 'access_changed'])
    expect((await send(`apply?digest=${digest}`, textOf(document))).status).toBe(200)
    const again = await send(`apply?digest=${digest}`, textOf(document))
    expect([again.status, refusalOf(again).code]).toEqual([412, 'access_changed'])
    // Something that the file does not even name was changed on a page.
    const part = {
      version: 1,
      organization: organization.name,
      members: { boss: 'admin', mara: 'read', trudy: 'write' },
    }
    const { digest: older } = await plan(part)
    await make(`${base}/groups`, { name: 'Newer' })
    expect((await send(`apply?digest=${older}`, textOf(part))).status).toBe(412)
    expect((await now()).members.mara).toBe('write')
    for (const none of ['apply', 'apply?digest=', `apply?digest=${'0'.repeat(63)}`])
      expect((await send(none, textOf(part))).status).toBeGreaterThanOrEqual(400)
    expect((await send(`apply?digest=${'0'.repeat(64)}`, textOf(part))).status).toBe(412)
  })

  // Two administrators remove each other at the same moment, each by a file that leaves the other out: nobody would be left.
  test('idea 19, ROL-c: of two files that remove each other’s administrator one is applied', async () => {
    await ask('PUT', `${base}/members/mara/role`, boss, { role: 'admin' })
    const hers = await signInAs(at, mara)
    const withoutMara = { version: 1, organization: organization.name, members: { boss: 'admin' } }
    const withoutBoss = { version: 1, organization: organization.name, members: { mara: 'admin' } }
    const [mine, other] = [await plan(withoutMara), await plan(withoutBoss, hers)]
    const answers = await Promise.all([
      send(`apply?digest=${mine.digest}`, textOf(withoutMara)),
      send(`apply?digest=${other.digest}`, textOf(withoutBoss), hers),
    ])
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses[0]).toBe(200)
    // Refused at the door, or because something had changed.
    expect([403, 412]).toContain(statuses[1])
    const left = await at.hub.db.read
      .selectFrom('roleGrant')
      .select('principalId')
      .where('targetId', '=', organization.id)
      .where('role', '=', 'admin')
      .execute()
    expect(left).toHaveLength(1)
  })

  test('idea 19, ROL-c: the last administrator stays, whoever asks', async () => {
    const members = { mara: 'read', trudy: 'write' }
    const file = { version: 1, organization: organization.name, members }
    const { warnings } = await plan(file)
    expect(warnings).toMatchObject([{ code: 'own_administration' }])
    const answer = await apply(file, boss, '&leaveAdministration=true')
    expect(refusalOf(answer)).toMatchObject({ code: 'access_file_refused', problems: [{ code: 'last_admin' }] })
    expect((await now()).members.boss).toBe('admin')
  })

  test('idea 19: nobody stops administering by oversight', async () => {
    const file = {
      version: 1,
      organization: organization.name,
      members: { boss: 'read', mara: 'admin', trudy: 'write' },
    }
    const { warnings } = await plan(file)
    expect(warnings[0]?.message).toContain('leaveAdministration=true')
    expect(refusalOf(await apply(file)).problems).toMatchObject([{ line: 5, code: 'own_administration' }])
    expect((await now()).members).toMatchObject({ boss: 'admin', mara: 'read' })
    expect((await apply(file, boss, '&leaveAdministration=true')).status).toBe(200)
    expect((await send('plan', textOf(file))).status).toBe(403)
  })

  // Somebody changes roles on a page while a file is applied: half of each would be neither.
  test('idea 19: a change on a page comes before a file or after it', async () => {
    for (let round = 0; round < 8; round++) {
      const before = await now()
      const role = before.members.mara === 'read' ? 'write' : 'read'
      const file = { ...before, members: { ...before.members, mara: role }, groups: { Crew: { members: {} }, B: {} } }
      const { digest } = await plan(file)
      const [applied, page] = await Promise.all([
        send(`apply?digest=${digest}`, textOf(file)),
        ask('PUT', `${base}/members/trudy/role`, boss, { role: before.members.trudy === 'read' ? 'write' : 'read' }),
      ])
      expect(page.status).toBe(200)
      expect([200, 412], applied.text).toContain(applied.status)
      const after = await now()
      expect(after.members.trudy).not.toBe(before.members.trudy)
      expect(after.members.mara).toBe(applied.status === 200 ? role : before.members.mara)
      expect(after.groups).toEqual(
        applied.status === 200 ? { B: { members: {} }, Crew: { members: {} } } : before.groups,
      )
    }
  })

  // A stolen token of an administrator tries by a file what the pages keep for a sign-in, or for tokens that list more.
  test('idea 19: a file gives a token no more than the pages do', async () => {
    const before = await now()
    const narrow = await makeToken(at, owner, { role: 'fineGrained', scoped: [`org:${organization.name}=org.write`] })
    const machines = await makeToken(at, owner, {
      role: 'fineGrained',
      scoped: [`org:${organization.name}=org.write,org.serviceAccounts.write`],
    })
    const classic = await makeToken(at, owner, { role: 'write' })
    const account = { ci: { role: 'admin', expiresAt: null, disabled: false } }
    const change = (more: object) => ({ version: 1, organization: organization.name, ...more })
    const tries: readonly [string, object, string][] = [
      [narrow, change({ serviceAccounts: account }), 'token_permission'],
      [narrow, change({ workspaces: {} }), 'token_permission'],
      [machines, change({ serviceAccounts: account }), 'beyond_minter'],
      [classic, change({ tokenPolicy: { ...before.tokenPolicy, classicTokensAdminister: false } }), 'session_needed'],
      [classic, change({ settings: { ...before.settings, secondFactorRequired: true } }), 'session_needed'],
    ]
    for (const [token, file, code] of tries) {
      const answer = await apply(file, token)
      expect([answer.status, refusalOf(answer).code], answer.text).toEqual([422, 'access_file_refused'])
      expect(
        refusalOf(answer).problems?.map((problem) => problem.code),
        answer.text,
      ).toContain(code)
    }
    expect(await now()).toEqual(before)
    // And what it may do it does.
    const members = { ...before.members, mara: 'write' }
    expect((await apply(change({ members }), narrow)).status).toBe(200)
  })

  // An administrator for an hour writes a file that makes it for good.
  test('idea 19: who administers for a while gives themselves nothing that lasts', async () => {
    const term = { role: 'admin', seconds: 3600, reason: 'covers for boss' }
    expect((await ask('PUT', `${base}/members/trudy/role`, boss, term)).status).toBe(200)
    const session = await signInAs(at, trudy)
    const before = await now()
    expect(before.members.trudy).toBe('write')
    for (const file of [
      { ...before, members: { ...before.members, trudy: 'admin' } },
      { ...before, workspaces: { Open: { ...before.workspaces.Open, members: { trudy: 'admin' } } } },
      { ...before, groups: { Crew: { members: { trudy: 'manager' } } } },
    ]) {
      const answer = await apply(file, session)
      expect(refusalOf(answer).problems, answer.text).toMatchObject([{ code: 'own_temporary_role' }])
    }
    expect(await now()).toEqual(before)
  })

  test('idea 19: a service account applies files, and takes itself away only where that is meant', async () => {
    const account = await make(`${base}/service-accounts`, { name: 'robot', role: 'admin' })
    const permissions = ['org.write', 'org.serviceAccounts.write', 'resourceGroup.write']
    const answer = await ask('POST', `${base}/service-accounts/${account}/tokens`, boss, { permissions })
    const { token } = answer.json<{ token: string }>()
    expect(token, answer.text).toMatch(/^hf_/)
    const before = await now()
    const changed = { ...before, members: { ...before.members, mara: 'write' }, groups: { Crew: { members: {} } } }
    const made = await apply(changed, token)
    expect(made.status, made.text).toBe(200)
    expect(await now()).toEqual(changed)
    for (const serviceAccounts of [{}, { robot: { ...before.serviceAccounts.robot, role: 'write' } }]) {
      const refused = await apply({ ...changed, serviceAccounts }, token)
      expect(refusalOf(refused).problems, refused.text).toMatchObject([{ code: 'own_administration' }])
    }
    const gone = await apply({ ...changed, serviceAccounts: {} }, token, '&leaveAdministration=true')
    expect(gone.status, gone.text).toBe(200)
    expect((await ask('GET', '/api/whoami-v2', token)).status).toBe(401)
  })

  // Somebody learns that they are being removed, and holds a request open for as long as that takes.
  test('idea 19: who lost the role while the file was sent applies nothing', async () => {
    await ask('PUT', `${base}/members/trudy/role`, boss, { role: 'admin' })
    const before = await now()
    const file = textOf({ ...before, members: { ...before.members, mara: 'admin' } })
    const { digest } = await plan(file, trudy.token)
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(
        `${at.url}${base}/access/apply?digest=${digest}`,
        {
          method: 'POST',
          headers: { authorization: `Bearer ${trudy.token}`, 'content-length': Buffer.byteLength(file) },
        },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        },
      )
      sending.on('error', reject)
      sending.write(file.slice(0, 20))
      setTimeout(async () => {
        await ask('DELETE', `${base}/members/trudy`, boss)
        sending.end(file.slice(20))
      }, 300)
    })
    expect(status).toBe(403)
    expect((await now()).members).toEqual({ boss: 'admin', mara: 'read' })
  })

  // An administrator wants to know who has an account here, and who was sent away.
  test('idea 19: a file tells nothing of people beyond what the pages tell', async () => {
    const gone = await makeUser(at, `gone${made}`)
    await at.hub.db.transaction(async (tx) => {
      await tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', gone.id).execute()
    })
    await makeOrganization(at, `rival${made}`, mara)
    const now_ = await now()
    const named = ['nobody', gone.name, `rival${made}`]
    const inMembers = Object.fromEntries(named.map((name) => [name, 'read']))
    const asMembers = await plan({ ...now_, members: { ...now_.members, ...inMembers } })
    const said = asMembers.problems.map(({ code, message }) => `${code} ${message}`)
    expect(said).toHaveLength(3)
    expect(new Set(said).size).toBe(1)
    // In a group a stranger with an account is the same as nobody.
    const strangers = { outsider: 'member', nobody: 'member' }
    const inGroup = await plan({ ...now_, groups: { Crew: { members: strangers } } })
    const words = inGroup.problems.map(({ code, message, target }) => [
      code,
      message.replaceAll(target.split('.').at(-1) ?? '', '?'),
    ])
    expect(words[0]).toEqual(words[1])
    expect(inGroup.unknown).toEqual(['user nobody', 'user outsider'])
    // And to who is no administrator nothing is told at all, not even whether a file is well formed.
    for (const body of ['{', textOf(now_)])
      expect((await send(`apply?digest=${'0'.repeat(64)}`, body, mara.token)).status).toBe(403)
    expect((await send(`apply?digest=${'0'.repeat(64)}`, '{', '')).status).toBe(401)
  })

  // A file that takes the whole afternoon keeps everybody else from writing.
  test('idea 19: a file that changes too much at once, a bomb and a huge one are refused', async () => {
    const members = Object.fromEntries(Array.from({ length: 2_500 }, (_, n) => [`user${n}`, 'read']))
    const file = { version: 1, organization: organization.name, members: { boss: 'admin', ...members } }
    const answer = await apply(file)
    expect([answer.status, refusalOf(answer).code]).toEqual([422, 'too_many_changes'])
    const digest = '0'.repeat(64)
    expect((await send(`apply?digest=${digest}`, 'a: &a [x]\nb: [*a,*a]')).status).toBe(422)
    expect((await send(`apply?digest=${digest}`, `#${'x'.repeat(1_048_576)}`)).status).toBe(413)
  })

  test('idea 19: seats hold, and a swap within them goes through', async () => {
    await at.hub.db.transaction(async (tx) => {
      await tx.updateTable('organization').set({ seatLimit: 3 }).where('id', '=', organization.id).execute()
    })
    const { members } = await now()
    const file = (more: object) => ({ version: 1, organization: organization.name, members: more })
    const full = await apply(file({ ...members, outsider: 'read' }))
    expect(refusalOf(full).problems).toMatchObject([{ code: 'seats_full' }])
    expect((await apply(file({ boss: 'admin', mara: 'read', outsider: 'admin' }))).status).toBe(200)
    expect((await now()).members).toEqual({ boss: 'admin', mara: 'read', outsider: 'admin' })
  })
})
