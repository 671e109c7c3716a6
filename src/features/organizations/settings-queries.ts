/** The SQL of an organization's settings and of its seats. */
import type { Updateable } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { OrganizationTable } from '../../platform/db/schema.ts'
import type { OrganizationRow } from './queries.ts'

/** As the transaction sees it, on PostgreSQL kept from others until the end. */
export async function lockOrganization(tx: Tx, dialect: Db['dialect'], id: string): Promise<OrganizationRow | null> {
  const query = tx.selectFrom('organization').selectAll().where('id', '=', id)
  return (await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()) ?? null
}

export async function updateOrganization(
  tx: Tx,
  id: string,
  change: Omit<Updateable<OrganizationTable>, 'id'>,
): Promise<void> {
  await tx.updateTable('organization').set(change).where('id', '=', id).execute()
}

/** Members who have no second factor to sign in with. */
export async function countWithoutFactor(db: Db, organizationId: string): Promise<number> {
  const row = await db.list
    .selectFrom('roleGrant')
    .innerJoin('user', 'user.id', 'roleGrant.principalId')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where('user.secondFactorAt', 'is', null)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** Service accounts, and those of them that are neither disabled nor expired. */
export async function countServiceAccounts(
  db: Db,
  organizationId: string,
  now: number,
): Promise<{ total: number; active: number }> {
  const row = await db.list
    .selectFrom('serviceAccount')
    .select((q) => [
      q.fn.countAll<number>().as('total'),
      q.fn
        .countAll<number>()
        .filterWhere('disabledAt', 'is', null)
        .filterWhere((e) => e.or([e('expiresAt', 'is', null), e('expiresAt', '>', now)]))
        .as('active'),
    ])
    .where('organizationId', '=', organizationId)
    .executeTakeFirst()
  return { total: Number(row?.total ?? 0), active: Number(row?.active ?? 0) }
}

export async function hasSecondFactor(tx: Tx, userId: string): Promise<boolean> {
  const row = await tx.selectFrom('user').select('secondFactorAt').where('id', '=', userId).executeTakeFirst()
  return row?.secondFactorAt != null
}
