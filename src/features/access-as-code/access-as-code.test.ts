/** Idea 19, reading: an organization as a file, what differs from one, and files that are made to hurt. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { type AccessDocument, readDocument } from './document.ts'
import { type Plan, sentenceOf } from './service.ts'

describe.each(dialects)('access as code on %s', (dialect) => {
  let at: TestHub
  let ask: Ask
  let boss: string
  let mara: TestUser
  let secret: string
  const base = '/api/organizations/acme'

  beforeAll(async () => {
    at = await startHub({ dialect })
    ask = jsonClient(at.url)
    const owner = await makeUser(at, 'boss', { password: 'correct horse battery staple' })
    mara = await makeUser(at, 'mara', { tokenRole: 'write' })
    await makeUser(at, 'outsider')
    await makeOrganization(at, 'acme', owner, { mara: 'read' })
    boss = await signInAs(at, owner)
    const make = async (where: string, body: object) => {
      const answer = await ask('POST', where, boss, body)
      expect(answer.status, answer.text).toBeLessThan(300)
      return (({ id, _id }) => id ?? _id)(answer.json<{ id?: string; _id?: string }>())
    }
    const group = await make(`${base}/groups`, { name: 'Crew' })
    await ask('PUT', `${base}/groups/${group}/members/mara`, boss, { role: 'manager' })
    const place = await make(`${base}/resource-groups`, { name: 'Open', users: [{ user: 'mara', role: 'write' }] })
    await ask('POST', `${base}/resource-groups/${place}/groups`, boss, { group, role: 'contributor' })
    const account = await make(`${base}/service-accounts`, { name: 'ci', role: 'read' })
    const token = await ask('POST', `${base}/service-accounts/${account}/tokens`, boss, {
      displayName: 'deploy',
      mode: 'inherit',
    })
    expect(token.status, token.text).toBeLessThan(300)
    secret = token.json<{ token?: string }>().token ?? ''
  }, 60_000)
  afterAll(() => at.stop())

  const exported = async (): Promise<string> => (await ask('GET', `${base}/access`, boss)).text
  const post = async (body: string, credential = boss) => {
    const response = await fetch(`${at.url}${base}/access/plan`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/yaml',
        ...(credential.startsWith('hf_') ? { authorization: `Bearer ${credential}` } : { cookie: credential }),
      },
    })
    return { status: response.status, text: await response.text() }
  }
  const plan = async (document: object): Promise<Plan> => {
    const { status, text } = await post(JSON.stringify(document, null, '\t'))
    expect(status, text).toBe(200)
    return JSON.parse(text)
  }

  test('idea 19: what is exported is sorted, has what was given, and plans to nothing', async () => {
    const file = await exported()
    const document = readDocument(file)
    expect(document).toMatchObject({
      version: 1,
      organization: 'acme',
      members: { boss: 'admin', mara: 'read' },
      groups: { Crew: { members: { mara: 'manager' } } },
      workspaces: { Open: { groups: { Crew: 'contributor' } } },
      serviceAccounts: { ci: { role: 'read', disabled: false } },
    })
    expect(document.workspaces?.Open?.members?.mara).toBe('write')
    const answer = await post(file)
    const nothing = {
      changes: [],
      unknown: [],
      problems: [],
      warnings: [],
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    }
    expect(JSON.parse(answer.text)).toEqual(nothing)
    expect(await plan(document)).toEqual(nothing)
  })

  test('idea 19: each kind of change is told, and names that nobody has', async () => {
    const now: AccessDocument = readDocument(await exported())
    const changed = async (change: Partial<AccessDocument>) => {
      const { changes } = await plan({ ...now, ...change })
      return changes.map(({ kind, target }) => `${kind} ${target}`)
    }
    const settings = { ...now.settings, defaultRole: now.settings?.defaultRole === 'write' ? 'read' : 'write' }
    expect(await changed({ settings } as Partial<AccessDocument>)).toEqual(['change settings.defaultRole'])
    expect(
      await changed({
        tokenPolicy: {
          policy: 'approval',
          mostTokenDays: 30,
          classicTokensAdminister: now.tokenPolicy?.classicTokensAdminister ?? true,
        },
      }),
    ).toEqual(['change tokenPolicy.mostTokenDays', 'change tokenPolicy.policy'])
    expect(await changed({ members: { boss: 'admin', MARA: 'write', outsider: 'read' } })).toEqual([
      'change members.mara',
      'add members.outsider',
    ])
    expect(await changed({ members: { boss: 'admin' } })).toEqual(['remove members.mara'])
    expect(await changed({ groups: { Crew: { members: {} }, New: {} } })).toEqual([
      'remove groups.Crew.members.mara',
      'add groups.New',
    ])
    expect(await changed({ workspaces: {} })).toEqual(['remove workspaces.Open'])
    expect(await changed({ serviceAccounts: { ci: { role: 'write', expiresAt: null, disabled: true } } })).toContain(
      'change serviceAccounts.ci.disabled',
    )
    expect(await plan({ version: 1, organization: 'acme' })).toMatchObject({ changes: [], unknown: [], problems: [] })
    const made = await plan({
      ...now,
      workspaces: { ...now.workspaces, New: { members: { mara: 'admin' }, groups: { Crew: 'read' } } },
    })
    expect(made.changes.map(({ sentence }) => sentence)).toEqual([
      'Workspace "New" is made, with members "mara" as admin; groups "Crew" as read.',
    ])
    const { unknown } = await plan({
      ...now,
      members: { boss: 'admin', mara: 'read', nobody: 'read' },
      workspaces: { Open: { groups: { Ghosts: 'read' }, serviceAccounts: { gone: 'read' } } },
    })
    expect(unknown).toEqual(['group Ghosts', 'service account gone', 'user nobody'])
  })

  // Somebody hopes that the file in git has a value of a token in it.
  test('idea 19: no secret is in the file', async () => {
    expect(secret).toMatch(/^hf_/)
    const file = await exported()
    expect(file).not.toContain(secret)
    expect(file).not.toMatch(/hf_|\$argon|hash/)
  })

  // A plain member, and nobody at all, want the list of who may do what.
  test('idea 19: only administrators export and plan', async () => {
    for (const credential of [mara.token ?? '', '']) {
      expect((await ask('GET', `${base}/access`, credential)).status).toBe(credential === '' ? 401 : 403)
      expect((await ask('POST', `${base}/access/plan`, credential, {})).status).toBe(credential === '' ? 401 : 403)
    }
  })

  // An administrator's script is fed a file that grows a billionfold, or says a thing twice so that a reader sees only one of both.
  test.each([
    ['a bomb of aliases', 'a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]', 1],
    ['an anchor alone', 'version: 1\norganization: &o acme', 2],
    ['a key that stands twice', 'version: 1\norganization: acme\nmembers:\n  ada: read\n  ADA: admin', 5],
    ['a tag', 'version: 1\norganization: !!str acme', 2],
    ['a role that is none', 'version: 1\norganization: acme\nmembers:\n  boss: king', 4],
    ['a wrong type', 'version: 1\norganization: acme\nmembers: [boss]', 3],
    ['an unknown key', 'version: 1\norganization: acme\ntokens: {}', 3],
    ['__proto__', 'version: 1\norganization: acme\nmembers:\n  __proto__: admin', 4],
    // What stands below the line would be left out, and the organization be "as the file says".
    ['a second document', 'version: 1\norganization: acme\n---\nmembers:\n  boss: admin', 3],
    ['no YAML', 'version: 1\norganization: "acme', 2],
  ])('idea 19: %s is refused with its line', async (_what, file, line) => {
    const { status, text } = await post(file)
    expect(status).toBe(422)
    expect(text).toContain(`Line ${line} of the access file`)
  })

  // Somebody hides a line of the plan from whoever reviews it in a terminal, by a name that moves the cursor.
  test('idea 19: nothing in a plan is invisible', async () => {
    const now: AccessDocument = readDocument(await exported())
    const name = 'eve\u001b[1A\u001b[2K\u202e\nremove\u009b'
    const { changes, unknown, problems } = await plan({
      ...now,
      members: { ...now.members, [name]: 'admin' },
      groups: { ...now.groups, [name]: { description: name, members: { [name]: 'manager' } } },
    })
    expect(changes).toHaveLength(2)
    const told = [...changes, ...problems].map(({ target }) => target)
    const said = [...changes.map(({ sentence }) => sentence), ...unknown, ...problems.map(sentenceOf), ...told]
    expect(said).toHaveLength(9)
    for (const line of said) {
      expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
      expect(line).toContain('1b')
    }
  })

  test('idea 19: all that is not of the format is told, each with its line', async () => {
    const { status, text } = await post(
      'version: 1\norganization: acme\nmembers:\n  boss: king\n  ada: read\n  ADA: admin\nrights: {}\ngroups:\n  Crew: { members: { ada: boss } }',
    )
    expect(status).toBe(422)
    const { problems, count } = JSON.parse(text) as { problems: { line: number; target: string }[]; count: number }
    expect(problems.map(({ line, target }) => [line, target])).toEqual([
      [4, 'members.boss'],
      [6, 'ada'],
      [7, 'rights'],
      [9, 'groups.Crew.members.ada'],
    ])
    expect(count).toBe(4)
    expect(text).toContain('(And 3 more.)')
  })

  test('idea 19: a huge file, a deep one and one of another organization are refused', async () => {
    expect((await post(`#${'x'.repeat(1_048_576)}`)).status).toBe(413)
    // Each of these once kept the hub for seconds.
    for (const slow of ['['.repeat(1_000_000), '- }\n'.repeat(250_000), '? '.repeat(500_000)])
      expect((await post(slow)).text).toMatch(/nested too deeply|too many entries/)
    expect((await post('version: 1\norganization: rival')).status).toBe(422)
  })
})
