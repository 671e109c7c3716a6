/** The SQL behind the authors of commits. */
import { emailKey } from '../../domain/names.ts'
import type { Db } from '../../platform/db/database.ts'

/** The names of accounts by their id. */
export async function selectNamesById(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.read
    .selectFrom('namespace')
    .select(['id', 'name'])
    .where('id', 'in', [...new Set(ids)])
    .where('kind', '=', 'user')
    .execute()
  return new Map(rows.map((row) => [row.id, row.name]))
}

/** The names of service accounts by their id. */
export async function selectServiceAccountNames(
  db: Db,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, string>> {
  const known = [...new Set(ids.filter((id) => id !== null))]
  if (known.length === 0) return new Map()
  const rows = await db.read.selectFrom('serviceAccount').select(['id', 'name']).where('id', 'in', known).execute()
  return new Map(rows.map((row) => [row.id, row.name]))
}

/** The accounts behind e-mail addresses that were proved; by address as it was asked for. */
export async function selectNamesByEmail(db: Db, addresses: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const keys = [...new Set(addresses.map(emailKey))]
  if (keys.length === 0) return new Map()
  const rows = await db.read
    .selectFrom('email')
    .innerJoin('namespace', 'namespace.id', 'email.userId')
    .select(['email.addressKey', 'namespace.name'])
    .where('email.addressKey', 'in', keys)
    .where('email.verifiedAt', 'is not', null)
    .execute()
  const byKey = new Map(rows.map((row) => [row.addressKey, row.name]))
  const found = new Map<string, string>()
  for (const address of addresses) {
    const name = byKey.get(emailKey(address))
    if (name !== undefined) found.set(address, name)
  }
  return found
}
