/** The world of the permission matrix: one person for each role, one repo for each place and visibility, and every credential of each. */

import type { Target } from '../../src/access/load-facts.ts'
import type { Presented } from '../../src/access/presented.ts'
import type { AccessStatus } from '../../src/domain/facts.ts'
import { type Action, type PermissionRow, permissionRow, permissions } from '../../src/domain/permissions.ts'
import type { Role } from '../../src/domain/role.ts'
import type { Db } from '../../src/platform/db/database.ts'
import type { AccessTokenTable, TokenGrantTable } from '../../src/platform/db/schema.ts'
import { insertRepo } from '../support/rows.ts'

export type Thing = PermissionRow['on']

interface Roles {
  readonly organization: Role
  readonly workspace: Role | null
  /** In the group, which has the role write in the workspace. */
  readonly group?: 'member' | 'manager'
  /** A stronger role in the organization, with its end. */
  readonly temporary?: { readonly role: 'admin'; readonly until: number }
}

/** When the matrix is looked at: long after the stale sessions began. */
export const now = 10_000_000

/** Organization role and, where it says so, the role in the workspace and in the group. */
const members = {
  no_access: { organization: 'no_access', workspace: null },
  read: { organization: 'read', workspace: null },
  contributor: { organization: 'contributor', workspace: null },
  /** Who created every repo of the organization. */
  'contributor, creator': { organization: 'contributor', workspace: null },
  write: { organization: 'write', workspace: null },
  admin: { organization: 'admin', workspace: null },
  'no_access, workspace read': { organization: 'no_access', workspace: 'read' },
  'no_access, workspace write': { organization: 'no_access', workspace: 'write' },
  'read, workspace contributor': { organization: 'read', workspace: 'contributor' },
  'write, workspace admin': { organization: 'write', workspace: 'admin' },
  'read, admin for a while': { organization: 'read', workspace: null, temporary: { role: 'admin', until: now + 1 } },
  'read, admin until now': { organization: 'read', workspace: null, temporary: { role: 'admin', until: now } },
  'read, in the group': { organization: 'read', workspace: null, group: 'member' },
  'no_access, manages the group': { organization: 'no_access', workspace: 'read', group: 'manager' },
} as const satisfies Record<string, Roles>

/** They have tokens alone: one that inherits, and scoped ones. */
const machines = {
  'machine read': { organization: 'read', workspace: null },
  'machine write': { organization: 'write', workspace: null },
  'machine admin': { organization: 'admin', workspace: null },
  'machine no_access, in the group': { organization: 'no_access', workspace: null, group: 'member' },
} as const satisfies Record<string, Roles>

/** Of the organization `strict`, which asks for a second factor. The others have one. */
const strictMembers = {
  'strict admin': { hasFactor: true },
  'strict admin without a factor': { hasFactor: false },
} as const

/** Of nothing here: what became of their requests at the gates of gated repos. */
const entrants = { accepted: 'accepted', pending: 'pending', rejected: 'rejected' } as const

/** `owner` has the repos of the own namespace, `granted` the role write on them; `hub admin` administers the hub and nothing else. */
export const people = [
  'anonymous',
  'outsider',
  'hub admin',
  ...(Object.keys(members) as (keyof typeof members)[]),
  ...(Object.keys(machines) as (keyof typeof machines)[]),
  ...(Object.keys(strictMembers) as (keyof typeof strictMembers)[]),
  'owner',
  'granted',
  'the organization itself',
  ...(Object.keys(entrants) as (keyof typeof entrants)[]),
] as const
export type Person = (typeof people)[number]

export const places = ['organization', 'workspace', 'strict', 'own namespace'] as const
export type Place = (typeof places)[number]
export const isMachine = (person: Person): boolean => Object.hasOwn(machines, person)
/** By its deprecated token, which is a read or a write one (OAT-3). */
export const isOrganization = (person: Person): boolean => person === 'the organization itself'
/** They matter at gates alone. */
export const isEntrant = (person: Person): boolean => Object.hasOwn(entrants, person)
export const isStrict = (person: Person): boolean => Object.hasOwn(strictMembers, person)
export type Visibility = 'public' | 'private' | 'disabled' | 'gated' | 'members gated'

type RepoTarget = Extract<Target, { on: 'repo' }>

export interface Fixture {
  readonly organization: string
  readonly strict: string
  readonly workspace: string
  readonly group: string
  id(person: Person): string
  repo(
    place: Place,
    visibility: Visibility,
  ): { readonly id: string; readonly ownerId: string; readonly target: RepoTarget }
  /**
   * Every credential that says something about this action; null where there is none of the kind. `entity` and `owner`: ids that a
   * fine-grained token can list for it.
   */
  credentials(person: Person, action: Action, entity: string | null, owner: string | null): [string, Presented | null][]
}

const idOf = (number: number): string => number.toString(16).padStart(24, '0')

export async function seedMatrix(db: Db): Promise<Fixture> {
  let last = 0
  const next = () => idOf(++last)
  const organization = next()
  const strict = next()
  const workspace = next()
  const group = next()
  const ids = new Map<Person, string>(people.map((person) => [person, isOrganization(person) ? organization : next()]))
  const id = (person: Person): string => ids.get(person) ?? ''
  const repos = new Map<string, { id: string; ownerId: string; target: RepoTarget }>()

  await db.transaction(async (tx) => {
    await tx
      .insertInto('namespace')
      .values({ id: organization, kind: 'organization', name: 'acme', nameKey: 'acme', createdAt: 1 })
      .execute()
    await tx
      .insertInto('organization')
      .values({ id: organization, fullname: null, defaultVisibility: 'private', createdAt: 1, createdBy: id('admin') })
      .execute()
    await tx
      .insertInto('namespace')
      .values({ id: strict, kind: 'organization', name: 'strict', nameKey: 'strict', createdAt: 1 })
      .execute()
    await tx
      .insertInto('organization')
      .values({
        id: strict,
        fullname: null,
        defaultVisibility: 'private',
        createdAt: 1,
        createdBy: id('strict admin'),
        secondFactorRequired: 1,
      })
      .execute()
    await tx
      .insertInto('workspace')
      .values({ id: workspace, organizationId: organization, name: 'w', nameKey: 'w', createdAt: 1 })
      .execute()
    await tx
      .insertInto('memberGroup')
      .values({ id: group, organizationId: organization, name: 'g', nameKey: 'g', createdAt: 1 })
      .execute()
    await grant(workspace, 'workspace', group, 'write', 'group')
    for (const person of people) {
      if (person === 'anonymous' || isOrganization(person)) continue
      const name = nameOf(person)
      if (isMachine(person)) {
        await tx
          .insertInto('serviceAccount')
          .values({ id: id(person), organizationId: organization, name, nameKey: name, createdAt: 1 })
          .execute()
        continue
      }
      await tx
        .insertInto('namespace')
        .values({ id: id(person), kind: 'user', name, nameKey: name, createdAt: 1 })
        .execute()
      await tx
        .insertInto('user')
        .values({
          id: id(person),
          fullname: null,
          passwordHash: null,
          passwordChangedAt: null,
          isAdmin: person === 'hub admin' ? 1 : 0,
          state: 'active',
          createdAt: 1,
          secondFactorAt: person === 'strict admin without a factor' ? null : 1,
        })
        .execute()
      await tx
        .insertInto('session')
        .values({
          id: next(),
          tokenHash: `session ${person}`,
          userId: id(person),
          createdAt: now,
          lastUsedAt: now,
          expiresAt: now + 10_000,
        })
        .execute()
      await tx
        .insertInto('session')
        .values({
          id: next(),
          tokenHash: `stale ${person}`,
          userId: id(person),
          createdAt: 1,
          lastUsedAt: 1,
          expiresAt: now + 10_000,
        })
        .execute()
    }
    for (const [person, roles] of Object.entries({ ...members, ...machines }) as [Person, Roles][]) {
      const kind = isMachine(person) ? 'service-account' : 'user'
      await grant(organization, 'organization', id(person), roles.organization, kind)
      if (roles.workspace !== null) await grant(workspace, 'workspace', id(person), roles.workspace, kind)
      if (roles.temporary !== undefined) {
        const { role: temporaryRole, until: temporaryUntil } = roles.temporary
        await tx
          .updateTable('roleGrant')
          .set({ temporaryRole, temporaryUntil })
          .where('targetId', '=', organization)
          .where('principalId', '=', id(person))
          .execute()
      }
      if (roles.group === undefined) continue
      await tx
        .insertInto('groupMember')
        .values({ groupId: group, principalId: id(person), principalKind: kind, role: roles.group, createdAt: 1 })
        .execute()
    }
    for (const person of people.filter(isStrict)) await grant(strict, 'organization', id(person), 'admin', 'user')

    async function grant(
      targetId: string,
      targetKind: 'organization' | 'workspace',
      principalId: string,
      role: Role,
      principalKind: 'user' | 'service-account' | 'group',
    ) {
      await tx
        .insertInto('roleGrant')
        .values({ targetId, targetKind, principalId, principalKind, role, createdAt: 1, createdBy: null })
        .execute()
    }
  })

  for (const place of places) {
    for (const visibility of ['public', 'private', 'disabled', 'gated', 'members gated'] as const) {
      const repoId = next()
      const isGated = visibility === 'gated' || visibility === 'members gated'
      const name = `${place.replace(' ', '-')}-${visibility.replace(' ', '-')}`
      const owner =
        place === 'own namespace'
          ? { id: id('owner'), name: 'owner' }
          : place === 'strict'
            ? { id: strict, name: 'strict' }
            : { id: organization, name: 'acme' }
      await insertRepo(db, {
        id: repoId,
        owner,
        name,
        visibility: visibility === 'private' ? 'private' : 'public',
        ...(isGated ? { gated: 'manual' as const } : {}),
        orgMembersGated: visibility === 'members gated',
        creatorId: place === 'own namespace' ? id('owner') : id('contributor, creator'),
        workspaceId: place === 'workspace' ? workspace : null,
        isDisabled: visibility === 'disabled',
      })
      if (place === 'own namespace') {
        await db.transaction((tx) =>
          tx
            .insertInto('roleGrant')
            .values({
              targetId: repoId,
              targetKind: 'repo',
              principalId: id('granted'),
              principalKind: 'user',
              role: 'write',
              createdAt: 1,
              createdBy: null,
            })
            .execute(),
        )
      }
      for (const [person, status] of isGated ? (Object.entries(entrants) as [Person, AccessStatus][]) : []) {
        const asked = { repoId, principalId: id(person), principalKind: 'user' as const, status, askedAt: 1 }
        await db.transaction((tx) =>
          tx
            .insertInto('accessRequest')
            .values({ ...asked, id: next(), askedBy: id(person) })
            .execute(),
        )
      }
      repos.set(`${place} ${visibility}`, {
        id: repoId,
        ownerId: owner.id,
        target: { on: 'repo', kind: 'model', namespace: owner.name, name },
      })
    }
  }

  const elsewhere = next()
  const tokens = await seedTokens(db, next, id, [
    ...[...repos.values()].map((repo) => repo.id),
    organization,
    strict,
    workspace,
    id('owner'),
    elsewhere,
  ])

  return {
    organization,
    strict,
    workspace,
    group,
    id,
    repo: (place, visibility) => {
      const repo = repos.get(`${place} ${visibility}`)
      if (repo === undefined) throw new Error(`There is no repo ${place} ${visibility}.`)
      return repo
    },
    credentials: (person, action, entity, owner) => {
      if (isOrganization(person)) {
        return (['read', 'write'] as const).map((role) => [role, { kind: 'token', hash: `${role} ${person}` }])
      }
      const { token } = permissionRow(action)
      const wanted = typeof token === 'string' ? [] : token.fineGrained
      const fine = (permission: string, on: string | null) =>
        on === null ? null : (tokens.get(`${person} ${permission} ${on}`) ?? null)
      const whole: [string, Presented | null][] = isMachine(person)
        ? [['inherit', { kind: 'token', hash: `inherit ${person}` }]]
        : [
            ['session', { kind: 'session', hash: `session ${person}` }],
            ['stale', { kind: 'session', hash: `stale ${person}` }],
            ['read', { kind: 'token', hash: `read ${person}` }],
            ['write', { kind: 'token', hash: `write ${person}` }],
          ]
      return [
        ...whole,
        ['fine: nothing', { kind: 'token', hash: `fine ${person}` }],
        ...(wanted.length === 0 ? [] : [['elsewhere', fine(wanted[0] ?? '', elsewhere)] as [string, Presented | null]]),
        ...wanted.map((permission): [string, Presented | null] => [permission, fine(permission, entity)]),
        ...(owner === null
          ? []
          : wanted.map((permission): [string, Presented | null] => [
              `${permission} on owner`,
              fine(permission, owner),
            ])),
      ]
    },
  }
}

/** Classic tokens, an empty fine-grained one, and one for each pair of a permission that some action needs and an entity. */
async function seedTokens(
  db: Db,
  next: () => string,
  id: (person: Person) => string,
  entities: readonly string[],
): Promise<Map<string, Presented>> {
  const needed = new Set(
    Object.keys(permissions).flatMap((action) => {
      const { token } = permissionRow(action as Action)
      return typeof token === 'string' ? [] : [...token.fineGrained]
    }),
  )
  const made = new Map<string, Presented>()
  for (const person of people) {
    if (person === 'anonymous') continue
    const rows: AccessTokenTable[] = []
    const grants: TokenGrantTable[] = []
    const add = (hash: string, role: AccessTokenTable['role']): string => {
      const tokenId = next()
      rows.push({
        id: tokenId,
        hash,
        last4: '0000',
        ownerId: id(person),
        name: hash,
        role,
        description: null,
        canReadGatedRepos: 0,
        globalPermissions: '[]',
        endpointPatterns: null,
        networks: null,
        limits: null,
        bytesDay: null,
        bytesTaken: null,
        notBefore: null,
        fencedAt: null,
        createdAt: 1,
        rotatedAt: null,
        expiresAt: null,
        lastUsedAt: null,
        lastIp: null,
        lastUserAgent: null,
        publisherId: null,
        publisherRun: null,
        parentId: null,
        usesLeft: null,
        newAddressAt: null,
      })
      return tokenId
    }
    if (isMachine(person)) add(`inherit ${person}`, 'inherit')
    else {
      add(`read ${person}`, 'read')
      add(`write ${person}`, 'write')
    }
    if (!isOrganization(person)) add(`fine ${person}`, 'fineGrained')
    for (const permission of isOrganization(person) ? [] : needed) {
      for (const entityId of entities) {
        const hash = `${person} ${permission} ${entityId}`
        const tokenId = add(hash, 'fineGrained')
        grants.push({
          tokenId,
          entityType: 'model',
          entityId,
          entityName: '',
          permissions: JSON.stringify([permission]),
          throughId: null,
        })
        made.set(hash, { kind: 'token', hash })
      }
    }
    await db.transaction(async (tx) => {
      await tx.insertInto('accessToken').values(rows).execute()
      if (grants.length > 0) await tx.insertInto('tokenGrant').values(grants).execute()
    })
  }
  return made
}

function nameOf(person: Person): string {
  return person.replace(/[^a-z]+/g, '-')
}
