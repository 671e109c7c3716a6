/**
 * The SQL of service accounts. Every statement names the organization beside the account: an id of another one finds nothing. Their tokens
 * are kept by the feature of tokens; their groups and workspaces are only read here.
 */
import type { Expression } from 'kysely'
import { endsAt, roleAfter, roleAt } from '../../access/role-at.ts'
import type { RepoKind } from '../../domain/facts.ts'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { ServiceAccountTable } from '../../platform/db/schema.ts'
import { nothingTemporary, type TemporaryRow, temporaryOf } from '../temporary-roles/service.ts'
import type { ServiceAccount } from './account.ts'

type AccountRow = Omit<ServiceAccount, 'role' | 'temporary'> & TemporaryRow & { readonly role: Role | null }

const accountColumns = [
  's.id',
  's.organizationId',
  's.name',
  's.description',
  's.contact',
  's.createdAt',
  's.createdBy',
  's.expiresAt',
  's.disabledAt',
] as const

/** Of the row `g`: the role in the organization at that moment, and when it ends. */
const roleColumns = (now: Expression<unknown> | number) =>
  [
    roleAt('g', now).as('role'),
    endsAt('g', now).as('until'),
    roleAfter('g', now).as('roleAfter'),
    'g.temporaryReason as reason',
  ] as const

const accountById = prepared<{ organizationId: string; id: string; now: number }, AccountRow>((q, param) =>
  q
    .selectFrom('serviceAccount as s')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 's.organizationId').onRef('g.principalId', '=', 's.id'),
    )
    .select(accountColumns)
    .select(roleColumns(param('now')))
    .where('s.id', '=', param('id'))
    .where('s.organizationId', '=', param('organizationId')),
)

export async function findAccount(
  on: Tx | Db['read'],
  organizationId: string,
  id: string,
  now: number,
): Promise<ServiceAccount | null> {
  const row = await accountById.first(on, { organizationId, id, now })
  return row === null ? null : withRole(row)
}

/** Until the transaction ends nobody else changes the account or its tokens. */
export async function lockAccount(
  tx: Tx,
  dialect: Db['dialect'],
  organizationId: string,
  id: string,
  now: number,
): Promise<ServiceAccount | null> {
  if (dialect === 'postgres') {
    await tx.selectFrom('serviceAccount').select('id').where('id', '=', id).forUpdate().execute()
  }
  return await findAccount(tx, organizationId, id, now)
}

export async function findAccountByName(
  db: Db,
  organizationId: string,
  nameKey: string,
  now: number,
): Promise<ServiceAccount | null> {
  const row = await db.read
    .selectFrom('serviceAccount as s')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 's.organizationId').onRef('g.principalId', '=', 's.id'),
    )
    .select(accountColumns)
    .select(roleColumns(now))
    .where('s.organizationId', '=', organizationId)
    .where('s.nameKey', '=', nameKey)
    .executeTakeFirst()
  return row === undefined ? null : withRole(row)
}

/** An account with what a list says of its tokens. */
export interface ListedAccount extends ServiceAccount {
  readonly nameKey: string
  readonly tokens: number
  /** Of the token that ends first; null where none does. */
  readonly nextExpiry: number | null
  readonly lastUsedAt: number | null
}

/** By name; `after` is the `nameKey` of the last one that was shown. */
export async function listAccounts(
  db: Db,
  organizationId: string,
  page: { readonly after: string; readonly limit: number; readonly now: number },
): Promise<ListedAccount[]> {
  const rows = await db.list
    .selectFrom('serviceAccount as s')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 's.organizationId').onRef('g.principalId', '=', 's.id'),
    )
    .select([...accountColumns, 's.nameKey'])
    .select(roleColumns(page.now))
    .select((q) => [
      q
        .selectFrom('accessToken as t')
        .select((t) => t.fn.countAll<number>().as('count'))
        .whereRef('t.ownerId', '=', 's.id')
        .where('t.parentId', 'is', null)
        .as('tokens'),
      q
        .selectFrom('accessToken as t')
        .select((t) => t.fn.min('t.expiresAt').as('first'))
        .whereRef('t.ownerId', '=', 's.id')
        .where('t.parentId', 'is', null)
        .as('nextExpiry'),
      q
        .selectFrom('accessToken as t')
        .select((t) => t.fn.max('t.lastUsedAt').as('last'))
        .whereRef('t.ownerId', '=', 's.id')
        .as('lastUsedAt'),
    ])
    .where('s.organizationId', '=', organizationId)
    .where('s.nameKey', '>', page.after)
    .orderBy('s.nameKey')
    .limit(page.limit)
    .execute()
  return rows.map((row) => ({ ...row, ...withRole(row), tokens: Number(row.tokens ?? 0) }))
}

/** Throws a unique violation where the organization has one of this name. */
export async function insertAccount(tx: Tx, row: ServiceAccountTable, role: Role): Promise<void> {
  await tx.insertInto('serviceAccount').values(row).execute()
  await tx
    .insertInto('roleGrant')
    .values({
      targetId: row.organizationId,
      targetKind: 'organization',
      principalId: row.id,
      principalKind: 'service-account',
      role,
      createdAt: row.createdAt,
      createdBy: row.createdBy,
    })
    .execute()
}

/** Throws a unique violation where the organization has another one of this name. */
export async function updateAccount(
  tx: Tx,
  id: string,
  change: Partial<
    Pick<ServiceAccountTable, 'name' | 'nameKey' | 'description' | 'contact' | 'expiresAt' | 'disabledAt'>
  >,
): Promise<void> {
  if (Object.keys(change).length === 0) return
  await tx.updateTable('serviceAccount').set(change).where('id', '=', id).execute()
}

/** Without an end: a temporary role is over. */
export async function updateAccountRole(tx: Tx, organizationId: string, id: string, role: Role): Promise<void> {
  await tx
    .updateTable('roleGrant')
    .set({ role, ...nothingTemporary })
    .where('targetId', '=', organizationId)
    .where('principalId', '=', id)
    .execute()
}

/** With every role it had and every group it was in. Its tokens are the caller's to remove. */
export async function deleteAccount(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('groupMember').where('principalId', '=', id).execute()
  await tx.deleteFrom('roleGrant').where('principalId', '=', id).execute()
  await tx.deleteFrom('accessRequest').where('principalId', '=', id).execute()
  await tx.deleteFrom('serviceAccount').where('id', '=', id).execute()
}

/** A group or a workspace that an account is in. */
export interface PlaceRow {
  readonly accountId: string
  readonly kind: 'group' | 'workspace'
  readonly id: string
  readonly name: string
  /** `member` or `manager` of a group, a role in a workspace. */
  readonly role: string
  /** The group that a role in a workspace comes through; null for a direct one. */
  readonly through: string | null
}

/** Where these accounts are: groups, workspaces, and workspaces through groups. */
export async function listPlaces(db: Db, accountIds: readonly string[], now: number): Promise<PlaceRow[]> {
  if (accountIds.length === 0) return []
  const [groups, direct, throughGroups] = await Promise.all([
    db.list
      .selectFrom('groupMember as m')
      .innerJoin('memberGroup as g', 'g.id', 'm.groupId')
      .select(['m.principalId as accountId', 'g.id', 'g.name', 'm.role'])
      .where('m.principalId', 'in', accountIds)
      .execute(),
    db.list
      .selectFrom('roleGrant as r')
      .innerJoin('workspace as w', 'w.id', 'r.targetId')
      .select(['r.principalId as accountId', 'w.id', 'w.name', roleAt('r', now).as('role')])
      .where('r.principalId', 'in', accountIds)
      .execute(),
    db.list
      .selectFrom('groupMember as m')
      .innerJoin('memberGroup as g', 'g.id', 'm.groupId')
      .innerJoin('roleGrant as r', 'r.principalId', 'm.groupId')
      .innerJoin('workspace as w', 'w.id', 'r.targetId')
      .select(['m.principalId as accountId', 'w.id', 'w.name', 'g.name as through'])
      .select(roleAt('r', now).as('role'))
      .where('m.principalId', 'in', accountIds)
      .execute(),
  ])
  return [
    ...groups.map((row) => ({ ...row, kind: 'group' as const, through: null })),
    ...direct.flatMap((row) =>
      row.role === null ? [] : { ...row, role: row.role, kind: 'workspace' as const, through: null },
    ),
    ...throughGroups.flatMap((row) =>
      row.role === null ? [] : { ...row, role: row.role, kind: 'workspace' as const },
    ),
  ].sort((a, b) => a.kind.localeCompare(b.kind) || (a.name < b.name ? -1 : 1))
}

/** A repo that a token lists, or is to list. */
export interface ListedRepo {
  readonly id: string
  readonly kind: RepoKind
  readonly name: string
  readonly ownerId: string
  readonly ownerKind: 'user' | 'organization'
  readonly ownerName: string
  readonly visibility: 'public' | 'private' | 'protected'
  readonly creatorId: string
  readonly workspaceId: string | null
  readonly workspaceName: string | null
}

/** Those that are there, whoever may see them. */
export async function findRepos(db: Db, ids: readonly string[]): Promise<ListedRepo[]> {
  if (ids.length === 0) return []
  return await listedRepos(db).where('r.id', 'in', ids).execute()
}

export async function findRepoByName(db: Db, ownerId: string, kind: RepoKind, key: string): Promise<ListedRepo | null> {
  const row = await listedRepos(db)
    .where('r.ownerId', '=', ownerId)
    .where('r.kind', '=', kind)
    .where('r.nameKey', '=', key)
    .executeTakeFirst()
  return row ?? null
}

function listedRepos(db: Db) {
  return db.list
    .selectFrom('repo as r')
    .innerJoin('namespace as n', 'n.id', 'r.ownerId')
    .leftJoin('workspace as w', 'w.id', 'r.workspaceId')
    .select(['r.id', 'r.kind', 'r.name', 'r.ownerId', 'n.kind as ownerKind', 'n.name as ownerName'])
    .select(['r.visibility', 'r.creatorId', 'r.workspaceId', 'w.name as workspaceName'])
    .where('r.deletedAt', 'is', null)
}

/** Names of people by their id, for who made an account. */
export async function findNames(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.read
    .selectFrom('namespace')
    .leftJoin('user', 'user.id', 'namespace.id')
    .select(['namespace.id', 'namespace.name', 'user.fullname'])
    .where('namespace.id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, row.fullname ?? row.name]))
}

/** An account without its role in the organization, which nothing here makes, can do nothing. */
function withRole(row: AccountRow): ServiceAccount {
  return {
    id: row.id,
    organizationId: row.organizationId,
    name: row.name,
    description: row.description,
    contact: row.contact,
    role: row.role ?? 'no_access',
    temporary: temporaryOf(row),
    createdAt: row.createdAt,
    createdBy: row.createdBy,
    expiresAt: row.expiresAt,
    disabledAt: row.disabledAt,
  }
}
