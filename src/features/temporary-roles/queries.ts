/** The SQL of roles for a while: columns of the row that holds the lasting role, so that one look finds both. */
import type { Insertable, Selectable } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { RoleGrantTable } from '../../platform/db/schema.ts'

export type GrantRow = Selectable<RoleGrantTable>

/** What a row is set to when its temporary role is over and the lasting one counts. */
export const nothingTemporary = {
  temporaryRole: null,
  temporaryUntil: null,
  temporarySince: null,
  temporaryKind: null,
  temporaryReason: null,
  temporaryBy: null,
  endsWhole: 0,
} as const

export async function findGrant(on: Tx | Db['read'], targetId: string, principalId: string): Promise<GrantRow | null> {
  const row = await on
    .selectFrom('roleGrant')
    .selectAll()
    .where('targetId', '=', targetId)
    .where('principalId', '=', principalId)
    .executeTakeFirst()
  return row ?? null
}

/** As the transaction sees it, on PostgreSQL kept from others until the end. */
export async function lockGrant(
  tx: Tx,
  dialect: Db['dialect'],
  targetId: string,
  principalId: string,
): Promise<GrantRow | null> {
  const query = tx
    .selectFrom('roleGrant')
    .selectAll()
    .where('targetId', '=', targetId)
    .where('principalId', '=', principalId)
  return (await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()) ?? null
}

/** The row with its temporary role; where there is a row already, its lasting role stays. */
export async function putTemporary(tx: Tx, row: Insertable<RoleGrantTable>): Promise<void> {
  const { temporaryRole, temporaryUntil, temporarySince, temporaryKind, temporaryReason, temporaryBy } = row
  const temporary = {
    temporaryRole,
    temporaryUntil,
    temporarySince,
    temporaryKind,
    temporaryReason,
    temporaryBy,
  }
  await tx
    .insertInto('roleGrant')
    .values(row)
    .onConflict((conflict) => conflict.columns(['targetId', 'principalId']).doUpdateSet(temporary))
    .execute()
}

export async function clearTemporary(tx: Tx, targetId: string, principalId: string): Promise<void> {
  await tx
    .updateTable('roleGrant')
    .set(nothingTemporary)
    .where('targetId', '=', targetId)
    .where('principalId', '=', principalId)
    .execute()
}

export async function deleteGrant(tx: Tx, targetId: string, principalId: string): Promise<void> {
  await tx.deleteFrom('roleGrant').where('targetId', '=', targetId).where('principalId', '=', principalId).execute()
}

/** Whether the principal has a temporary role now in one of these: an organization, or a workspace of it. */
export async function hasTemporary(
  tx: Tx,
  principalId: string,
  targetIds: readonly string[],
  now: number,
): Promise<boolean> {
  const row = await tx
    .selectFrom('roleGrant')
    .select('targetId')
    .where('principalId', '=', principalId)
    .where('targetId', 'in', targetIds)
    .where('temporaryUntil', '>', now)
    .executeTakeFirst()
  return row !== undefined
}
