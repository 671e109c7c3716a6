/** Names of users and organizations share one space. A name belongs to one bearer at a time and, once given up, to nobody again. */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey, parseNewNamespace } from '../../domain/names.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { findNamespaceByKey, insertNamespace, isRetired, retireNamespace } from './namespace-queries.ts'

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
