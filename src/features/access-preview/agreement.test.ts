/**
 * Idea 9: what a preview says comes true. In worlds that nobody thought of a change is previewed, then really made by the interface, and
 * everything that everybody could do before and after is asked of the policy, with facts loaded as for a request.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { loadFacts, type Target } from '../../access/load-facts.ts'
import type { Presented } from '../../access/presented.ts'
import { accessStatuses } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import { roles } from '../../domain/role.ts'
import { tokenPolicies, tokenVerdicts } from '../../domain/token-policy.ts'
import type { Tx } from '../../platform/db/database.ts'
import { abilitiesOf, gained, lost, namesOf } from './abilities.ts'
import type { Change } from './change.ts'

const idOf = (letter: string, number: number): string => `${letter}${number}`.padEnd(24, '0')
const people = [1, 2, 3, 4].map((n) => ({ id: idOf('a', n), name: `person${n}` }))
const machines = [1, 2].map((n) => ({ id: idOf('b', n), name: `sa-${idOf('b', n)}` }))
const groups = [1, 2].map((n) => idOf('c', n))
const workspaces = [1, 2].map((n) => idOf('d', n))
const repos = [1, 2, 3, 4, 5, 6].map((n) => ({ id: idOf('e', n), name: `repo${n}` }))
const bearers = [...people, ...machines]

const role = fc.constantFrom(...roles)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 2 })
const onePermission = ['repo.content.read', 'repo.write', 'org.read', 'org.write', 'resourceGroup.write']
const flag = fc.constantFrom(0 as const, 1 as const)

const world = fc.record({
  /** A service account always has a role. */
  members: fc.tuple(maybe(role), maybe(role), maybe(role), maybe(role), role, role),
  direct: fc.uniqueArray(fc.record({ who: fc.nat({ max: 5 }), workspace: fc.nat({ max: 1 }), role }), {
    maxLength: 6,
    selector: ({ who, workspace }) => `${who} ${workspace}`,
  }),
  groupRoles: fc.uniqueArray(fc.record({ group: fc.nat({ max: 1 }), workspace: fc.nat({ max: 1 }), role }), {
    maxLength: 4,
    selector: ({ group, workspace }) => `${group} ${workspace}`,
  }),
  groupMembers: fc.uniqueArray(fc.record({ group: fc.nat({ max: 1 }), who: fc.nat({ max: 5 }) }), {
    maxLength: 8,
    selector: ({ group, who }) => `${group} ${who}`,
  }),
  onRepos: fc.uniqueArray(fc.record({ who: fc.nat({ max: 3 }), repo: fc.nat({ max: 5 }), role }), {
    maxLength: 4,
    selector: ({ who, repo }) => `${who} ${repo}`,
  }),
  requests: fc.uniqueArray(
    fc.record({ who: fc.nat({ max: 5 }), repo: fc.nat({ max: 5 }), status: fc.constantFrom(...accessStatuses) }),
    { maxLength: 6, selector: ({ who, repo }) => `${who} ${repo}` },
  ),
  repos: fc.array(
    fc.record({
      workspace: fc.constantFrom(null, 0, 1),
      visibility: fc.constantFrom('public' as const, 'private' as const, 'private' as const),
      gated: fc.constantFrom('open' as const, 'auto' as const, 'manual' as const),
      orgMembersGated: flag,
      creator: fc.nat({ max: 5 }),
      isDisabled: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
    }),
    { minLength: 6, maxLength: 6 },
  ),
  temporary: fc.subarray([0, 1, 2, 3, 4]),
  factors: fc.subarray([0, 1, 2, 3]),
  secondFactorRequired: flag,
  tokenPolicy: fc.constantFrom('any' as const, ...tokenPolicies),
  mostTokenDays: fc.constantFrom(null, null, 30),
  classicTokensAdminister: flag,
  autoJoin: fc.array(fc.constantFrom(null, 'all' as const, 'read_plus' as const), { minLength: 2, maxLength: 2 }),
  listed: fc.uniqueArray(
    fc.record({
      who: fc.nat({ max: 5 }),
      entity: fc.constantFrom('org', 'w0', 'w1', 'r0', 'r1', 'r2', 'r3'),
      permissions: fc.subarray(onePermission, { minLength: 1 }),
    }),
    { maxLength: 10, selector: ({ who, entity }) => `${who} ${entity}` },
  ),
  verdicts: fc.uniqueArray(
    fc.record({
      who: fc.nat({ max: 3 }),
      as: fc.constantFrom('read', 'write', 'fineGrained'),
      verdict: fc.constantFrom(...tokenVerdicts),
    }),
    { maxLength: 4, selector: ({ who, as }) => `${who} ${as}` },
  ),
})
type World = typeof world extends fc.Arbitrary<infer W> ? W : never

const organization = fc.constant('acme')
const user = fc.constantFrom(...bearers.map(({ name }) => name))
const workspace = fc.constantFrom(...workspaces)
const aRepo = fc.constantFrom(...repos).map(({ name }) => ({ type: 'model' as const, name: `acme/${name}` }))
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('member_role' as const), organization, user, role: maybe(role) }),
  fc.record({ kind: fc.constant('workspace_role' as const), organization, workspace, user, role: maybe(role) }),
  fc.record({
    kind: fc.constant('workspace_role' as const),
    organization,
    workspace,
    group: fc.constantFrom(...groups),
    role: maybe(role),
  }),
  fc.record({
    kind: fc.constant('group_member' as const),
    organization,
    group: fc.constantFrom(...groups),
    user,
    isMember: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('repo_workspace' as const),
    repos: fc.uniqueArray(aRepo, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
    workspace: maybe(workspace),
  }),
  fc.record({
    kind: fc.constant('repo_visibility' as const),
    repo: aRepo,
    visibility: fc.constantFrom('public' as const, 'private' as const),
  }),
  fc.record({
    kind: fc.constant('repo_gate' as const),
    repo: aRepo,
    gated: fc.constantFrom(false as const, 'auto' as const, 'manual' as const),
    orgMembersGated: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('token_policy' as const),
    organization,
    policy: fc.constantFrom(...tokenPolicies),
    mostDays: fc.constantFrom(null, 30),
    classicTokensAdminister: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('second_factor' as const), organization, required: fc.boolean() }),
)

interface Tools {
  readonly ask: Ask
  send(cookie: string, path: string, body: Record<string, string>): Promise<Response>
}

interface Entry {
  principal: { type: string; name?: string }
  resource: { type: string; id?: string; count?: number }
  before: string[]
  after: string[]
}
interface Preview {
  gains: Entry[]
  loses: Entry[]
  tokens: { gains: { id: string }[]; loses: { id: string }[] }
}

describe.each(dialects)('access previews on %s', (dialect) => {
  let at: TestHub
  let ask: Ask
  let send: Tools['send']
  let boss: string
  let acme: string

  beforeAll(async () => {
    at = await startHub({ dialect, env: { HOLDFAST_RATE_LIMIT_API: '1000000' } })
    ask = jsonClient(at.url)
    send = (cookie, path, body) =>
      fetch(at.url + path, {
        method: 'POST',
        headers: { cookie },
        body: new URLSearchParams({ ...body }),
        redirect: 'manual',
      })
    const owner = await makeUser(at, 'boss', { password: 'correct horse battery staple' })
    acme = (await makeOrganization(at, 'acme', owner)).id
    boss = await signInAs(at, owner)
    await at.hub.transaction(async (tx) => {
      await tx.updateTable('user').set({ secondFactorAt: 1 }).where('id', '=', owner.id).execute()
      await insertPeople(tx, acme)
    })
  }, 60_000)
  afterAll(() => at.stop())

  test('idea 9: a preview says what then happens, to everybody and every token', { timeout: 300_000 }, async () => {
    let made = 0
    let differed = 0
    const property = fc.asyncProperty(world, change, async (aWorld, aChange) => {
      await build(at, acme, aWorld)
      const previewed = await ask('POST', '/api/access/preview', boss, { change: aChange, limit: 1000 })
      const before = await look(at)
      const done = await make({ ask, send }, boss, aChange)
      // What is refused when it is made says so in the preview, or names somebody who has nothing there.
      if (done >= 400) return
      expect({ status: previewed.status, text: previewed.status === 200 ? '' : previewed.text }).toEqual({
        status: 200,
        text: '',
      })
      const after = await look(at)
      made++
      const preview = previewed.json<Preview>()
      const truth = differences(before, after, strangersTo(aChange, aWorld))
      if (truth.principals.size > 0) differed++
      expect(told(preview)).toEqual(sorted(truth.principals))
      for (const side of ['gains', 'loses'] as const) {
        const ids = preview.tokens[side].map(({ id }) => id).sort()
        expect({ side, ids }).toEqual({ side, ids: [...truth.tokens[side]].sort() })
      }
    })
    await fc.assert(property, { numRuns: 150 })
    expect(made).toBeGreaterThan(20)
    expect(differed).toBeGreaterThan(10)
  })
})

/** `name|kind of thing|before|after` to how many things. */
function told({ gains, loses }: Preview): [string, number][] {
  const counts = new Map<string, number>()
  // Who gains one thing and loses another with the same repo stands in both lists. Two entries that read alike are of two sorts of repos.
  const onlyLoses = loses.filter(({ before, after }) => after.every((ability) => before.includes(ability)))
  for (const entry of [...gains, ...onlyLoses]) {
    const { principal, resource, before, after } = entry
    const on = ['organization', 'workspace'].includes(resource.type) ? resource.type : 'repo'
    const key = `${principal.name ?? principal.type}|${on}|${before.join()}|${after.join()}`
    counts.set(key, (counts.get(key) ?? 0) + (resource.count ?? 1))
  }
  return sorted(counts)
}

const sorted = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort(([a], [b]) => (a < b ? -1 : 1))

type Seen = Map<string, number>

/** What each can do with each thing: `who|thing` to abilities. Tokens by `token:id`. */
async function look({ hub }: TestHub): Promise<Seen> {
  const seen: Seen = new Map()
  const who: [string, Presented][] = [['everyone', { kind: 'none' }]]
  for (const { id, name } of people) {
    who.push([name, { kind: 'session', hash: `session ${id}` }])
    for (const as of ['read', 'write', 'fineGrained'])
      who.push([`token:${as} ${id}`, { kind: 'token', hash: `${as} ${id}` }])
  }
  for (const { id, name } of machines) {
    who.push([name, { kind: 'token', hash: `inherit ${id}` }])
    for (const as of ['inherit', 'fineGrained']) who.push([`token:${as} ${id}`, { kind: 'token', hash: `${as} ${id}` }])
  }
  const things: Target[] = [
    ...repos.map(({ name }): Target => ({ on: 'repo', kind: 'model', namespace: 'acme', name })),
    ...workspaces.map((id): Target => ({ on: 'workspace', organization: 'acme', id })),
    { on: 'organization', name: 'acme' },
  ]
  for (const [name, presented] of who) {
    for (const [index, thing] of things.entries()) {
      const { facts } = await loadFacts(hub.db, presented, thing, hub.clock.now())
      const set = abilitiesOf(facts)
      seen.set(`${name}|${thing.on}|${index}`, set)
      if (thing.on !== 'organization' && thing.on !== 'workspace') continue
      // What the request would load that makes a repo there.
      const place: Target = {
        on: 'namespace',
        name: 'acme',
        ...(thing.on === 'workspace' ? { workspaceId: thing.id } : {}),
      }
      const making = await loadFacts(hub.db, presented, place, hub.clock.now())
      expect(namesOf(set).includes('write'), name).toBe(decide('repo.create', making.facts).allow)
    }
    const org = await hub.db.list
      .selectFrom('roleGrant')
      .select('principalId')
      .where('targetKind', '=', 'organization')
      .where('principalId', '=', people.find((person) => name.endsWith(` ${person.id}`))?.id ?? '')
      .executeTakeFirst()
    seen.set(
      `member|${name}`,
      org === undefined && !name.includes(idOf('b', 1)) && !name.includes(idOf('b', 2)) ? 0 : 1,
    )
  }
  return seen
}

/** Who has nothing to do with what is changed is one of `everyone`. */
function strangersTo(change: Change, world: World): ReadonlySet<string> {
  const named = change.kind === 'repo_workspace' ? change.repos : 'repo' in change ? [change.repo] : null
  if (named === null) return new Set()
  const touched = (index: number) => named.some(({ name }) => name === `acme/${repos[index]?.name}`)
  const strangers = people.filter(
    (_, who) =>
      world.members[who] === null &&
      ![...world.onRepos, ...world.requests].some((each) => each.who === who && touched(each.repo)),
  )
  return new Set(strangers.map(({ name }) => name))
}

function differences(before: Seen, after: Seen, strangers: ReadonlySet<string>) {
  const principals = new Map<string, number>()
  const tokens = { gains: new Set<string>(), loses: new Set<string>() }
  for (const [key, was] of before) {
    const is = after.get(key) ?? 0
    const [name = '', on = ''] = key.split('|')
    if (was === is || name === 'member' || strangers.has(name)) continue
    if (name.startsWith('token:')) {
      // Tokens of people who were none of the organization are in no list of it.
      if (before.get(`member|${name}`) !== 1) continue
      if (gained(was, is) !== 0) tokens.gains.add(name.slice('token:'.length))
      if (lost(was, is) !== 0) tokens.loses.add(name.slice('token:'.length))
      continue
    }
    const text = `${name}|${on}|${namesOf(was).join()}|${namesOf(is).join()}`
    principals.set(text, (principals.get(text) ?? 0) + 1)
  }
  return { principals, tokens }
}

/** Makes the change by the interface; the status of the answer. */
async function make({ ask, send }: Tools, boss: string, change: Change): Promise<number> {
  const base = '/api/organizations/acme'
  const put = async (method: string, path: string, body?: unknown) => (await ask(method, path, boss, body)).status
  switch (change.kind) {
    case 'member_role': {
      const machine = /^sa-(.*)$/.exec(change.user)?.[1]
      if (machine !== undefined) {
        if (change.role === null) return 400
        return await put('PATCH', `${base}/service-accounts/${machine}`, { role: change.role })
      }
      if (change.role === null) return await put('DELETE', `${base}/members/${change.user}`)
      // The page's way: the workspaces of the member stay.
      return (await send(boss, `/organizations/acme/settings/members/${change.user}`, { role: change.role })).status
    }
    case 'workspace_role': {
      const part = change.user === undefined ? 'groups' : 'users'
      const name = change.user ?? change.group ?? ''
      const path = `${base}/resource-groups/${change.workspace}/${part}`
      if (change.role === null) return await put('DELETE', `${path}/${name}`)
      const changed = await put('PATCH', `${path}/${name}`, { role: change.role })
      if (changed !== 404) return changed
      return await put(
        'POST',
        path,
        change.user === undefined ? { group: name, role: change.role } : { users: [{ user: name, role: change.role }] },
      )
    }
    case 'group_member': {
      const path = `${base}/groups/${change.group}/members/${change.user}`
      return change.isMember ? await put('PUT', path, { role: 'member' }) : await put('DELETE', path)
    }
    case 'repo_workspace': {
      for (const repo of change.repos) {
        const path = `/api/models/${repo.name}/resource-group`
        const status = await put('POST', path, { resourceGroupId: change.workspace })
        if (status >= 400) return status
      }
      return 200
    }
    case 'repo_visibility':
      return await put('PUT', `/api/models/${change.repo.name}/settings`, { visibility: change.visibility })
    case 'repo_gate': {
      const { gated, orgMembersGated } = change
      return await put('PUT', `/api/models/${change.repo.name}/settings`, { gated, orgMembersGated })
    }
    case 'token_policy': {
      const { policy, mostDays, classicTokensAdminister } = change
      return await put('PUT', `${base}/token-policy`, { policy, mostDays, classicTokensAdminister })
    }
    case 'second_factor':
      return await put('PUT', `${base}/settings/security`, { secondFactorRequired: change.required })
  }
}

async function insertPeople(tx: Tx, acme: string): Promise<void> {
  const plain = { createdAt: 0 }
  for (const { id, name } of people) {
    await tx
      .insertInto('namespace')
      .values({ id, kind: 'user', name, nameKey: name, ...plain })
      .execute()
    const none = { fullname: null, passwordHash: null, passwordChangedAt: null, isAdmin: 0 as const }
    await tx
      .insertInto('user')
      .values({ id, ...none, state: 'active', ...plain })
      .execute()
    await tx
      .insertInto('session')
      .values({
        id: `s${id}`,
        tokenHash: `session ${id}`,
        userId: id,
        ...plain,
        lastUsedAt: 0,
        expiresAt: Number.MAX_SAFE_INTEGER,
        lastIp: null,
        userAgent: null,
      })
      .execute()
  }
  for (const { id, name } of machines) {
    await tx
      .insertInto('serviceAccount')
      .values({ id, organizationId: acme, name, nameKey: name, ...plain })
      .execute()
  }
  for (const [index, id] of groups.entries()) {
    const name = `group${index}`
    await tx
      .insertInto('memberGroup')
      .values({ id, organizationId: acme, name, nameKey: name, ...plain })
      .execute()
  }
  for (const { id } of bearers) {
    for (const role of id.startsWith('a')
      ? (['read', 'write', 'fineGrained'] as const)
      : (['inherit', 'fineGrained'] as const)) {
      await tx
        .insertInto('accessToken')
        .values({
          id: `${role} ${id}`,
          hash: `${role} ${id}`,
          last4: '0000',
          ownerId: id,
          name: role,
          role,
          canReadGatedRepos: id.endsWith('1'.padEnd(23, '0')) ? 1 : 0,
          globalPermissions: '[]',
          createdAt: 0,
        })
        .execute()
    }
  }
}

const kindOf = (id: string) => (id.startsWith('b') ? ('service-account' as const) : ('user' as const))

async function build({ hub }: TestHub, acme: string, world: World): Promise<void> {
  const ownerOf = (who: number): string => bearers[who]?.id ?? ''
  await hub.transaction(async (tx) => {
    for (const table of [
      'accessRequest',
      'repo',
      'tokenGrant',
      'groupMember',
      'organizationToken',
      'workspace',
    ] as const)
      await tx.deleteFrom(table).execute()
    await tx
      .deleteFrom('roleGrant')
      .where('principalId', 'in', [...bearers.map(({ id }) => id), ...groups])
      .execute()
    const { secondFactorRequired, tokenPolicy, mostTokenDays, classicTokensAdminister } = world
    await tx
      .updateTable('organization')
      .set({ secondFactorRequired, tokenPolicy, mostTokenDays, classicTokensAdminister })
      .execute()
    for (const [index, { id }] of people.entries())
      await tx
        .updateTable('user')
        .set({ secondFactorAt: world.factors.includes(index) ? 1 : null })
        .where('id', '=', id)
        .execute()
    for (const [index, id] of workspaces.entries()) {
      const name = `workspace${index}`
      const autoJoin = world.autoJoin[index] ?? null
      const joins = { autoJoin, autoJoinRole: autoJoin === null ? null : ('write' as const) }
      await tx
        .insertInto('workspace')
        .values({ id, organizationId: acme, name, nameKey: name, createdAt: 0, ...joins })
        .execute()
    }
    const grants = [
      ...world.members.flatMap((role, who) =>
        role === null ? [] : [{ targetId: acme, targetKind: 'organization' as const, principalId: ownerOf(who), role }],
      ),
      ...world.direct.map(({ who, workspace: place, role }) => ({
        targetId: workspaces[place] ?? '',
        targetKind: 'workspace' as const,
        principalId: ownerOf(who),
        role,
      })),
      ...world.groupRoles.map(({ group, workspace: place, role }) => ({
        targetId: workspaces[place] ?? '',
        targetKind: 'workspace' as const,
        principalId: groups[group] ?? '',
        role,
      })),
      ...world.onRepos.map(({ who, repo, role }) => ({
        targetId: repos[repo]?.id ?? '',
        targetKind: 'repo' as const,
        principalId: ownerOf(who),
        role,
      })),
    ]
    for (const [index, grant] of grants.entries()) {
      // Some hold a stronger role for a while, some one that has ended.
      const until = hub.clock.now() + (index % 2 === 0 ? 3_600_000 : -1)
      const temporary = world.temporary.includes(index)
        ? { temporaryRole: 'write' as const, temporaryUntil: until, endsWhole: 0 as const }
        : {}
      const principalKind = groups.includes(grant.principalId) ? ('group' as const) : kindOf(grant.principalId)
      await tx
        .insertInto('roleGrant')
        .values({ ...grant, ...temporary, principalKind, createdAt: 0, createdBy: null })
        .execute()
    }
    for (const { group, who } of world.groupMembers) {
      const principalId = ownerOf(who)
      await tx
        .insertInto('groupMember')
        .values({
          groupId: groups[group] ?? '',
          principalId,
          principalKind: kindOf(principalId),
          role: 'member',
          createdAt: 0,
          createdBy: null,
        })
        .execute()
    }
    for (const [index, each] of world.repos.entries()) {
      const { id = '', name = '' } = repos[index] ?? {}
      await tx
        .insertInto('repo')
        .values({
          id,
          kind: 'model',
          ownerId: acme,
          name,
          nameKey: name,
          fullName: `acme/${name}`,
          fullNameKey: `acme/${name}`,
          visibility: each.visibility,
          creatorId: ownerOf(each.creator),
          workspaceId: each.workspace === null ? null : (workspaces[each.workspace] ?? null),
          disabledAt: each.isDisabled ? 1 : null,
          gated: each.gated,
          orgMembersGated: each.orgMembersGated,
          description: null,
          headCommit: null,
          cardCommit: null,
          cardData: null,
          config: null,
          pipelineTag: null,
          libraryName: null,
          sdk: null,
          createdAt: index,
          updatedAt: index,
          deletedAt: null,
        })
        .execute()
    }
    for (const { who, repo, status } of world.requests) {
      const principalId = ownerOf(who)
      await tx
        .insertInto('accessRequest')
        .values({
          id: `${who} ${repo}`,
          repoId: repos[repo]?.id ?? '',
          principalId,
          principalKind: kindOf(principalId),
          status,
          askedAt: 0,
          askedBy: principalId,
        })
        .execute()
    }
    for (const { who, entity, permissions } of world.listed) {
      const index = Number(entity.slice(1))
      const [entityId, entityType] =
        entity === 'org'
          ? [acme, 'org' as const]
          : entity.startsWith('w')
            ? [workspaces[index] ?? '', 'resource-group' as const]
            : [repos[index]?.id ?? '', 'model' as const]
      await tx
        .insertInto('tokenGrant')
        .values({
          tokenId: `fineGrained ${ownerOf(who)}`,
          entityType,
          entityId,
          entityName: entity,
          permissions: JSON.stringify(permissions),
        })
        .execute()
    }
    for (const { who, as, verdict } of world.verdicts) {
      await tx
        .insertInto('organizationToken')
        .values({ tokenId: `${as} ${ownerOf(who)}`, organizationId: acme, verdict, decidedBy: null, decidedAt: 0 })
        .execute()
    }
  })
}
