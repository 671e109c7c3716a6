/** Whom an administrator may ask about, in slices: members, service accounts with their tokens. The rights are checked by who calls. */
import { sql } from 'kysely'
import { holdsAt } from '../../access/role-at.ts'
import type { Db } from '../../platform/db/database.ts'

export interface Slice {
  /** In the name, in lower case; empty: all. */
  readonly find: string
  /** The key of the last one that was shown, empty for the first page. */
  readonly after: string
  readonly limit: number
}

const containing = (find: string): string => `%${find.replace(/[\\%_]/g, '\\$&')}%`

/** Active members, by name. */
export async function membersToPick(
  db: Db,
  organizationId: string,
  { find, after, limit }: Slice,
  now: number,
): Promise<{ name: string; key: string }[]> {
  let query = db.list
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.principalId')
    .innerJoin('user', 'user.id', 'roleGrant.principalId')
    .select(['namespace.name', 'namespace.nameKey as key'])
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where('user.state', '=', 'active')
    .where('namespace.nameKey', '>', after)
    .where(holdsAt('roleGrant', now))
  if (find !== '') query = query.where('namespace.nameKey', 'like', containing(find))
  return await query.orderBy('namespace.nameKey').limit(limit).execute()
}

export interface PickedMachine {
  readonly id: string
  readonly name: string
  readonly key: string
}

/** Service accounts, by what people call them. */
export async function machinesToPick(
  db: Db,
  organizationId: string,
  { find, after, limit }: Slice,
): Promise<PickedMachine[]> {
  let query = db.list
    .selectFrom('serviceAccount')
    .select(['id', 'name', 'nameKey as key'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
  if (find !== '') query = query.where('nameKey', 'like', containing(find))
  return await query.orderBy('nameKey').limit(limit).execute()
}

export interface PickedToken {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly last4: string
}

/** Of these service accounts, so many in all; child tokens stay with theirs. */
export async function tokensOfMachines(db: Db, ownerIds: readonly string[], limit: number): Promise<PickedToken[]> {
  if (ownerIds.length === 0) return []
  return await db.list
    .selectFrom('accessToken')
    .select(['id', 'ownerId', 'name', 'last4'])
    .where('ownerId', 'in', ownerIds)
    // As the index on the names of somebody's tokens has it.
    .where(sql`coalesce("parentId", '')`, '=', '')
    .orderBy('ownerId')
    .orderBy('name')
    .limit(limit)
    .execute()
}
