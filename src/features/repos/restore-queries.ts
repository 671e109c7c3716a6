/** The SQL of deleted repos: which can still come back, and the last steps of those that cannot. */
import type { Selectable } from 'kysely'
import type { RepoKind } from '../../domain/facts.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { RepoTable } from '../../platform/db/schema.ts'

export interface DeletedRow {
  readonly id: string
  readonly kind: RepoKind
  readonly fullName: string
  readonly deletedAt: number
  readonly usedStorage: number
}

/** Last deleted first, from the one after `before` on. */
export async function selectDeleted(
  db: Db,
  before: { readonly deletedAt: number; readonly id: string },
  limit: number,
): Promise<DeletedRow[]> {
  const rows = await db.list
    .selectFrom('repo')
    .select(['id', 'kind', 'fullName', 'deletedAt', 'usedStorage'])
    .where('deletedAt', 'is not', null)
    .where('removedAt', 'is', null)
    .where((e) =>
      e.or([
        e('deletedAt', '<', before.deletedAt),
        e.and([e('deletedAt', '=', before.deletedAt), e('id', '<', before.id)]),
      ]),
    )
    .orderBy('deletedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, deletedAt: row.deletedAt ?? 0 }))
}

/** Those that had this name, last deleted first. */
export async function selectDeletedByName(db: Db, fullNameKey: string, limit: number): Promise<DeletedRow[]> {
  const rows = await db.list
    .selectFrom('repo')
    .select(['id', 'kind', 'fullName', 'deletedAt', 'usedStorage'])
    .where('fullNameKey', '=', fullNameKey)
    .where('deletedAt', 'is not', null)
    .where('removedAt', 'is', null)
    .orderBy('deletedAt', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, deletedAt: row.deletedAt ?? 0 }))
}

type DeletedRepo = Pick<
  Selectable<RepoTable>,
  'id' | 'kind' | 'ownerId' | 'name' | 'fullName' | 'workspaceId' | 'headCommit' | 'visibility'
>

/** A repo that can come back, on PostgreSQL kept from others until the end of the transaction; else null. */
export async function lockDeleted(tx: Tx, dialect: Db['dialect'], id: string): Promise<DeletedRepo | null> {
  const query = tx
    .selectFrom('repo')
    .select(['id', 'kind', 'ownerId', 'name', 'fullName', 'workspaceId', 'headCommit', 'visibility'])
    .where('id', '=', id)
    .where('deletedAt', 'is not', null)
    .where('removedAt', 'is', null)
  return (await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()) ?? null
}

export async function clearDeleted(tx: Tx, id: string, updatedAt: number): Promise<void> {
  await tx.updateTable('repo').set({ deletedAt: null, updatedAt }).where('id', '=', id).execute()
  // Its owner's end left them behind; who had passed the gate asks again.
  await tx.deleteFrom('accessRequest').where('repoId', '=', id).execute()
}

/** From now on it cannot come back. False where it did, or where it was deleted later than `deletedBefore`. */
export async function beginRemoval(tx: Tx, id: string, deletedBefore: number, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('repo')
    .set((e) => ({ removedAt: e.fn.coalesce('removedAt', e.val(now)) }))
    .where('id', '=', id)
    .where('deletedAt', '<=', deletedBefore)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
