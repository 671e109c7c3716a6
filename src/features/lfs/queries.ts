/** The SQL of multipart uploads and of file locks. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { LfsLockTable, UploadTable } from '../../platform/db/schema.ts'

const uploadById = prepared<{ id: string }, UploadTable>((q, param) =>
  q.selectFrom('upload').selectAll().where('id', '=', param('id')),
)

export async function selectUpload(db: Db, id: string): Promise<UploadTable | null> {
  return await uploadById.first(db.read, { id })
}

/** An upload of the same bytes by the same person that has not expired: a client that tries again goes on with it. */
export async function selectOpenUpload(
  db: Db,
  wanted: Pick<UploadTable, 'repoId' | 'ownerId' | 'sha256' | 'size' | 'partSize'>,
  now: number,
): Promise<UploadTable | null> {
  const row = await db.read
    .selectFrom('upload')
    .selectAll()
    .where('repoId', '=', wanted.repoId)
    .where('sha256', '=', wanted.sha256)
    .where('ownerId', '=', wanted.ownerId)
    .where('size', '=', wanted.size)
    .where('partSize', '=', wanted.partSize)
    .where('expiresAt', '>', now)
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

export async function insertUpload(tx: Tx, upload: UploadTable): Promise<void> {
  await tx.insertInto('upload').values(upload).execute()
}

export async function updateUploadExpiry(tx: Tx, id: string, expiresAt: number): Promise<void> {
  await tx.updateTable('upload').set({ expiresAt }).where('id', '=', id).execute()
}

export async function deleteUpload(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('upload').where('id', '=', id).execute()
}

export async function selectExpiredUploads(db: Db, now: number, limit: number): Promise<string[]> {
  const rows = await db.list.selectFrom('upload').select('id').where('expiresAt', '<=', now).limit(limit).execute()
  return rows.map((row) => row.id)
}

export interface LockRow extends LfsLockTable {
  /** Null once the account is gone. */
  readonly ownerName: string | null
}

/** Locks in the order of their ids, which is the order in which they were made. */
export async function selectLocks(
  db: Db,
  repoId: string,
  filter: { readonly path?: string | undefined; readonly id?: string | undefined; readonly after: string | null },
  limit: number,
): Promise<LockRow[]> {
  let query = db.read
    .selectFrom('lfsLock')
    .leftJoin('namespace', 'namespace.id', 'lfsLock.ownerId')
    .leftJoin('serviceAccount', 'serviceAccount.id', 'lfsLock.ownerId')
    .selectAll('lfsLock')
    .select((q) => q.fn.coalesce('namespace.name', 'serviceAccount.name').as('ownerName'))
    .where('lfsLock.repoId', '=', repoId)
  if (filter.path !== undefined) query = query.where('lfsLock.path', '=', filter.path)
  if (filter.id !== undefined) query = query.where('lfsLock.id', '=', filter.id)
  if (filter.after !== null) query = query.where('lfsLock.id', '>', filter.after)
  return await query.orderBy('lfsLock.id').limit(limit).execute()
}

/** False if the path is locked already. */
export async function insertLock(tx: Tx, lock: LfsLockTable): Promise<boolean> {
  const row = await tx
    .insertInto('lfsLock')
    .values(lock)
    .onConflict((conflict) => conflict.columns(['repoId', 'path']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function deleteLock(tx: Tx, repoId: string, id: string): Promise<void> {
  await tx.deleteFrom('lfsLock').where('repoId', '=', repoId).where('id', '=', id).execute()
}
