/**
 * A right that is taken away is gone with the next request, on every surface and on every replica (AUTH-5). Each test hammers all surfaces of
 * two hubs that share one PostgreSQL (SQLite: one hub) while somebody takes the right away, and counts what still worked of the requests
 * that began after the revoking answer had arrived: nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { dialects, makeDatabase, type TestDatabase } from '../support/databases.ts'
import { addApp } from '../support/factors.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const password = 'correct horse battery'

interface Holder {
  /** Value of a token, or null for a session alone. */
  readonly token: string | null
  /** `Cookie` header, where the right is that of a person. */
  readonly cookie: string | null
}

interface Surface {
  readonly name: string
  /** Shows what describes the repo, which a gate does not shut. */
  readonly isOpen?: true
  /** True if the request got through the door. */
  ask(replica: string): Promise<boolean>
}

describe.each(dialects)('what is taken away, on %s', (dialect) => {
  let database: TestDatabase | null = null
  let first: TestHub
  let second: TestHub | null = null
  let admin: TestUser
  let made = 0

  beforeAll(async () => {
    database = dialect === 'postgres' ? await makeDatabase('postgres', { migrated: false }) : null
    const env: Record<string, string> = {
      HOLDFAST_RATE_LIMIT_API: '0',
      HOLDFAST_RATE_LIMIT_RESOLVERS: '0',
      HOLDFAST_RATE_LIMIT_PAGES: '0',
    }
    if (database !== null) env.HOLDFAST_DATABASE_URL = database.options.url ?? ''
    first = await startHub({ env })
    // A second process would be no different: the two hubs share nothing but the database and the folder.
    if (database !== null) second = await startHub({ env, folder: first.folder })
    admin = await makeUser(first, 'root-of-acme', { tokenRole: 'write' })
    await makeOrganization(first, 'acme', admin)
  })
  afterAll(async () => {
    await second?.stop()
    await first.stop()
    await database?.remove()
  })

  const replicas = () => [first, ...(second === null ? [] : [second])].map(({ url }) => url)

  /** As the administrator of `acme`, on the first replica. */
  async function administer(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`${first.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${admin.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  async function newMember(role: string): Promise<TestUser> {
    const user = await makeUser(first, `member-${++made}`, { password })
    await administer('POST', '/api/organizations/acme/members', { user: user.name, role })
    return user
  }

  async function newRepo(): Promise<string> {
    const name = `private-${++made}`
    await administer('POST', '/api/repos/create', { name, organization: 'acme', private: true })
    return `acme/${name}`
  }

  async function holderOf(user: TestUser): Promise<Holder & { readonly token: string; readonly cookie: string }> {
    const token = await makeToken(first, user, { role: 'read', name: 'hammer' })
    return { token, cookie: await signInAs(first, user) }
  }

  /** Takes the right away in the middle of the hammering. `cut` returns when the answer has arrived. `what`: all, or the ways to content alone. */
  async function hammer(
    holder: Holder,
    repo: string,
    cut: () => Promise<unknown>,
    what: 'all' | 'content' = 'all',
  ): Promise<void> {
    const asked: { surface: string; startedAt: number; passed: boolean }[] = []
    let isOver = false
    const every = await surfacesOf(first.url, holder, repo)
    const surfaces = every.filter(({ isOpen }) => what === 'all' || isOpen !== true)
    const loops = replicas().flatMap((replica) =>
      surfaces.map(async (surface) => {
        while (!isOver) {
          const startedAt = performance.now()
          const passed = await surface.ask(replica)
          asked.push({ surface: `${surface.name} at ${replica}`, startedAt, passed })
        }
      }),
    )
    const everyoneAnswered = () => new Set(asked.map(({ surface }) => surface)).size === loops.length
    while (!everyoneAnswered()) await pause(20)
    await cut()
    const cutAt = performance.now()
    // Each surface is asked some more times, however slow the machine is.
    const later = () =>
      new Map([
        ...Map.groupBy(
          asked.filter(({ startedAt }) => startedAt > cutAt),
          (a) => a.surface,
        ),
      ])
    const enough = () => later().size === loops.length && [...later().values()].every(({ length }) => length >= 3)
    while (!enough()) await pause(20)
    isOver = true
    await Promise.all(loops)
    for (const [surface, answers] of Map.groupBy(asked, (each) => each.surface)) {
      expect(
        answers.some(({ passed }) => passed),
        `${surface} before`,
      ).toBe(true)
      expect(
        answers.filter(({ startedAt, passed }) => startedAt > cutAt && passed),
        `${surface} after`,
      ).toEqual([])
    }
  }

  test('UAT-11: a token that is deleted', async () => {
    const member = await newMember('read')
    const { token, cookie } = await holderOf(member)
    const id = await tokenId(first.url, cookie)
    await hammer({ token, cookie: null }, await newRepo(), () =>
      personally(first.url, cookie, 'DELETE', `/api/settings/tokens/${id}`),
    )
  })

  test('UAT-11: a token that is refreshed', async () => {
    const member = await newMember('read')
    const { token, cookie } = await holderOf(member)
    const id = await tokenId(first.url, cookie)
    await hammer({ token, cookie: null }, await newRepo(), () =>
      personally(first.url, cookie, 'POST', `/api/settings/tokens/${id}/rotate`, {}),
    )
  })

  test('AUTH-5: a member who is demoted to no_access, with token and session', async () => {
    const member = await newMember('read')
    await hammer(await holderOf(member), await newRepo(), () =>
      administer('PUT', `/api/organizations/acme/members/${member.name}/role`, { role: 'no_access' }),
    )
  })

  test('AUTH-5: a member who is removed', async () => {
    const member = await newMember('write')
    await hammer(await holderOf(member), await newRepo(), () =>
      administer('DELETE', `/api/organizations/acme/members/${member.name}`),
    )
  })

  test('AUTH-5: a repo that is deleted', async () => {
    const member = await newMember('write')
    const repo = await newRepo()
    await hammer(await holderOf(member), repo, () =>
      administer('DELETE', '/api/repos/delete', { organization: 'acme', name: repo.split('/')[1] }),
    )
  })

  interface Machine {
    readonly id: string
    readonly user: string
    readonly token: string
    readonly tokenId: string
  }

  async function newMachine(role: string, mode: 'inherit' | 'scoped' = 'inherit'): Promise<Machine> {
    const here = '/api/organizations/acme/service-accounts'
    const account = (await (await administer('POST', here, { name: `ci-${++made}`, role })).json()) as {
      _id: string
      user: string
    }
    const minted = await administer('POST', `${here}/${account._id}/tokens`, {
      mode,
      ...(mode === 'scoped' ? { permissions: ['repo.content.read'] } : {}),
    })
    const { token, tokenInfo } = (await minted.json()) as { token: string; tokenInfo: { _id: string } }
    return { id: account._id, user: account.user, token, tokenId: tokenInfo._id }
  }

  const machineHolder = ({ token }: Machine): Holder => ({ token, cookie: null })

  test('SA-30: a service account that is disabled', async () => {
    const machine = await newMachine('read')
    await hammer(machineHolder(machine), await newRepo(), () =>
      administer('POST', `/api/organizations/acme/service-accounts/${machine.id}/disable`),
    )
  })

  test('SA-25: a token of a service account that is refreshed', async () => {
    const machine = await newMachine('read', 'scoped')
    await hammer(machineHolder(machine), await newRepo(), () =>
      administer('POST', `/api/organizations/acme/service-accounts/${machine.id}/tokens/${machine.tokenId}/rotate`, {}),
    )
  })

  test('SA-28: all tokens of a service account', async () => {
    const machine = await newMachine('write')
    await hammer(machineHolder(machine), await newRepo(), () =>
      administer('DELETE', `/api/organizations/acme/service-accounts/${machine.id}/tokens`),
    )
  })

  test('SA-29: a service account whose role is lowered', async () => {
    const machine = await newMachine('write')
    await hammer(machineHolder(machine), await newRepo(), () =>
      administer('PATCH', `/api/organizations/acme/service-accounts/${machine.id}`, { role: 'no_access' }),
    )
  })

  async function newWorkspace(users: readonly { user: string; role: string }[] = []): Promise<string> {
    const answer = await administer('POST', '/api/organizations/acme/resource-groups', {
      name: `workspace ${++made}`,
      users,
    })
    return ((await answer.json()) as { id: string }).id
  }

  const place = (repo: string, workspace: string) =>
    administer('POST', `/api/models/${repo}/resource-group`, { resourceGroupId: workspace })

  test('WS-4: a private repo that moves into a workspace, for a member with token and session', async () => {
    const member = await newMember('write')
    const repo = await newRepo()
    const workspace = await newWorkspace()
    await hammer(await holderOf(member), repo, () => place(repo, workspace))
  })

  test('WS-4: the same for a service account with the role write', async () => {
    const machine = await newMachine('write')
    const repo = await newRepo()
    const workspace = await newWorkspace()
    await hammer(machineHolder(machine), repo, () => place(repo, workspace))
  })

  test('WS-2: a role in a workspace that is taken away', async () => {
    const member = await newMember('no_access')
    const workspace = await newWorkspace([{ user: member.name, role: 'read' }])
    const repo = await newRepo()
    await place(repo, workspace)
    await hammer(await holderOf(member), repo, () =>
      administer('DELETE', `/api/organizations/acme/resource-groups/${workspace}/users/${member.name}`),
    )
  })

  async function newGroup(...names: readonly string[]): Promise<string> {
    const answer = await administer('POST', '/api/organizations/acme/groups', { name: `group ${++made}` })
    const { id } = (await answer.json()) as { id: string }
    for (const name of names) {
      await administer('PUT', `/api/organizations/acme/groups/${id}/members/${name}`, { role: 'member' })
    }
    return id
  }

  test('GRP-6: somebody who is taken out of the group that let them in', async () => {
    const member = await newMember('no_access')
    const group = await newGroup(member.name)
    const [workspace, repo] = [await newWorkspace(), await newRepo()]
    await administer('POST', `/api/organizations/acme/resource-groups/${workspace}/groups`, { group, role: 'read' })
    await place(repo, workspace)
    await hammer(await holderOf(member), repo, () =>
      administer('DELETE', `/api/organizations/acme/groups/${group}/members/${member.name}`),
    )
  })

  test('GRP-7: a group that is deleted, for a service account in it', async () => {
    const machine = await newMachine('no_access')
    const group = await newGroup(machine.user)
    const [workspace, repo] = [await newWorkspace(), await newRepo()]
    await administer('POST', `/api/organizations/acme/resource-groups/${workspace}/groups`, { group, role: 'write' })
    await place(repo, workspace)
    await hammer(machineHolder(machine), repo, () => administer('DELETE', `/api/organizations/acme/groups/${group}`))
  })

  test('AUTH-4e: an organization that begins to ask for a second factor, and a second factor that goes', async () => {
    const boss = await makeUser(first, `boss-${dialect}`, { password })
    const organization = `strict-${dialect}`
    await makeOrganization(first, organization, boss)
    const bossCookie = await signInAs(first, boss)
    await addApp(first, bossCookie, Date.now())
    const asBoss = (method: string, path: string, body: object) => personally(first.url, bossCookie, method, path, body)
    const member = await makeUser(first, `strict-member-${dialect}`, { password })
    await asBoss('POST', `/api/organizations/${organization}/members`, { user: member.name, role: 'read' })
    await asBoss('POST', '/api/repos/create', { name: 'secret', organization, private: true })
    const holder = await holderOf(member)
    const repo = `${organization}/secret`
    await hammer(holder, repo, () =>
      asBoss('PUT', `/api/organizations/${organization}/settings/security`, { secondFactorRequired: true }),
    )
    await addApp(first, holder.cookie, Date.now())
    await hammer(holder, repo, () =>
      personally(first.url, holder.cookie, 'POST', '/settings/authentication/app/remove', ''),
    )
  })

  async function newGated(): Promise<string> {
    const name = `gated-${++made}`
    await administer('POST', '/api/repos/create', { name, organization: 'acme', private: false })
    await administer('PUT', `/api/models/acme/${name}/settings`, { gated: 'manual' })
    return `acme/${name}`
  }

  test('REP-5: access to a gated repo that is withdrawn, with token and session', async () => {
    const reader = await makeUser(first, `reader-${++made}`, { password })
    const repo = await newGated()
    const requests = `/api/models/${repo}/user-access-request`
    await administer('POST', `${requests}/grant`, { user: reader.name })
    await hammer(
      await holderOf(reader),
      repo,
      () => administer('POST', `${requests}/handle`, { user: reader.name, status: 'rejected' }),
      'content',
    )
  })

  test('REP-8: the same for a service account; and members, when the gate is put before them too', async () => {
    const machine = await newMachine('no_access')
    const repo = await newGated()
    const requests = `/api/models/${repo}/user-access-request`
    await administer('POST', `${requests}/grant`, { user: machine.user })
    await hammer(
      machineHolder(machine),
      repo,
      () => administer('POST', `${requests}/handle`, { user: machine.user, status: 'pending' }),
      'content',
    )
    const member = await newMember('write')
    await hammer(
      await holderOf(member),
      repo,
      () => administer('PUT', `/api/models/${repo}/settings`, { orgMembersGated: true }),
      'content',
    )
  })

  test('a session that is ended elsewhere', async () => {
    const member = await newMember('read')
    const { cookie } = await holderOf(member)
    const other = await signInAs(first, member)
    await hammer({ token: null, cookie }, await newRepo(), () =>
      personally(first.url, other, 'POST', '/settings/sessions/end-others', ''),
    )
  })
})

/** Every way in. A status that only those get who passed the door counts as passed. */
async function surfacesOf(url: string, holder: Holder, repo: string): Promise<Surface[]> {
  const surfaces: Surface[] = []
  const status = async (address: string, init: RequestInit): Promise<number> => {
    const response = await fetch(address, { redirect: 'manual', ...init })
    await response.arrayBuffer()
    return response.status
  }
  if (holder.token !== null) {
    const bearer = { authorization: `Bearer ${holder.token}` }
    const basic = { authorization: `Basic ${Buffer.from(`anybody:${holder.token}`).toString('base64')}` }
    const xet = (await (await fetch(`${url}/api/models/${repo}/xet-read-token/main`, { headers: bearer })).json()) as {
      casUrl: string
      accessToken: string
    }
    const cas = new URL(xet.casUrl).pathname
    const absent = `1${'0'.repeat(63)}`
    surfaces.push(
      {
        name: 'API',
        isOpen: true,
        ask: async (at) => (await status(`${at}/api/models/${repo}`, { headers: bearer })) === 200,
      },
      {
        name: 'resolve',
        ask: async (at) => (await status(`${at}/${repo}/resolve/main/.gitattributes`, { headers: bearer })) === 200,
      },
      {
        name: 'git',
        ask: async (at) =>
          (await status(`${at}/${repo}.git/info/refs?service=git-upload-pack`, { headers: basic })) === 200,
      },
      {
        name: 'LFS',
        ask: async (at) =>
          (await status(`${at}/${repo}.git/info/lfs/objects/batch`, {
            method: 'POST',
            headers: { ...basic, 'content-type': 'application/vnd.git-lfs+json' },
            body: JSON.stringify({ operation: 'download', objects: [{ oid: 'a'.repeat(64), size: 1 }] }),
          })) === 200,
      },
      {
        name: 'Xet token',
        ask: async (at) => (await status(`${at}/api/models/${repo}/xet-read-token/main`, { headers: bearer })) === 200,
      },
      {
        name: 'Xet storage',
        // There is no such file: whoever is told so, and not that there is no such repo, was let in.
        ask: async (at) => {
          const response = await fetch(`${at}${cas}/v2/reconstructions/${absent}`, {
            headers: { authorization: `Bearer ${xet.accessToken}` },
          })
          return ((await response.json()) as { code: string }).code === 'xet_file_missing'
        },
      },
    )
  }
  if (holder.cookie !== null) {
    const headers = { cookie: holder.cookie }
    surfaces.push(
      { name: 'page', isOpen: true, ask: async (at) => (await status(`${at}/${repo}`, { headers })) === 200 },
      {
        name: 'page of a file',
        ask: async (at) => (await status(`${at}/${repo}/blob/main/.gitattributes`, { headers })) === 200,
      },
    )
  }
  return surfaces
}

async function tokenId(url: string, cookie: string): Promise<string> {
  const response = await personally(url, cookie, 'GET', '/api/settings/tokens')
  const tokens = (await response.json()) as { _id: string; id?: string; displayName: string }[]
  const found = tokens.find(({ displayName }) => displayName === 'hammer')
  if (found === undefined) throw new Error('There is no such token.')
  return found._id
}

/** In a session. */
async function personally(
  url: string,
  cookie: string,
  method: string,
  path: string,
  body?: object | string,
): Promise<Response> {
  const isForm = typeof body === 'string'
  const response = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      cookie,
      origin: url,
      ...(body === undefined
        ? {}
        : { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  })
  if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
