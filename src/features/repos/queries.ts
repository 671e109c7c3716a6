/** The SQL of repos. Whoever may see a row was decided before: by an `Allowed`, or by the ids that access/visible-repos.ts gave. */
import { type Insertable, type Selectable, sql } from 'kysely'
import type { RepoKind } from '../../domain/facts.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { RepoTable } from '../../platform/db/schema.ts'

export type RepoRow = Selectable<RepoTable> & { readonly ownerName: string }
export type NewRepoRow = Insertable<RepoTable>

const repoById = prepared<{ id: string }, RepoRow>((q, param) =>
  q
    .selectFrom('repo')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .selectAll('repo')
    .select('namespace.name as ownerName')
    .where('repo.id', '=', param('id'))
    .where('repo.deletedAt', 'is', null),
)

/** Null for a repo that was deleted. */
export async function findRepoById(db: Db, id: string): Promise<RepoRow | null> {
  return await repoById.first(db.read, { id })
}

const idByName = prepared<{ ownerId: string; kind: string; nameKey: string }, { id: string }>((q, param) =>
  q
    .selectFrom('repo')
    .select('id')
    .where('ownerId', '=', param('ownerId'))
    .where('kind', '=', param('kind') as never)
    .where('nameKey', '=', param('nameKey'))
    .where('deletedAt', 'is', null),
)

export async function findRepoId(
  on: Db['read'] | Tx,
  key: { readonly ownerId: string; readonly kind: RepoKind; readonly nameKey: string },
): Promise<string | null> {
  return (await idByName.first(on, { ...key }))?.id ?? null
}

/** Large columns, and what is in other tables, only where they were asked for. */
type ListedRow = Omit<RepoRow, 'cardData' | 'config'> & {
  cardData?: string | null
  config?: string | null
  /** 1: a server answers for it. */
  isServed?: number
}

const isServed = sql<number>`case when exists (select 1 from "inferenceModel" where "inferenceModel"."repoId" = "repo"."id") then 1 else 0 end`

/** The rows of these ids, in no order. Large columns come only where they are asked for. */
export async function listRepoRows(
  db: Db,
  ids: readonly string[],
  wanted: { readonly card: boolean; readonly config: boolean; readonly served?: boolean | undefined },
): Promise<ListedRow[]> {
  if (ids.length === 0) return []
  return await db.list
    .selectFrom('repo')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .select([
      'repo.id',
      'repo.kind',
      'repo.ownerId',
      'repo.name',
      'repo.nameKey',
      'repo.fullName',
      'repo.fullNameKey',
      'repo.visibility',
      'repo.creatorId',
      'repo.workspaceId',
      'repo.description',
      'repo.disabledAt',
      'repo.headCommit',
      'repo.cardCommit',
      'repo.tags',
      'repo.pipelineTag',
      'repo.libraryName',
      'repo.sdk',
      'repo.downloads',
      'repo.downloadsAllTime',
      'repo.likes',
      'repo.trendingScore',
      'repo.usedStorage',
      'repo.createdAt',
      'repo.updatedAt',
      'repo.deletedAt',
      'repo.removedAt',
      'repo.gated',
      'repo.orgMembersGated',
      'repo.gatedNotificationsEmail',
      'repo.gatedNotificationsMode',
      'namespace.name as ownerName',
    ])
    .$if(wanted.card, (q) => q.select('repo.cardData'))
    .$if(wanted.config, (q) => q.select('repo.config'))
    .$if(wanted.served === true, (q) => q.select(isServed.as('isServed')))
    .where('repo.id', 'in', ids)
    .where('repo.deletedAt', 'is', null)
    .execute()
}

/**
 * The owner's present name: it may have been renamed since the facts were read. Null when it is gone. On PostgreSQL it stays so until the end of
 * the transaction: a rename waits for repos that are being born, and the other way round. Read before the lock of a repo, as a rename does.
 */
export async function ownerName(tx: Tx, dialect: Db['dialect'], ownerId: string): Promise<string | null> {
  const query = tx.selectFrom('namespace').select('name').where('id', '=', ownerId)
  return (await (dialect === 'postgres' ? query.forShare() : query).executeTakeFirst())?.name ?? null
}

/** False where the name is taken. */
export async function insertRepo(tx: Tx, row: NewRepoRow): Promise<boolean> {
  const inserted = await tx
    .insertInto('repo')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** What the card says, at one head; false where the head has moved on, or the repo is gone. */
export async function updateCard(
  tx: Tx,
  key: { readonly id: string; readonly headCommit: string },
  card: Pick<
    Selectable<RepoTable>,
    'cardData' | 'config' | 'tags' | 'pipelineTag' | 'libraryName' | 'sdk' | 'description'
  >,
): Promise<boolean> {
  const row = await tx
    .updateTable('repo')
    .set({ ...card, cardCommit: key.headCommit })
    .where('id', '=', key.id)
    .where('headCommit', '=', key.headCommit)
    .where('deletedAt', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function replaceTags(
  tx: Tx,
  repo: { readonly id: string; readonly kind: RepoKind },
  tags: readonly string[],
): Promise<void> {
  const before = await tx.selectFrom('repoTag').select('tag').where('repoId', '=', repo.id).execute()
  const known = new Set(before.map((row) => row.tag))
  const gone = before.map((row) => row.tag).filter((tag) => !tags.includes(tag))
  if (gone.length > 0) await tx.deleteFrom('repoTag').where('repoId', '=', repo.id).where('tag', 'in', gone).execute()
  const added = [...new Set(tags)].filter((tag) => !known.has(tag))
  if (added.length === 0) return
  await tx
    .insertInto('repoTag')
    .values(added.map((tag) => ({ repoId: repo.id, kind: repo.kind, tag })))
    .execute()
}

/** Whoever takes a name ends the redirect that stood at it. */
export async function deleteRedirect(
  tx: Tx,
  key: { readonly ownerId: string; readonly kind: RepoKind; readonly nameKey: string },
): Promise<void> {
  await tx
    .deleteFrom('repoRedirect')
    .where('ownerId', '=', key.ownerId)
    .where('kind', '=', key.kind)
    .where('nameKey', '=', key.nameKey)
    .execute()
}

export async function insertRedirect(
  tx: Tx,
  redirect: {
    readonly ownerId: string
    readonly kind: RepoKind
    readonly nameKey: string
    readonly repoId: string
    readonly createdAt: number
  },
): Promise<void> {
  await deleteRedirect(tx, redirect)
  await tx.insertInto('repoRedirect').values(redirect).execute()
}

/** A repo inside a transaction that changes it: as it is now, and on PostgreSQL kept from others until the end. */
export async function lockRepo(
  tx: Tx,
  dialect: Db['dialect'],
  id: string,
): Promise<Pick<
  Selectable<RepoTable>,
  'ownerId' | 'workspaceId' | 'name' | 'nameKey' | 'fullName' | 'visibility' | 'kind'
> | null> {
  const query = tx
    .selectFrom('repo')
    .select(['ownerId', 'workspaceId', 'name', 'nameKey', 'fullName', 'visibility', 'kind'])
    .where('id', '=', id)
    .where('deletedAt', 'is', null)
  const row = await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()
  return row ?? null
}

export async function updatePlace(
  tx: Tx,
  id: string,
  place: Pick<Selectable<RepoTable>, 'ownerId' | 'name' | 'nameKey' | 'fullName' | 'fullNameKey'> & {
    readonly workspaceId?: string | null
    readonly creatorId?: string
  },
): Promise<void> {
  await tx.updateTable('repo').set(place).where('id', '=', id).execute()
}

export async function updateWorkspaceOf(tx: Tx, id: string, workspaceId: string | null): Promise<void> {
  await tx.updateTable('repo').set({ workspaceId }).where('id', '=', id).execute()
}

/** For messages and events; empty where it is gone. */
export async function workspaceName(tx: Tx, id: string): Promise<string> {
  const row = await tx.selectFrom('workspace').select('name').where('id', '=', id).executeTakeFirst()
  return row?.name ?? ''
}

export async function updateSettings(
  tx: Tx,
  id: string,
  change: Partial<
    Pick<
      Selectable<RepoTable>,
      'visibility' | 'description' | 'gated' | 'orgMembersGated' | 'gatedNotificationsEmail' | 'gatedNotificationsMode'
    >
  >,
): Promise<void> {
  await tx.updateTable('repo').set(change).where('id', '=', id).execute()
}

/** Out of reach at once: the name is free, tokens and roles on it are gone (UAT-10). False where it was gone already. */
export async function markRepoDeleted(tx: Tx, id: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('repo')
    .set({ deletedAt: now })
    .where('id', '=', id)
    .where('deletedAt', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (row === undefined) return false
  await tx.deleteFrom('tokenGrant').where('entityId', '=', id).execute()
  await tx.deleteFrom('roleGrant').where('targetId', '=', id).execute()
  await tx.deleteFrom('accessRequest').where('repoId', '=', id).execute()
  await tx.deleteFrom('repoRedirect').where('repoId', '=', id).execute()
  return true
}

/** For collection: whether a row stands for this id, and since when it is deleted. */
export async function repoState(db: Db, id: string): Promise<{ deletedAt: number | null } | null> {
  return (await db.read.selectFrom('repo').select('deletedAt').where('id', '=', id).executeTakeFirst()) ?? null
}

/** Takes a batch of a deleted repo's links away; true while there may be more. */
export async function deleteSomeLinks(tx: Tx, id: string, batch: number): Promise<boolean> {
  const rows = await tx.selectFrom('repoBlob').select('sha256').where('repoId', '=', id).limit(batch).execute()
  if (rows.length === 0) return false
  await tx
    .deleteFrom('repoBlob')
    .where('repoId', '=', id)
    .where(
      'sha256',
      'in',
      rows.map((row) => row.sha256),
    )
    .execute()
  return rows.length === batch
}

/** The row itself, with what hangs on it. */
export async function deleteRepoRow(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('refIntent').where('repoId', '=', id).execute()
  await tx.deleteFrom('storageUsage').where('id', '=', id).execute()
  await tx.deleteFrom('accessRequest').where('repoId', '=', id).execute()
  await tx.deleteFrom('repo').where('id', '=', id).where('deletedAt', 'is not', null).execute()
}

const defaultVisibility = prepared<{ id: string }, { defaultVisibility: 'public' | 'private' }>((q, param) =>
  q.selectFrom('organization').select('defaultVisibility').where('id', '=', param('id')),
)

/** What a new repo of an organization is unless its creator says otherwise. */
export async function defaultVisibilityOf(db: Db, organizationId: string): Promise<'public' | 'private'> {
  return (await defaultVisibility.first(db.read, { id: organizationId }))?.defaultVisibility ?? 'private'
}

/** Whether a new repo of one of these organizations (keys of names) is private unless its creator says otherwise. */
export async function isPrivateByDefaultIn(db: Db, nameKeys: readonly string[]): Promise<boolean> {
  if (nameKeys.length === 0) return false
  const row = await db.list
    .selectFrom('namespace')
    .innerJoin('organization', 'organization.id', 'namespace.id')
    .select('namespace.id')
    .where('namespace.nameKey', 'in', nameKeys)
    .where('organization.defaultVisibility', '=', 'private')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export interface ProfileRow {
  readonly id: string
  readonly kind: 'user' | 'organization'
  readonly name: string
  readonly fullname: string | null
  readonly createdAt: number
}

const profileByKey = prepared<{ nameKey: string }, ProfileRow & { readonly description: string | null }>((q, param) =>
  q
    .selectFrom('namespace')
    .leftJoin('user', 'user.id', 'namespace.id')
    .leftJoin('organization', 'organization.id', 'namespace.id')
    .select((e) => [
      'namespace.id',
      'namespace.kind',
      'namespace.name',
      'namespace.createdAt',
      'organization.description',
      e.fn.coalesce('user.fullname', 'organization.fullname').as('fullname'),
    ])
    .where('namespace.nameKey', '=', param('nameKey'))
    .where((e) => e.or([e('user.state', 'is', null), e('user.state', '=', 'active')])),
)

/** A person whose account is active, or an organization. */
export async function findProfile(
  db: Db,
  nameKey: string,
): Promise<(ProfileRow & { readonly description: string | null }) | null> {
  return await profileByKey.first(db.read, { nameKey })
}

/** Those whose names begin like this, in the order of their names. */
export async function listProfiles(db: Db, beginning: string, limit: number): Promise<ProfileRow[]> {
  return await db.list
    .selectFrom('namespace')
    .leftJoin('user', 'user.id', 'namespace.id')
    .leftJoin('organization', 'organization.id', 'namespace.id')
    .select((e) => [
      'namespace.id',
      'namespace.kind',
      'namespace.name',
      'namespace.createdAt',
      e.fn.coalesce('user.fullname', 'organization.fullname').as('fullname'),
    ])
    .where('namespace.nameKey', '>=', beginning)
    .where('namespace.nameKey', '<', `${beginning}\uffff`)
    .where((e) => e.or([e('user.state', 'is', null), e('user.state', '=', 'active')]))
    .orderBy('namespace.nameKey')
    .limit(limit)
    .execute()
}
