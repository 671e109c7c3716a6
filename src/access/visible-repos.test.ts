/** A list and the policy are two ways to say the same: list == filter(all, decide), in worlds that nobody thought of (UAT-4 to UAT-8, WS-3, REP-1). */
import fc from 'fast-check'
import { CompiledQuery, type DatabaseConnection, Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../tests/support/databases.ts'
import { accessStatuses, type RepoKind } from '../domain/facts.ts'
import { decide } from '../domain/policy.ts'
import { roles } from '../domain/role.ts'
import { type TokenPolicy, tokenVerdicts } from '../domain/token-policy.ts'
import type { Db, Tx } from '../platform/db/database.ts'
import { kyselyProps } from '../platform/db/kysely-handle.ts'
import type { AccessTokenTable, Schema } from '../platform/db/schema.ts'
import { loadFacts } from './load-facts.ts'
import type { Presented } from './presented.ts'
import { type RepoListQuery, type RepoPosition, repoOrders, visibleRepos } from './visible-repos.ts'

const users = ['u1', 'u2', 'u3']
const organizations = ['o1', 'o2'] as const
const machines = ['m1', 'm2'] as const
const groups = ['g1', 'g2', 'g3'] as const
/** The organization that each belongs to. */
const homes = { m1: 'o1', m2: 'o2', g1: 'o1', g2: 'o2', g3: 'o1' } as const
const workspaces = [
  { id: 'w1', organizationId: 'o1' },
  { id: 'w2', organizationId: 'o1' },
  { id: 'w3', organizationId: 'o2' },
]
const repoIds = Array.from({ length: 14 }, (_, index) => `r${String(index).padStart(2, '0')}`)
const tagNames = ['license:mit', 'en', 'bert']
const words = ['b', 'be', 'bert', 'rt', 'o1/', '-', 'large', 'zz', 't-l', 'u1/be']

const place = fc.oneof(
  fc.constantFrom(...users).map((ownerId) => ({ ownerId, workspaceId: null })),
  fc.constantFrom(...organizations).map((ownerId) => ({ ownerId, workspaceId: null })),
  fc.constantFrom(...workspaces).map((workspace) => ({ ownerId: workspace.organizationId, workspaceId: workspace.id })),
)

const repo = fc.record({
  place,
  kind: fc.constantFrom<RepoKind>('model', 'model', 'dataset'),
  stem: fc.constantFrom('bert', 'bert-large', 'tree', 'x', 'qt'),
  visibility: fc.constantFrom('public', 'private', 'private', 'protected'),
  creatorId: fc.constantFrom(...users, ...machines),
  isDisabled: fc.boolean(),
  gated: fc.constantFrom('open' as const, 'open' as const, 'auto' as const, 'manual' as const),
  orgMembersGated: fc.constantFrom(0 as const, 1 as const),
  isDeleted: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  number: fc.integer({ min: 0, max: 3 }),
  tags: fc.subarray(tagNames),
  /** Somebody, or the hub itself, answers for it. */
  isServed: fc.boolean(),
})

/** Mostly what opens much. */
const entity = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...organizations) },
  { weight: 3, arbitrary: fc.constantFrom(...workspaces.map(({ id }) => id)) },
  { weight: 2, arbitrary: fc.constantFrom(...repoIds) },
)

const role = fc.constantFrom(...roles)
const inOwn = (principals: readonly (keyof typeof homes)[]) =>
  fc.constantFrom(...principals).chain((principalId) => {
    const home = homes[principalId]
    const own = workspaces.filter(({ organizationId }) => organizationId === home).map(({ id }) => id)
    const targets = principalId.startsWith('m') ? [home, home, ...own] : own
    return fc.record({ principalId: fc.constant(principalId), targetId: fc.constantFrom(...targets), role })
  })
/** The worlds are looked at at 1: what ends then has ended. Null: a role without an end. */
const temporary = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 2,
    arbitrary: fc.record({
      temporaryRole: fc.constantFrom('read' as const, 'contributor' as const, 'write' as const, 'admin' as const),
      temporaryUntil: fc.constantFrom(0, 1, 2),
      endsWhole: fc.constantFrom(0 as const, 1 as const),
    }),
  },
)
const bare = fc.oneof(
  { weight: 6, arbitrary: fc.record({ principalId: fc.constantFrom(...users), targetId: entity, role }) },
  { weight: 3, arbitrary: inOwn(machines) },
  { weight: 5, arbitrary: inOwn(groups) },
)

const grant = fc.record({ bare, temporary }).map((each) => ({ ...each.bare, temporary: each.temporary }))

/** A group of one organization with people and machines of it, and with a person who left it. */
const groupMember = fc.constantFrom(...groups).chain((groupId) =>
  fc.record({
    groupId: fc.constant(groupId),
    principalId: fc.constantFrom(...users, homes[groupId] === 'o1' ? ('m1' as const) : ('m2' as const)),
    role: fc.constantFrom('member' as const, 'manager' as const),
  }),
)

const tokenGrant = fc.record({
  entityId: fc.oneof({ weight: 4, arbitrary: entity }, { weight: 1, arbitrary: fc.constantFrom(...users) }),
  permissions: fc.subarray(['repo.content.read', 'repo.write', 'repo.settings.write', 'discussion.write', 'org.read']),
})

const demand = fc.record({
  tokenPolicy: fc.constantFrom<TokenPolicy>('any', 'any', 'any', 'fine_grained', 'approval'),
  mostTokenDays: fc.constantFrom(null, null, null, 30),
})
const verdict = fc.record({
  tokenId: fc
    .tuple(fc.constantFrom('read', 'write', 'fineGrained'), fc.constantFrom(...users, ...organizations))
    .filter(([as, owner]) => as !== 'fineGrained' || owner.startsWith('u'))
    .map((two) => two.join(' ')),
  organizationId: fc.constantFrom(...organizations),
  verdict: fc.constantFrom(...tokenVerdicts),
})
const open = { tokenPolicy: 'any', mostTokenDays: null } as const
const takingAny = { through: {}, demands: { o1: open, o2: open }, verdicts: [] }

const world = fc.record({
  repos: fc.array(repo, { minLength: 4, maxLength: repoIds.length, size: 'max' }),
  grants: fc.uniqueArray(grant, { maxLength: 24, size: 'max', selector: (g) => `${g.principalId} ${g.targetId}` }),
  tokenGrants: fc.uniqueArray(tokenGrant, { maxLength: 6, selector: (g) => g.entityId }),
  groupMembers: fc.uniqueArray(groupMember, {
    maxLength: 9,
    size: 'max',
    selector: (m) => `${m.groupId} ${m.principalId}`,
  }),
  /** Where the parents of children reach a repo. */
  through: fc.dictionary(
    fc.constantFrom(...repoIds),
    fc.constantFrom(...organizations, ...workspaces.map(({ id }) => id), ...users),
    { maxKeys: 4 },
  ),
  /** Organizations that ask for a second factor, which only u1 has. */
  strict: fc.subarray([...organizations]),
  /** What each asks of its members' tokens, and has said of single ones. Tokens of the worlds never expire. */
  demands: fc.record({ o1: demand, o2: demand }),
  verdicts: fc.uniqueArray(verdict, { maxLength: 8, selector: (v) => `${v.tokenId} ${v.organizationId}` }),
  /** Of people and machines, to pass the gates of repos. */
  requests: fc.uniqueArray(
    fc.record({
      repo: fc.nat({ max: repoIds.length - 1 }),
      principalId: fc.constantFrom(...users, ...machines),
      status: fc.constantFrom(...accessStatuses),
    }),
    { maxLength: 8, selector: (r) => `${r.repo} ${r.principalId}` },
  ),
})

type World = typeof world extends fc.Arbitrary<infer W> ? W : never

const person = fc.record({
  user: fc.constantFrom(...users),
  as: fc.constantFrom('anonymous', 'session', 'read', 'write', 'fineGrained', 'fineGrained', 'child'),
})
const machine = fc.record({
  user: fc.constantFrom(...machines),
  as: fc.constantFrom('inherit', 'fineGrained', 'child'),
})
/** By the deprecated token of an organization (OAT-3, OAT-6). */
const bearer = fc.record({ user: fc.constantFrom(...organizations), as: fc.constantFrom('read', 'write') })

const look = fc.record({
  who: fc.oneof({ weight: 3, arbitrary: person }, { weight: 2, arbitrary: machine }, { weight: 1, arbitrary: bearer }),
  kind: fc.constantFrom<RepoKind>('model', 'dataset'),
  ownerId: fc.option(fc.constantFrom(...users, ...organizations), { nil: undefined, freq: 1 }),
  orderBy: fc.constantFrom(...repoOrders),
  direction: fc.constantFrom<'ascending' | 'descending'>('ascending', 'descending'),
  limit: fc.integer({ min: 1, max: 5 }),
  budget: fc.constantFrom(1, 3, 4000),
  words: fc.oneof(fc.constant([]), fc.subarray(words, { maxLength: 2 })),
  tags: fc.oneof(fc.constant([]), fc.subarray(tagNames, { maxLength: 2 })),
  isGated: fc.constantFrom(undefined, undefined, true, false),
  isServed: fc.constantFrom(undefined, undefined, true as const),
})

describe.each(dialects)('lists of repos on %s', (dialect) => {
  let database: TestDatabase
  let db: Db

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    db = database.db
    await insertPeople(db)
  })
  afterAll(() => database.remove())

  test('are what the policy allows, in order, page by page', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(world, fc.array(look, { minLength: 8, maxLength: 8 }), async (aWorld, looks) => {
      await build(db, aWorld)
      for (const each of looks) {
        const presented = credentialOf(each.who)
        const { facts } = await loadFacts(db, presented, { on: 'instance' }, 1)
        const query: RepoListQuery = { ...each, now: 1 }
        const listed = await allPages(db, facts, query)
        expect(listed.map(({ id }) => id)).toEqual(await filtered(db, presented, query))
      }
    })
    await fc.assert(property, { numRuns: dialect === 'sqlite' ? 300 : 120 })
  })

  // Found by the worlds above: a repo that matched was on no page at all. Its workspace had spent its share of the rows on one that did
  // not match, another place filled the page with a later repo, and the next page began after that one.
  test('a place whose first rows do not match does not lose its better ones to another place', async () => {
    const [w1, u3] = [
      { ownerId: 'o1', workspaceId: 'w1' },
      { ownerId: 'u3', workspaceId: null },
    ]
    const make = (where: typeof w1 | typeof u3, number: number, tags: string[]) => ({
      place: where,
      kind: 'model' as const,
      stem: 'bert' as const,
      visibility: 'private' as const,
      creatorId: 'u1' as const,
      isDisabled: false,
      gated: 'open' as const,
      orgMembersGated: 0 as const,
      isDeleted: false,
      number,
      tags,
      isServed: false,
    })
    await build(db, {
      repos: [make(w1, 0, ['bert']), make(w1, 1, []), make(u3, 0, ['bert'])],
      grants: [
        { principalId: 'u3', targetId: 'o1', role: 'no_access', temporary: null },
        { principalId: 'u3', targetId: 'w1', role: 'contributor', temporary: null },
      ],
      tokenGrants: [],
      groupMembers: [],
      strict: [],
      ...takingAny,
      requests: [],
    })
    const presented = credentialOf({ as: 'write', user: 'u3' })
    const { facts } = await loadFacts(db, presented, { on: 'instance' }, 1)
    const shape = { kind: 'model', orderBy: 'likes', direction: 'ascending', limit: 1, budget: 1, now: 1 } as const
    const listed = await allPages(db, facts, { ...shape, words: [], tags: ['bert'] })
    expect(listed.map(({ id }) => id)).toEqual(['r00', 'r02'])
  })

  test('read no table without an index, whoever looks and whatever is asked', async () => {
    const plans = await plansOf(db)
    const distinct = new Map(plans.map(({ statement, plan }) => [statement, plan]))
    expect(distinct.size).toBeGreaterThan(100)
    if (dialect === 'postgres') return
    for (const [statement, plan] of distinct) {
      const scans = plan.filter((step) => step.startsWith('SCAN ') && !boundedScans.some((scan) => scan.test(step)))
      // `SCAN repo` reads the bounded subquery of that name; the table under it must be reached by an index.
      const overBounded = plan.filter((step) => step === 'CO-ROUTINE repo')
      expect({ statement, scans }).toEqual({ statement, scans: overBounded.map(() => 'SCAN repo') })
      const searches = plan.filter((step) => step.startsWith('SEARCH '))
      expect(searches.every((step) => /USING (COVERING )?INDEX|USING INTEGER PRIMARY KEY/.test(step))).toBe(true)
    }
  })
})

/** The list of ids that was sent along, rows that the name index proposed, a count that stops early, a constant. */
const boundedScans = [
  /^SCAN json_each /,
  /^SCAN repoSearch VIRTUAL TABLE INDEX 0:M/,
  /^SCAN (candidate|some|CONSTANT ROW)$/,
]

async function insertPeople(db: Db): Promise<void> {
  await db.transaction(async (tx) => {
    for (const id of users) {
      await tx.insertInto('namespace').values({ id, kind: 'user', name: id, nameKey: id, createdAt: 0 }).execute()
      await tx
        .insertInto('user')
        .values({
          id,
          fullname: null,
          passwordHash: null,
          passwordChangedAt: null,
          isAdmin: 0,
          state: 'active',
          createdAt: 0,
          secondFactorAt: id === 'u1' ? 1 : null,
        })
        .execute()
      const session = {
        id: `s${id}`,
        tokenHash: `session ${id}`,
        userId: id,
        createdAt: 0,
        lastUsedAt: 0,
        expiresAt: 9,
      }
      await tx
        .insertInto('session')
        .values({ ...session, lastIp: null, userAgent: null })
        .execute()
      for (const role of ['read', 'write', 'fineGrained'] as const) {
        await insertToken(tx, id, role)
      }
      await insertToken(tx, id, 'fineGrained', `read ${id}`)
    }
    for (const id of organizations) {
      await tx
        .insertInto('namespace')
        .values({ id, kind: 'organization', name: id, nameKey: id, createdAt: 0 })
        .execute()
      await tx
        .insertInto('organization')
        .values({ id, fullname: null, defaultVisibility: 'public', createdAt: 0, createdBy: 'u1' })
        .execute()
      for (const role of ['read', 'write'] as const) await insertToken(tx, id, role)
    }
    for (const id of machines) {
      await tx
        .insertInto('serviceAccount')
        .values({ id, organizationId: homes[id], name: id, nameKey: id, createdAt: 0 })
        .execute()
      await insertToken(tx, id, 'inherit')
      await insertToken(tx, id, 'fineGrained')
      await insertToken(tx, id, 'fineGrained', `fineGrained ${id}`)
    }
    for (const id of groups) {
      await tx
        .insertInto('memberGroup')
        .values({ id, organizationId: homes[id], name: id, nameKey: id, createdAt: 0 })
        .execute()
    }
    for (const { id, organizationId } of workspaces) {
      await tx.insertInto('workspace').values({ id, organizationId, name: id, nameKey: id, createdAt: 0 }).execute()
    }
  })
}

/** With a parent it is a child. */
async function insertToken(
  tx: Tx,
  ownerId: string,
  role: AccessTokenTable['role'],
  parentId: string | null = null,
): Promise<void> {
  const id = `${parentId === null ? role : 'child'} ${ownerId}`
  await tx
    .insertInto('accessToken')
    .values({
      id,
      hash: id,
      parentId,
      last4: '0000',
      ownerId,
      name: role,
      role,
      canReadGatedRepos: 0,
      globalPermissions: '[]',
      createdAt: 0,
    })
    .execute()
}

async function build(db: Db, world: World) {
  const { repos, through, grants, tokenGrants, groupMembers, strict, demands, verdicts, requests } = world
  await db.transaction(async (tx) => {
    for (const table of [
      'inferenceModel',
      'accessRequest',
      'repo',
      'repoTag',
      'roleGrant',
      'tokenGrant',
      'groupMember',
      'organizationToken',
    ] as const)
      await tx.deleteFrom(table).execute()
    for (const [index, each] of repos.entries()) {
      const id = repoIds[index] ?? ''
      const name = `${each.stem}-${index}`
      await tx
        .insertInto('repo')
        .values({
          id,
          kind: each.kind,
          ...each.place,
          name,
          nameKey: name,
          fullName: `${each.place.ownerId}/${name}`,
          fullNameKey: `${each.place.ownerId}/${name}`,
          visibility: each.visibility as 'public',
          creatorId: each.creatorId,
          description: null,
          disabledAt: each.isDisabled ? 1 : null,
          gated: each.gated,
          orgMembersGated: each.orgMembersGated,
          headCommit: null,
          cardCommit: null,
          cardData: null,
          config: null,
          pipelineTag: null,
          libraryName: null,
          sdk: null,
          downloads: each.number,
          likes: -each.number,
          trendingScore: each.number % 2,
          createdAt: index,
          updatedAt: 10 - each.number,
          deletedAt: each.isDeleted ? 1 : null,
        })
        .execute()
      if (each.isServed) {
        await tx
          .insertInto('inferenceModel')
          .values({ repoId: id, revision: null, commit: null, embedded: 0, updatedAt: 0 })
          .execute()
      }
      for (const tag of each.tags) await tx.insertInto('repoTag').values({ repoId: id, kind: each.kind, tag }).execute()
    }
    for (const { temporary, ...each } of grants) {
      await tx
        .insertInto('roleGrant')
        .values({
          ...each,
          targetKind: each.targetId.startsWith('o')
            ? 'organization'
            : each.targetId.startsWith('w')
              ? 'workspace'
              : 'repo',
          principalKind: kindOf(each.principalId),
          createdAt: 0,
          createdBy: null,
          ...(temporary ?? {}),
        })
        .execute()
    }
    for (const { repo, principalId, status } of requests.filter((each) => each.repo < repos.length)) {
      const principalKind = principalId.startsWith('m') ? ('service-account' as const) : ('user' as const)
      await tx
        .insertInto('accessRequest')
        .values({
          id: `${repo} ${principalId}`,
          repoId: repoIds[repo] ?? '',
          principalId,
          principalKind,
          status,
          askedAt: 0,
          askedBy: principalId,
        })
        .execute()
    }
    for (const each of groupMembers) {
      const principalKind = each.principalId.startsWith('m') ? 'service-account' : 'user'
      await tx
        .insertInto('groupMember')
        .values({ ...each, principalKind, createdAt: 0, createdBy: null })
        .execute()
    }
    for (const id of organizations) {
      const secondFactorRequired = strict.includes(id) ? 1 : 0
      const asked = { secondFactorRequired, ...demands[id] } as const
      await tx.updateTable('organization').set(asked).where('id', '=', id).execute()
    }
    for (const each of verdicts) {
      await tx
        .insertInto('organizationToken')
        .values({ ...each, decidedBy: null, decidedAt: 0 })
        .execute()
    }
    for (const user of [...users, ...machines]) {
      for (const { entityId, permissions } of user.startsWith('m') ? machineGrants(tokenGrants) : tokenGrants) {
        await tx
          .insertInto('tokenGrant')
          .values({
            tokenId: `fineGrained ${user}`,
            entityType: entityTypeOf(entityId),
            entityId,
            entityName: entityId,
            permissions: JSON.stringify(permissions),
          })
          .execute()
        // A child's repo counts while it lies where its parent reaches it.
        const throughId = repoIds.includes(entityId) ? (through[entityId] ?? null) : null
        await tx
          .insertInto('tokenGrant')
          .values({
            tokenId: `child ${user}`,
            entityType: entityTypeOf(entityId),
            entityId,
            entityName: entityId,
            permissions: JSON.stringify(permissions),
            throughId,
          })
          .execute()
      }
    }
  })
}

function kindOf(principalId: string): 'user' | 'service-account' | 'group' {
  return principalId.startsWith('m') ? 'service-account' : principalId.startsWith('g') ? 'group' : 'user'
}

/** What is listed for a repo stands in place of the rest, and is never nothing (SA-23). */
function machineGrants(grants: World['tokenGrants']): World['tokenGrants'] {
  return grants.flatMap((each) => {
    const isOnRepo = each.entityId.startsWith('r')
    const permissions = each.permissions.filter((name) => !isOnRepo || /^repo\.(content\.read|write)$/.test(name))
    return each.entityId.startsWith('u') || permissions.length === 0 ? [] : [{ ...each, permissions }]
  })
}

function entityTypeOf(id: string): 'user' | 'org' | 'resource-group' | 'model' {
  if (id.startsWith('u')) return 'user'
  if (id.startsWith('o')) return 'org'
  return id.startsWith('w') ? 'resource-group' : 'model'
}

function credentialOf(look: { as: string; user: string }): Presented {
  if (look.as === 'anonymous') return { kind: 'none' }
  if (look.as === 'session') return { kind: 'session', hash: `session ${look.user}` }
  return { kind: 'token', hash: `${look.as} ${look.user}` }
}

async function allPages(
  db: Db,
  viewer: Parameters<typeof visibleRepos>[1],
  query: RepoListQuery,
): Promise<RepoPosition[]> {
  const found: RepoPosition[] = []
  let after: RepoPosition | undefined
  for (;;) {
    const page = await visibleRepos(db, viewer, { ...query, after })
    found.push(...page)
    if (page.length < query.limit) return found
    after = page.at(-1)
  }
}

/** The slow and certain way. */
async function filtered(db: Db, presented: Presented, query: RepoListQuery): Promise<string[]> {
  const rows = await db.read
    .selectFrom('repo')
    .selectAll()
    .where('kind', '=', query.kind)
    .where('deletedAt', 'is', null)
    .execute()
  const tags = await db.read.selectFrom('repoTag').selectAll().execute()
  const served = await db.read.selectFrom('inferenceModel').select('repoId').execute()
  const kept: typeof rows = []
  for (const row of rows) {
    if (query.ownerId !== undefined && row.ownerId !== query.ownerId) continue
    if (query.isGated !== undefined && (row.gated !== 'open') !== query.isGated) continue
    if (query.isServed === true && !served.some(({ repoId }) => repoId === row.id)) continue
    if (!(query.words ?? []).every((word) => row.fullNameKey.includes(word))) continue
    if (!(query.tags ?? []).every((tag) => tags.some((each) => each.repoId === row.id && each.tag === tag))) continue
    const target = { on: 'repo', kind: query.kind, namespace: row.ownerId, name: row.name } as const
    const { facts } = await loadFacts(db, presented, target, 1)
    if (decide('repo.read', facts).allow) kept.push(row)
  }
  const sign = query.direction === 'ascending' ? 1 : -1
  kept.sort((a, b) => sign * (a[query.orderBy] - b[query.orderBy] || (a.id < b.id ? -1 : 1)))
  return kept.map((row) => row.id)
}

/** Every kind of list once, with its plan, as the database would run it. */
async function plansOf(db: Db): Promise<{ statement: string; plan: string[] }[]> {
  const plans: { statement: string; plan: string[] }[] = []
  const plain = {
    kind: 'model',
    stem: 'x',
    creatorId: 'u1',
    isDisabled: false,
    gated: 'open',
    orgMembersGated: 0,
    isDeleted: false,
    number: 1,
    tags: [],
    isServed: true,
  } as const
  const places: World['repos'][number]['place'][] = [
    { ownerId: 'o1', workspaceId: null },
    { ownerId: 'o1', workspaceId: 'w1' },
    { ownerId: 'o2', workspaceId: 'w3' },
  ]
  await build(db, {
    repos: places.flatMap((place) =>
      (['public', 'private', 'private'] as const).map((visibility) => ({ ...plain, tags: [], place, visibility })),
    ),
    grants: [
      { principalId: 'u1', targetId: 'o1', role: 'admin', temporary: null },
      { principalId: 'u1', targetId: 'w3', role: 'read', temporary: null },
      { principalId: 'u1', targetId: 'r00', role: 'read', temporary: null },
    ],
    tokenGrants: [],
    groupMembers: [],
    strict: [],
    ...takingAny,
    requests: [],
  })
  const explain = async (query: CompiledQuery) => {
    if (db.dialect === 'postgres') return []
    const rows = await db.read.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters]),
    )
    return rows.rows.map((row) => row.detail)
  }
  const connection: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery) => {
      plans.push({ statement: query.sql, plan: await explain(query) })
      return await db.list.executeQuery<R>(CompiledQuery.raw(query.sql, [...query.parameters]))
    },
    streamQuery: () => {
      throw new Error('Lists are not streamed.')
    },
  }
  const watched: Db = { ...db, list: new Kysely<Schema>(kyselyProps(db.dialect, () => connection)) }
  for (const presented of [{ kind: 'none' }, { kind: 'session', hash: 'session u1' }] as const) {
    const { facts } = await loadFacts(db, presented, { on: 'instance' }, 1)
    for (const orderBy of repoOrders) {
      for (const narrowing of [
        {},
        { words: ['bert'] },
        { words: ['be'] },
        { tags: ['en', 'bert'] },
        { ownerId: 'o1' },
        { isGated: true },
        { isGated: false, ownerId: 'o1' },
        { isServed: true as const },
        { isServed: true as const, words: ['bert'], tags: ['en'] },
        { isServed: true as const, ownerId: 'o1' },
      ]) {
        for (const after of [undefined, { id: 's', value: 99 }]) {
          const query = { kind: 'model', orderBy, direction: 'descending', limit: 1, after, budget: 1, now: 1 } as const
          await visibleRepos(watched, facts, { ...query, ...narrowing })
        }
      }
    }
  }
  return plans
}
