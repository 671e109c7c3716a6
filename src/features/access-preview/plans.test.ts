/** The statements of previews go by indexes, and read what belongs to the slice of principals or to the organization that is asked about, not the hub. */
import { CompiledQuery, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { findGroupId } from '../groups/service.ts'
import { selectPushes } from '../signatures/pushes-queries.ts'
import { findParty } from './find-queries.ts'
import {
  allWorkspaces,
  countRepos,
  groupMemberIds,
  idsOnAnyRepo,
  idsOnRepos,
  memberIds,
  selectAutoJoin,
  selectGroupRoles,
  selectHeld,
  selectMemberships,
  selectOrganization,
  selectPrincipals,
  selectRepos,
  selectRequests,
  selectRolesOfGroups,
  sliceSize,
  workspaceNames,
} from './queries.ts'
import { selectListed, selectTokens } from './token-queries.ts'

const large = [
  'repo',
  'roleGrant',
  'groupMember',
  'memberGroup',
  'workspace',
  'accessToken',
  'tokenGrant',
  'accessRequest',
  'user',
  'namespace',
  'serviceAccount',
  'organization',
  'organizationToken',
  'event',
]
const organizations = 40
const reposEach = 25

/** An id of one kind: `organization`, and which of it. */
const id = (kind: string, organization: number, n = 0): string =>
  `${kind}${String(organization).padStart(5, '0')}${String(n).padStart(5, '0')}`

describe.each(dialects)('statements of previews on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    for (let organization = 0; organization < organizations; organization++)
      await database.db.transaction((tx) => fill(tx, organization), { timeLimitMs: 60_000 })
    // As both databases do by themselves after a while: they choose by what they know of the tables.
    await database.db.transaction((tx) => sql`analyze`.execute(tx).then(() => undefined))
    watched = await watchPlans(database, large)
  }, 120_000)
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  const ofOne = {
    organization: id('o', 7),
    user: id('u', 7),
    group: id('g', 7),
    workspace: id('w', 7),
    repo: id('r', 7),
  }
  const { organization, user, group, workspace, repo } = ofOne
  const statements: Readonly<Record<string, (db: Db) => Promise<unknown>>> = {
    selectOrganization: (db) => selectOrganization(db, organization),
    memberIds: (db) => memberIds(db, organization, '', 1),
    idsOnRepos: (db) => idsOnRepos(db, [repo], ''),
    groupMemberIds: (db) => groupMemberIds(db, group, ''),
    selectPrincipals: (db) => selectPrincipals(db, [user], 1),
    selectHeld: (db) => selectHeld(db, [user], organization, 1),
    'selectHeld of two': (db) => selectHeld(db, [user, id('u', 8)], organization, 1),
    selectMemberships: (db) => selectMemberships(db, [user], organization),
    selectRolesOfGroups: (db) => selectRolesOfGroups(db, [group], organization, 1, null),
    'selectRolesOfGroups within one': (db) => selectRolesOfGroups(db, [group], organization, 1, [workspace]),
    selectGroupRoles: (db) => selectGroupRoles(db, group, 1),
    selectRepos: (db) => selectRepos(db, [repo], organization),
    selectRequests: (db) => selectRequests(db, [user], organization),
    countRepos: (db) => countRepos(db, organization, null),
    'countRepos of workspaces': (db) => countRepos(db, organization, [workspace]),
    allWorkspaces: (db) => allWorkspaces(db, organization),
    workspaceNames: (db) => workspaceNames(db, [workspace], organization),
    selectTokens: (db) => selectTokens(db, [user], organization, 1),
    selectListed: (db) => selectListed(db, [user], organization),
    findParty: (db) => findParty(db, organization, user, 1),
    findGroupId: (db) => findGroupId(db.list, organization, group),
    selectAutoJoin: (db) => selectAutoJoin(db, organization),
    'selectPushes to an organization': (db) => selectPushes(db, { ownerId: organization }, 1, null, reposEach),
    'selectPushes to a repo, a later page': (db) => selectPushes(db, { repoId: repo }, 1, 'f'.repeat(24), reposEach),
  }

  test.each(Object.keys(statements))('idea 9: %s reads by an index what is of the organization alone', async (name) => {
    const run = statements[name]
    if (run === undefined) throw new Error(name)
    await watched.expectCheap(() => run(watched.db), 4 * reposEach)
  })

  test('idea 9: who has a role on a single repo is found without walking the repos of the organization', async () => {
    // One role on a repo in each organization: the repos that are looked at are those, and not the organization's 25.
    await watched.expectCheap(async () => {
      expect(await idsOnAnyRepo(watched.db, organization, '')).toEqual([id('s', 7)])
    }, 2 * organizations)
    const { statement } = watched.plans.at(-1) ?? {}
    expect(statement).toContain('"roleGrant"."targetKind" = \'repo\'')
    if (dialect === 'sqlite') {
      const plan = await database.db.read.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${statement}`, [organization, '', sliceSize]),
      )
      const steps = plan.rows.map(({ detail }) => detail)
      expect(steps.some((step) => step.includes('roleGrantOnRepos'))).toBe(true)
    }
  })
})

async function fill(tx: Tx, n: number): Promise<void> {
  const organization = id('o', n)
  const named = (name: string) => ({ id: name, name, nameKey: name })
  const grant = (targetKind: 'organization' | 'workspace' | 'repo', targetId: string, principalId: string) => ({
    targetId,
    targetKind,
    principalId,
    principalKind: principalId.startsWith('g') ? ('group' as const) : ('user' as const),
    role: 'read' as const,
    createdAt: 0,
  })
  await tx
    .insertInto('namespace')
    .values({ ...named(organization), kind: 'organization', createdAt: 0 })
    .execute()
  await tx
    .insertInto('organization')
    .values({ id: organization, fullname: null, defaultVisibility: 'private', createdAt: 0, createdBy: '' })
    .execute()
  // Of it, and a stranger with a role on one of its repos.
  for (const user of [id('u', n), id('s', n)]) {
    await tx
      .insertInto('namespace')
      .values({ ...named(user), kind: 'user', createdAt: 0 })
      .execute()
    await tx.insertInto('user').values({ id: user, isAdmin: 0, state: 'active', createdAt: 0 }).execute()
  }
  const part = { organizationId: organization, createdAt: 0 }
  await tx
    .insertInto('workspace')
    .values({ ...named(id('w', n)), ...part })
    .execute()
  await tx
    .insertInto('memberGroup')
    .values({ ...named(id('g', n)), ...part })
    .execute()
  await tx
    .insertInto('groupMember')
    .values({ groupId: id('g', n), principalId: id('u', n), principalKind: 'user', role: 'member', createdAt: 0 })
    .execute()
  await tx
    .insertInto('roleGrant')
    .values([
      grant('organization', organization, id('u', n)),
      grant('workspace', id('w', n), id('u', n)),
      grant('workspace', id('w', n), id('g', n)),
      grant('repo', id('r', n), id('s', n)),
    ])
    .execute()
  for (let repo = 0; repo < reposEach; repo++) {
    const { id: repoId, name, nameKey } = named(id('r', n, repo))
    await tx
      .insertInto('repo')
      .values({
        id: repoId,
        kind: 'model',
        ownerId: organization,
        name,
        nameKey,
        fullName: `${organization}/${name}`,
        fullNameKey: `${organization}/${name}`,
        visibility: 'private',
        creatorId: id('u', n),
        workspaceId: repo % 2 === 0 ? id('w', n) : null,
        createdAt: repo,
        updatedAt: repo,
      })
      .execute()
  }
  await tx
    .insertInto('event')
    .values(
      ['repo.push', 'repo.create'].flatMap((action) =>
        Array.from({ length: reposEach }, (_, at) => ({
          id: `${String(at).padStart(12, '0')}${action.length}${String(n).padStart(10, '0')}`,
          at,
          action,
          actorKind: 'user' as const,
          actorId: id('u', n),
          actorName: id('u', n),
          ...{ credentialKind: null, credentialId: null, credentialLast4: null },
          ...{ resourceKind: 'model', resourceId: id('r', n, at % 5), resourceName: 'r', ownerId: organization },
          ...{ ip: null, userAgent: null, requestId: null, data: '{}' },
        })),
      ),
    )
    .execute()
  await tx
    .insertInto('accessRequest')
    .values({
      id: id('q', n),
      repoId: id('r', n),
      principalId: id('u', n),
      principalKind: 'user',
      status: 'accepted',
      askedAt: 0,
      askedBy: id('u', n),
    })
    .execute()
  await tx
    .insertInto('accessToken')
    .values({
      id: id('t', n),
      hash: id('t', n),
      last4: '0000',
      ownerId: id('u', n),
      name: 'fine',
      role: 'fineGrained',
      canReadGatedRepos: 0,
      globalPermissions: '[]',
      createdAt: 0,
    })
    .execute()
  await tx
    .insertInto('tokenGrant')
    .values({
      tokenId: id('t', n),
      entityType: 'org',
      entityId: organization,
      entityName: organization,
      permissions: '[]',
    })
    .execute()
}
