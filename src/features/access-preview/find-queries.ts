/** The SQL by which a change that is previewed finds whom and what it names. */
import { holdsAt } from '../../access/role-at.ts'
import { nameKey } from '../../domain/names.ts'
import type { Lists } from '../../platform/db/database.ts'

const machinePattern = /^sa-([0-9a-f]{24})$/

/** Somebody of the organization by user name; null for strangers and for names that nobody bears alike. */
export async function findParty(db: Lists, organizationId: string, name: string, now: number): Promise<string | null> {
  const key = nameKey(name)
  const machine = machinePattern.exec(key)?.[1]
  if (machine !== undefined) {
    const row = await db.list
      .selectFrom('serviceAccount')
      .select('id')
      .where('id', '=', machine)
      .where('organizationId', '=', organizationId)
      .executeTakeFirst()
    return row?.id ?? null
  }
  const row = await db.list
    .selectFrom('namespace')
    .innerJoin('roleGrant', 'roleGrant.principalId', 'namespace.id')
    .select('namespace.id')
    .where('namespace.nameKey', '=', key)
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where(holdsAt('roleGrant', now))
    .executeTakeFirst()
  return row?.id ?? null
}
