/** The SQL of honey tokens. What a request meets is a dead value among the former ones; what it is called and who hears of its use is here. */
import type { Db, Tx } from '../../platform/db/database.ts'
import type { HoneyTokenTable } from '../../platform/db/schema.ts'

export async function insertHoney(tx: Tx, row: HoneyTokenTable): Promise<void> {
  await tx.insertInto('honeyToken').values(row).execute()
}

/** The newest first; there are never many. */
export async function listHoney(on: Tx | Db['read'], ownerId: string, limit: number): Promise<HoneyTokenTable[]> {
  return await on
    .selectFrom('honeyToken')
    .selectAll()
    .where('ownerId', '=', ownerId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** With its value, which is then one that never was. Null for what is not the owner's. */
export async function deleteHoney(tx: Tx, ownerId: string, id: string): Promise<HoneyTokenTable | null> {
  const row = await tx
    .deleteFrom('honeyToken')
    .where('id', '=', id)
    .where('ownerId', '=', ownerId)
    .returningAll()
    .executeTakeFirst()
  if (row !== undefined) await tx.deleteFrom('formerTokenValue').where('hash', '=', row.hash).execute()
  return row ?? null
}

/** Whether it is one; and where its use was told of since `quietSince`, that alone. */
export async function claimHoneyUse(
  tx: Tx,
  id: string,
  use: { readonly at: number; readonly ip: string | null; readonly userAgent: string | null },
  quietSince: number,
): Promise<{ readonly isHoney: boolean; readonly told: HoneyTokenTable | null }> {
  const row = await tx
    .updateTable('honeyToken')
    .set({ lastUsedAt: use.at, lastIp: use.ip, lastUserAgent: use.userAgent })
    .where('id', '=', id)
    .where((q) => q.or([q('lastUsedAt', 'is', null), q('lastUsedAt', '<=', quietSince)]))
    .returningAll()
    .executeTakeFirst()
  if (row !== undefined) return { isHoney: true, told: row }
  const known = await tx.selectFrom('honeyToken').select('id').where('id', '=', id).executeTakeFirst()
  return { isHoney: known !== undefined, told: null }
}

/** Those of these values that nobody has reported yet: to whoever reports one it is as live as any. */
export async function selectUnreported(tx: Tx, hashes: readonly string[]): Promise<HoneyTokenTable[]> {
  return await tx
    .selectFrom('honeyToken')
    .selectAll()
    .where('hash', 'in', hashes)
    .where('reportedAt', 'is', null)
    .orderBy('id')
    .execute()
}

/** False where somebody did so before. */
export async function markReported(tx: Tx, id: string, at: number): Promise<boolean> {
  const row = await tx
    .updateTable('honeyToken')
    .set({ reportedAt: at })
    .where('id', '=', id)
    .where('reportedAt', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
