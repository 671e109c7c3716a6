/** Names of users and organizations share one space. A name belongs to one bearer at a time and, once given up, to nobody again. */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey, parseNewNamespace } from '../../domain/names.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import {
  findNamespaceByKey,
  insertNamespace,
  isRetired,
  lockNamespace,
  retireKey,
  retireNamespace,
  unretire,
  updateName,
} from './namespace-queries.ts'

export interface Namespace {
  readonly id: string
  readonly kind: 'user' | 'organization'
  readonly name: string
}

export async function findNamespace(db: Db, name: string): Promise<Namespace | null> {
  return await findNamespaceByKey(db, nameKey(name))
}

/** Throws `invalid_name` or `name_taken`; also where the name was somebody's once. */
export async function claimName(tx: Tx, bearer: Namespace, now: number): Promise<void> {
  const name = parseNewNamespace(bearer.name)
  const key = nameKey(name)
  const isFree = await insertNamespace(tx, { id: bearer.id, kind: bearer.kind, name, nameKey: key, createdAt: now })
  // Asked after the insert, which waited for whoever is giving the name up at this moment.
  if (!isFree || (await isRetired(tx, key))) throw new HoldfastError('name_taken', { name })
}

export async function retireName(tx: Tx, id: string, now: number): Promise<void> {
  await retireNamespace(tx, id, now)
}

/**
 * Gives the bearer another name; the old one goes to nobody else and leads here. Gives the old one. Throws `invalid_name` or `name_taken`, also
 * where the name was somebody else's once; one's own former name can be had back.
 */
export async function renameBearer(
  tx: Tx,
  dialect: Db['dialect'],
  id: string,
  to: string,
  now: number,
): Promise<{ readonly from: string; readonly to: string }> {
  const name = parseNewNamespace(to)
  const key = nameKey(name)
  const before = await lockNamespace(tx, dialect, id)
  if (before === null) throw new HoldfastError('organization_not_found')
  if (key !== before.nameKey) {
    await unretire(tx, key, id)
    await retireKey(tx, { nameKey: before.nameKey, namespaceId: id, retiredAt: now })
  }
  if (!(await updateName(tx, id, name, key)) || (await isRetired(tx, key)))
    throw new HoldfastError('name_taken', { name })
  return { from: before.name, to: name }
}
