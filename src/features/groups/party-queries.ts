/**
 * Who can be in a group or a workspace: the people and the service accounts of one organization (GRP-1). Strangers and names that nobody
 * bears are the same here. What is found stays of the organization until the transaction ends, so nobody is added while they leave.
 */
import { serviceAccountName } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Db, Tx } from '../../platform/db/database.ts'

export interface Party {
  readonly id: string
  readonly kind: 'user' | 'service-account'
  /** The user name: `sa-` and the id for a service account. */
  readonly name: string
  readonly fullname: string | null
}

/** The first of an organization's service accounts, by name: what a form offers. */
export async function selectMachines(db: Db, organizationId: string, limit: number): Promise<Party[]> {
  const rows = await db.list
    .selectFrom('serviceAccount')
    .select(['id', 'name'])
    .where('organizationId', '=', organizationId)
    .orderBy('nameKey')
    .limit(limit)
    .execute()
  return rows.map(({ id, name }) => ({ id, kind: 'service-account', name: serviceAccountName(id), fullname: name }))
}

const serviceAccountPattern = /^sa-([0-9a-f]{24})$/

/**
 * Holds the organization still: whoever removes somebody from it waits until this transaction ends, and the other way round. Comes before
 * every other lock of a transaction.
 */
export async function shareOrganization(tx: Tx, dialect: Db['dialect'], organizationId: string): Promise<void> {
  if (dialect === 'sqlite') return
  await tx.selectFrom('organization').select('id').where('id', '=', organizationId).forShare().execute()
}

/** By user name, whatever the state of the account. Null for whoever is not of the organization. */
export async function selectParty(
  tx: Tx,
  dialect: Db['dialect'],
  organizationId: string,
  name: string,
): Promise<Party | null> {
  const key = nameKey(name)
  const machine = serviceAccountPattern.exec(key)?.[1]
  if (machine !== undefined) {
    const found = tx
      .selectFrom('serviceAccount')
      .select(['id', 'name'])
      .where('id', '=', machine)
      .where('organizationId', '=', organizationId)
    const row = await (dialect === 'postgres' ? found.forShare() : found).executeTakeFirst()
    if (row === undefined) return null
    return { id: row.id, kind: 'service-account', name: serviceAccountName(row.id), fullname: row.name }
  }
  const found = tx
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .innerJoin('roleGrant', 'roleGrant.principalId', 'user.id')
    .select(['user.id', 'namespace.name', 'user.fullname'])
    .where('namespace.nameKey', '=', key)
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
  const row = await (dialect === 'postgres' ? found.forShare('roleGrant') : found).executeTakeFirst()
  return row === undefined ? null : { id: row.id, kind: 'user', name: row.name, fullname: row.fullname }
}
