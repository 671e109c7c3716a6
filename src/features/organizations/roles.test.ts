/**
 * The table of behaviours 1.2, cell by cell: what each role may do, over the API, over git where the row is about repos, and on the pages where the
 * row speaks of one. Each number names the row; the columns are those of the table.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type GitClient, gitClient } from '../../../tests/support/git-client.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

const password = 'a long enough sentence'
const columns = ['anonymous', 'outsider', 'no_access', 'read', 'contributor', 'write', 'admin'] as const
type Column = (typeof columns)[number]
type Row<T> = Readonly<Record<Column, T>>

/** From anonymous to admin, as the table reads. */
function row<T>(...cells: [T, T, T, T, T, T, T]): Row<T> {
  return Object.fromEntries(columns.map((column, at) => [column, cells[at]])) as unknown as Row<T>
}

describe.each(dialects)('the roles of an organization on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let ada: TestUser
  let token: string
  const tokens = new Map<Column, string>()
  const cookies = new Map<Column, string>()
  const ids = new Map<Column, string>()
  let orgId: string
  let workspaceId: string

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ask = asking(test)
    ada = await makeUser(test, 'ada', { password })
    token = await makeToken(test, ada, { role: 'write' })
    const org = await makeOrganization(test, 'acme', ada)
    orgId = org.id
    for (const column of columns) {
      if (column === 'anonymous') continue
      const user = await makeUser(test, `u-${column.replace('_', '-')}`, { password })
      ids.set(column, user.id)
      tokens.set(column, await makeToken(test, user, { role: 'write' }))
      cookies.set(column, await signInAs(test, user))
      if (column === 'outsider') continue
      await ask('POST', '/api/organizations/acme/members', { token, body: { user: user.name, role: column } })
    }
    workspaceId = test.hub.clock.id()
    await test.hub.transaction((tx) =>
      tx
        .insertInto('workspace')
        .values({
          id: workspaceId,
          organizationId: org.id,
          name: 'w',
          nameKey: 'w',
          createdAt: 1,
          description: null,
          createdBy: null,
          autoJoin: null,
          autoJoinRole: null,
        })
        .execute(),
    )
    await makeRepo('shared', { private: false })
    await makeRepo('hidden', { private: true })
    await makeRepo('inside', { private: true })
    await test.hub.transaction((tx) =>
      tx.updateTable('repo').set({ workspaceId }).where('name', '=', 'inside').execute(),
    )
  }, 60_000)
  afterAll(() => test.stop())

  const as = (column: Column) => {
    const value = tokens.get(column)
    return value === undefined ? {} : { token: value }
  }
  const signedIn = (column: Column) => {
    const cookie = cookies.get(column)
    return cookie === undefined ? {} : { cookie }
  }

  async function makeRepo(name: string, options: { private: boolean }, value = token): Promise<number> {
    const body = { name, organization: 'acme', ...options }
    return (await ask('POST', '/api/repos/create', { token: value, body })).status
  }

  /** Holds every column of a row against what the interface answers. */
  async function holds(expected: Row<number>, act: (column: Column) => Promise<number>): Promise<void> {
    const found: Partial<Record<Column, number>> = {}
    for (const column of columns) found[column] = await act(column)
    expect(found).toEqual(expected)
  }

  async function clones(column: Column, name: string): Promise<boolean> {
    await using git = await gitClient(test.url, tokens.get(column) ?? null)
    return await works(git, `git clone $URL/acme/${name} r`)
  }

  async function pushes(column: Column, name: string): Promise<boolean> {
    // Cloned by an administrator, pushed by the one whose turn it is: whoever may not read may still try to write.
    await using git = await gitClient(test.url, token)
    await git.sh(`git clone $URL/acme/${name} r; cd r; date +%s%N > ${column}.txt; git add .; git commit -m x`)
    const { protocol, host } = new URL(test.url)
    const value = tokens.get(column)
    const line = value === undefined ? '' : `${protocol}//x:${value}@${host}`
    return await works(git, `echo '${line}' > ~/.git-credentials; cd r; git push`)
  }

  async function works(git: GitClient, script: string): Promise<boolean> {
    try {
      await git.sh(script)
      return true
    } catch (error) {
      expect(String((error as { stderr?: string }).stderr)).toMatch(
        /40[134]|could not read|Authentication failed|not found/,
      )
      return false
    }
  }

  const upload = async (column: Column, name: string): Promise<number> => {
    const lines = [
      { key: 'header', value: { summary: 'x' } },
      { key: 'file', value: { path: `${column}-api.txt`, content: 'eA==', encoding: 'base64' } },
    ]
    const response = await fetch(`${test.url}/api/models/acme/${name}/commit/main`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-ndjson',
        ...(tokens.has(column) ? { authorization: `Bearer ${tokens.get(column)}` } : {}),
      },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    await response.arrayBuffer()
    return response.status
  }

  it('ROL-1: everybody sees public repos', async () => {
    await holds(
      row(200, 200, 200, 200, 200, 200, 200),
      async (column) => (await ask('GET', '/api/models/acme/shared', as(column))).status,
    )
    await holds(
      row(200, 200, 200, 200, 200, 200, 200),
      async (column) => (await ask('GET', '/acme/shared', signedIn(column))).status,
    )
    for (const column of ['anonymous', 'outsider', 'no_access', 'admin'] as const) {
      expect(await clones(column, 'shared'), column).toBe(true)
    }
  })

  it('ROL-2: private repos outside any workspace are seen from read on, and are not there for others', async () => {
    const expected = row(401, 404, 404, 200, 200, 200, 200)
    await holds(expected, async (column) => (await ask('GET', '/api/models/acme/hidden', as(column))).status)
    await holds(expected, async (column) => {
      const { status } = await ask('GET', '/acme/hidden/resolve/main/README.md', as(column))
      // The repo is empty: who may see it is told that there is no such file.
      return status === 404 && atLeastRead(column) ? 200 : status
    })
    const seen = row(404, 404, 404, 200, 200, 200, 200)
    await holds(seen, async (column) => (await ask('GET', '/acme/hidden', signedIn(column))).status)
    for (const column of columns) expect(await clones(column, 'hidden'), column).toBe(atLeastRead(column))
    // What is not there and what is hidden answer alike.
    for (const column of ['outsider', 'no_access'] as const) {
      const hidden = await ask('GET', '/api/models/acme/hidden', as(column))
      const missing = await ask('GET', '/api/models/acme/missing', as(column))
      expect([hidden.text, hidden.headers.get('x-error-code')]).toEqual([
        missing.text,
        missing.headers.get('x-error-code'),
      ])
    }
  })

  it('ROL-3: private repos in a workspace are seen by a role there alone, and always by administrators', async () => {
    await holds(
      row(401, 404, 404, 404, 404, 404, 200),
      async (column) => (await ask('GET', '/api/models/acme/inside', as(column))).status,
    )
    for (const column of ['write', 'admin'] as const) expect(await clones(column, 'inside')).toBe(column === 'admin')
    for (const column of ['outsider', 'no_access', 'read', 'contributor', 'write'] as const) {
      const grant = {
        targetId: workspaceId,
        targetKind: 'workspace' as const,
        principalId: ids.get(column) ?? '',
        principalKind: 'user' as const,
        role: 'read' as const,
        createdAt: 1,
        createdBy: null,
      }
      await test.hub.transaction((tx) => tx.insertInto('roleGrant').values(grant).execute())
      const { status } = await ask('GET', '/api/models/acme/inside', as(column))
      // A role in a workspace is worth nothing to who is not of the organization.
      expect(status, column).toBe(column === 'outsider' ? 404 : 200)
      expect(await clones(column, 'inside'), column).toBe(column !== 'outsider')
      await test.hub.transaction((tx) => tx.deleteFrom('roleGrant').where('targetId', '=', workspaceId).execute())
      expect((await ask('GET', '/api/models/acme/inside', as(column))).status).toBe(404)
    }
  })

  it('ROL-4: settings and the list of members are seen from read on; strangers see the public part', async () => {
    const expected = row(401, 403, 403, 200, 200, 200, 200)
    for (const path of ['members', 'settings', 'seats']) {
      await holds(expected, async (column) => (await ask('GET', `/api/organizations/acme/${path}`, as(column))).status)
    }
    await holds(
      row(200, 200, 200, 200, 200, 200, 200),
      async (column) => (await ask('GET', '/api/organizations/acme/overview', as(column))).status,
    )
    for (const place of ['members', 'profile', 'storage']) {
      await holds(row(303, 403, 403, 200, 200, 200, 200), async (column) => {
        const page = await ask('GET', `/organizations/acme/settings/${place}`, signedIn(column))
        if (page.status === 200) {
          // Read-only for who administers nothing, and without service accounts.
          const isAdmin = column === 'admin'
          expect(page.text.includes('/organizations/acme/settings/service-accounts'), `${place} ${column}`).toBe(
            isAdmin,
          )
          expect(page.text.includes('/organizations/acme/settings/account"'), `${place} ${column}`).toBe(isAdmin)
          const forms = [...page.text.matchAll(/<form[^>]*action="(\/organizations\/acme\/settings[^"]*)"/g)]
          const posting = forms.filter(([tag]) => tag.includes('method="post"'))
          expect(posting.length > 0, `${place} ${column}`).toBe(isAdmin && place !== 'storage')
        }
        return page.status
      })
    }
    // Second factors and workspaces of others are for administrators.
    const [one] = (await ask('GET', '/api/organizations/acme/members', as('read'))).json<object[]>()
    expect(Object.keys(one ?? {})).not.toContain('twoFaEnabled')
    const [seen] = (await ask('GET', '/api/organizations/acme/members', as('admin'))).json<object[]>()
    expect(seen).toMatchObject({ twoFaEnabled: false, resourceGroups: [] })
    // Where the organization shows its members, strangers see who they are, and no more.
    await ask('PATCH', '/api/organizations/acme/settings', { token, body: { membersVisibility: 'public' } })
    for (const column of ['anonymous', 'outsider', 'no_access'] as const) {
      const [member] = (await ask('GET', '/api/organizations/acme/members', as(column))).json<object[]>()
      expect(Object.keys(member ?? {}).sort()).toEqual(['_id', 'avatarUrl', 'fullname', 'isPro', 'type', 'user'])
      expect((await ask('GET', '/organizations/acme/settings/members', signedIn(column))).status).toBe(200)
    }
    await ask('PATCH', '/api/organizations/acme/settings', { token, body: { membersVisibility: 'members' } })
  })

  it('ROL-5: repos are created from contributor on', async () => {
    await holds(row(401, 403, 403, 403, 200, 200, 200), (column) =>
      makeRepo(`of-${column}`, { private: true }, tokens.get(column) ?? ''),
    )
    for (const column of columns) {
      const page = await ask('GET', '/acme', signedIn(column))
      expect(page.text.includes('owner=acme'), column).toBe(['contributor', 'write', 'admin'].includes(column))
    }
  })

  it('ROL-6, ROL-a: a contributor writes, renames and deletes what they created; who was demoted does not', async () => {
    expect(await pushes('contributor', 'of-contributor')).toBe(true)
    expect(await upload('contributor', 'of-contributor')).toBe(200)
    const renamed = await ask('POST', '/api/repos/move', {
      ...as('contributor'),
      body: { fromRepo: 'acme/of-contributor', toRepo: 'acme/own' },
    })
    expect(renamed.status).toBe(200)
    expect(
      (await ask('PUT', '/api/models/acme/own/settings', { ...as('contributor'), body: { private: false } })).status,
    ).toBe(200)
    await ask('PUT', '/api/models/acme/own/settings', { ...as('contributor'), body: { private: true } })
    // Demotion takes the write away with the next request, on every surface, with the same token.
    const role = (value: string) =>
      ask('PUT', '/api/organizations/acme/members/u-contributor/role', { token, body: { role: value } })
    await role('read')
    expect(await upload('contributor', 'own')).toBe(403)
    expect(await pushes('contributor', 'own')).toBe(false)
    const drawn = async () =>
      (await ask('GET', '/acme/own', signedIn('contributor'))).text.includes('/acme/own/settings')
    expect(await drawn()).toBe(false)
    expect((await ask('GET', '/acme/own/settings', signedIn('contributor'))).status).toBe(403)
    await role('contributor')
    expect(await upload('contributor', 'own')).toBe(200)
    expect(await drawn()).toBe(true)
    const gone = await ask('DELETE', '/api/repos/delete', {
      ...as('contributor'),
      body: { name: 'own', organization: 'acme' },
    })
    expect(gone.status).toBe(200)
  })

  it('ROL-7: any other repo is written, renamed and deleted from write on', async () => {
    await holds(row(401, 404, 404, 403, 403, 200, 200), (column) => upload(column, 'hidden'))
    for (const column of columns) {
      expect(await pushes(column, 'hidden'), column).toBe(column === 'write' || column === 'admin')
    }
    await holds(row(401, 404, 404, 403, 403, 200, 200), async (column) => {
      await makeRepo(`old-${column}`, { private: true })
      const body = { fromRepo: `acme/old-${column}`, toRepo: `acme/new-${column}` }
      return (await ask('POST', '/api/repos/move', { ...as(column), body })).status
    })
    await holds(row(401, 404, 404, 403, 403, 200, 200), async (column) => {
      await makeRepo(`gone-${column}`, { private: true })
      return (
        await ask('DELETE', '/api/repos/delete', {
          ...as(column),
          body: { name: `gone-${column}`, organization: 'acme' },
        })
      ).status
    })
  })

  it('ROL-8: settings of a repo are for write, and for a contributor on their own repos', async () => {
    await holds(
      row(401, 404, 404, 403, 403, 200, 200),
      async (column) =>
        (await ask('PUT', '/api/models/acme/hidden/settings', { ...as(column), body: { private: true } })).status,
    )
    await holds(
      row(404, 404, 404, 403, 403, 200, 200),
      async (column) => (await ask('GET', '/acme/hidden/settings', signedIn(column))).status,
    )
    await makeRepo('theirs', { private: true }, tokens.get('contributor') ?? '')
    const own = await ask('PUT', '/api/models/acme/theirs/settings', { ...as('contributor'), body: { private: true } })
    expect(own.status).toBe(200)
  })

  it('ROL-9, ROL-a: repos are moved into the organization from contributor on, who counts as their creator there', async () => {
    await holds(row(401, 403, 403, 403, 200, 200, 200), async (column) => {
      const user = `u-${column.replace('_', '-')}`
      if (column !== 'anonymous') {
        await ask('POST', '/api/repos/create', { ...as(column), body: { name: 'brought', private: true } })
      }
      const body = { fromRepo: `${user}/brought`, toRepo: `acme/brought-${column.replace('_', '-')}` }
      return (await ask('POST', '/api/repos/move', { ...as(column), body })).status
    })
    expect(await upload('contributor', 'brought-contributor')).toBe(200)
    expect(await upload('contributor', 'brought-write')).toBe(403)
  })

  it('ROL-10: repos leave the organization by an administrator alone', async () => {
    await holds(row(401, 404, 404, 403, 403, 403, 200), async (column) => {
      await makeRepo(`leaving-${column.replace('_', '-')}`, { private: true })
      const name = `leaving-${column.replace('_', '-')}`
      const body = { fromRepo: `acme/${name}`, toRepo: `u-${column.replace('_', '-')}/${name}` }
      return (await ask('POST', '/api/repos/move', { ...as(column), body })).status
    })
    // Not even what one created.
    const body = { fromRepo: 'acme/theirs', toRepo: 'u-contributor/theirs' }
    expect((await ask('POST', '/api/repos/move', { ...as('contributor'), body })).status).toBe(403)
  })

  it('ROL-11: the profile is edited by administrators alone', async () => {
    await holds(
      row(401, 403, 403, 403, 403, 403, 200),
      async (column) =>
        (
          await ask('PATCH', '/api/organizations/acme/settings', {
            ...as(column),
            body: { description: `by ${column}` },
          })
        ).status,
    )
    await holds(row(403, 403, 403, 403, 403, 403, 303), async (column) => {
      const form = { fullname: 'Acme', description: '', defaultRole: 'read' }
      const { status } = await ask('POST', '/organizations/acme/settings/profile', { ...signedIn(column), form })
      return status === 401 ? 403 : status
    })
  })

  it('ROL-12 and OAT-1: there is no organization API token to refresh', async () => {
    const events = await test.hub.db.read
      .selectFrom('event')
      .select('id')
      .where('action', '=', 'org.rotate_token')
      .execute()
    expect(events).toEqual([])
    expect((await ask('POST', '/api/organizations/acme/settings/tokens/refresh', { token })).status).toBe(404)
  })

  it('ROL-13, ROL-b: members are invited, added, changed and removed by administrators alone', async () => {
    await makeUser(test, 'subject')
    await ask('POST', '/api/organizations/acme/members', { token, body: { user: 'subject', role: 'read' } })
    const least = row(401, 403, 403, 403, 403, 403, 200)
    await holds(
      least,
      async (column) =>
        (await ask('PUT', '/api/organizations/acme/members/subject/role', { ...as(column), body: { role: 'read' } }))
          .status,
    )
    await holds(
      row(401, 403, 403, 403, 403, 403, 201),
      async (column) =>
        (
          await ask('POST', '/api/organizations/acme/invitations', {
            ...as(column),
            body: { email: `${column}@example.com` },
          })
        ).status,
    )
    await holds(
      row(401, 403, 403, 403, 403, 403, 204),
      async (column) => (await ask('DELETE', '/api/organizations/acme/members/subject', as(column))).status,
    )
    await holds(
      row(401, 403, 403, 403, 403, 403, 201),
      async (column) =>
        (
          await ask('POST', '/api/organizations/acme/members', {
            ...as(column),
            body: { user: 'subject', role: 'read' },
          })
        ).status,
    )
    await holds(
      row(303, 403, 403, 403, 403, 403, 200),
      async (column) => (await ask('GET', '/organizations/acme/settings/invitations', signedIn(column))).status,
    )
  })

  it('ROL-14: service accounts and the audit log are for administrators alone', async () => {
    await holds(
      row(401, 403, 403, 403, 403, 403, 200),
      async (column) => (await ask('GET', '/api/organizations/acme/audit-log', as(column))).status,
    )
    await holds(
      row(303, 403, 403, 403, 403, 403, 200),
      async (column) => (await ask('GET', '/organizations/acme/settings/audit-log', signedIn(column))).status,
    )
    await holds(
      row(401, 403, 403, 403, 403, 403, 200),
      async (column) => (await ask('GET', '/api/organizations/acme/service-accounts', as(column))).status,
    )
    await holds(
      row(401, 403, 403, 403, 403, 403, 201),
      async (column) =>
        (
          await ask('POST', '/api/organizations/acme/service-accounts', {
            ...as(column),
            body: { name: `by ${column}` },
          })
        ).status,
    )
  })

  it('ROL-15: the organization is renamed and deleted by an administrator alone', async () => {
    await holds(
      row(303, 403, 403, 403, 403, 403, 200),
      async (column) => (await ask('GET', '/organizations/acme/settings/account', signedIn(column))).status,
    )
    for (const column of columns.filter((each) => each !== 'admin')) {
      const status = column === 'anonymous' ? 401 : 403
      const how = signedIn(column)
      const renamed = await ask('POST', '/api/organizations/acme/rename', {
        ...how,
        body: { name: 'x1', confirm: 'acme' },
      })
      expect(renamed.status, column).toBe(status)
      expect(
        (await ask('DELETE', '/api/organizations/acme', { ...how, body: { confirm: 'acme' } })).status,
        column,
      ).toBe(status)
    }
  })

  it('ROL-e: a member without access belongs to the organization: they count as a seat and can get a role in a workspace', async () => {
    const seats = (await ask('GET', '/api/organizations/acme/seats', { token })).json<{ seats: { used: number } }>()
    const rows = await test.hub.db.read
      .selectFrom('roleGrant')
      .select('role')
      .where('targetId', '=', orgId)
      .where('principalKind', '=', 'user')
      .execute()
    expect(rows.filter(({ role }) => role === 'no_access')).toHaveLength(1)
    expect(seats.seats.used).toBe(rows.length)
    const body = { role: 'no_access', resourceGroups: [{ id: workspaceId, role: 'read' }] }
    expect((await ask('PUT', '/api/organizations/acme/members/u-no-access/role', { token, body })).status).toBe(200)
    expect((await ask('GET', '/api/models/acme/inside', as('no_access'))).status).toBe(200)
    const members = await ask('GET', '/api/organizations/acme/members?search=u-no', { token })
    expect(members.json()).toMatchObject([
      { user: 'u-no-access', resourceGroups: [{ id: workspaceId, role: 'read', numUsers: 1 }] },
    ])
    await ask('PUT', '/api/organizations/acme/members/u-no-access/role', { token, body: { role: 'no_access' } })
    expect((await ask('GET', '/api/models/acme/inside', as('no_access'))).status).toBe(404)
  })

  const atLeastRead = (column: Column) => ['read', 'contributor', 'write', 'admin'].includes(column)
})
