/** The SQL of digests of values: from the SHA-256 of one to its token. */
import type { Db, Tx } from '../../platform/db/database.ts'

export async function insertDigest(tx: Tx, digest: string, hash: string): Promise<void> {
  await tx.insertInto('tokenDigest').values({ digest, hash }).execute()
}

export interface FoundRow {
  readonly digest: string
  readonly tokenId: string
  readonly name: string
  readonly last4: string
  readonly ownerId: string
  /** Of a token that lives. */
  readonly role: string | null
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly expiresAt: number | null
  /** When its value ended; null while it is that of a token. */
  readonly endedAt: number | null
  readonly validUntil: number | null
}

/** Values that tokens have. */
export async function findLiveByDigest(db: Db, digests: readonly string[]): Promise<FoundRow[]> {
  const rows = await db.read
    .selectFrom('tokenDigest as d')
    .innerJoin('accessToken as t', 't.hash', 'd.hash')
    .select(['d.digest', 't.id as tokenId', 't.name', 't.last4', 't.ownerId', 't.role'])
    .select(['t.createdAt', 't.lastUsedAt', 't.expiresAt'])
    .where('d.digest', 'in', [...digests])
    .execute()
  return rows.map((row) => ({ ...row, endedAt: null, validUntil: null }))
}

/** Values that tokens had. A honey token is not among them: what it is, its owner alone is told. */
export async function findFormerByDigest(db: Db, digests: readonly string[]): Promise<FoundRow[]> {
  const rows = await db.read
    .selectFrom('tokenDigest as d')
    .innerJoin('formerTokenValue as f', 'f.hash', 'd.hash')
    .select(['d.digest', 'f.tokenId', 'f.name', 'f.last4', 'f.ownerId'])
    .select(['f.since as createdAt', 'f.lastUsedAt', 'f.endedAt', 'f.validUntil'])
    .where('d.digest', 'in', [...digests])
    .execute()
  return rows.map((row) => ({ ...row, role: null, expiresAt: null }))
}

/** Names of people, organizations and service accounts by id. */
export async function namesOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const [namespaces, machines] = await Promise.all([
    db.read
      .selectFrom('namespace')
      .select(['id', 'name'])
      .where('id', 'in', [...ids])
      .execute(),
    db.read
      .selectFrom('serviceAccount')
      .select(['id', 'name'])
      .where('id', 'in', [...ids])
      .execute(),
  ])
  return new Map([...namespaces, ...machines].map(({ id, name }) => [id, name]))
}

/** Of values that nothing knows any more: a part of them, beginning behind `after`. Gives where to go on; null at the end. */
export async function deleteLostDigests(tx: Tx, after: string, limit: number): Promise<string | null> {
  const part = await tx
    .selectFrom('tokenDigest')
    .select(['digest', 'hash'])
    .where('digest', '>', after)
    .orderBy('digest')
    .limit(limit)
    .execute()
  if (part.length === 0) return null
  const hashes = part.map(({ hash }) => hash)
  const [live, former] = [
    await tx.selectFrom('accessToken').select('hash').where('hash', 'in', hashes).execute(),
    await tx.selectFrom('formerTokenValue').select('hash').where('hash', 'in', hashes).execute(),
  ]
  const known = new Set([...live, ...former].map(({ hash }) => hash))
  const lost = part.filter(({ hash }) => !known.has(hash)).map(({ digest }) => digest)
  if (lost.length > 0) await tx.deleteFrom('tokenDigest').where('digest', 'in', lost).execute()
  return part.at(-1)?.digest ?? null
}
