/** The SQL of signing keys. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { SigningKeyTable } from '../../platform/db/schema.ts'

const ofOwner = prepared<{ ownerId: string }, SigningKeyTable>((q, param) =>
  q.selectFrom('signingKey').selectAll().where('ownerId', '=', param('ownerId')).orderBy('createdAt').orderBy('id'),
)

export async function listKeysOf(db: Db, ownerId: string): Promise<SigningKeyTable[]> {
  return await ofOwner.run(db.read, { ownerId })
}

export async function findKeyByFingerprint(tx: Tx, fingerprint: string): Promise<SigningKeyTable | null> {
  const row = await tx.selectFrom('signingKey').selectAll().where('fingerprint', '=', fingerprint).executeTakeFirst()
  return row ?? null
}

export async function countKeysOf(tx: Tx, ownerId: string): Promise<number> {
  const row = await tx
    .selectFrom('signingKey')
    .select((q) => q.fn.countAll().as('count'))
    .where('ownerId', '=', ownerId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** With the ids that signatures name it by. False where the fingerprint has an owner already. */
export async function insertKey(tx: Tx, row: SigningKeyTable, keyIds: readonly string[]): Promise<boolean> {
  const inserted = await tx
    .insertInto('signingKey')
    .values(row)
    .onConflict((conflict) => conflict.column('fingerprint').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted === undefined) return false
  await insertParts(tx, row.id, keyIds)
  return true
}

/** The same key with other certificates: renewed, revoked, with more subkeys. */
export async function renewKey(
  tx: Tx,
  id: string,
  change: Pick<SigningKeyTable, 'publicKey' | 'details' | 'title' | 'isCompromised'>,
  keyIds: readonly string[],
): Promise<void> {
  await tx.updateTable('signingKey').set(change).where('id', '=', id).execute()
  await tx.deleteFrom('signingKeyPart').where('signingKeyId', '=', id).execute()
  await insertParts(tx, id, keyIds)
}

async function insertParts(tx: Tx, signingKeyId: string, keyIds: readonly string[]): Promise<void> {
  await tx
    .insertInto('signingKeyPart')
    .values(keyIds.map((keyId) => ({ keyId, signingKeyId })))
    .execute()
}

/** Null where the owner has no such key. */
export async function deleteKeyRow(tx: Tx, ownerId: string, id: string): Promise<SigningKeyTable | null> {
  const row = await tx
    .deleteFrom('signingKey')
    .where('id', '=', id)
    .where('ownerId', '=', ownerId)
    .returningAll()
    .executeTakeFirst()
  return row ?? null
}

const addresses = prepared<{ userId: string }, { addressKey: string; verifiedAt: number | null }>((q, param) =>
  q.selectFrom('email').select(['addressKey', 'verifiedAt']).where('userId', '=', param('userId')),
)

/** The addresses of a person, as they are compared, and whether each is verified. */
export async function addressesOf(db: Db, userId: string): Promise<ReadonlyMap<string, boolean>> {
  const rows = await addresses.run(db.read, { userId })
  return new Map(rows.map((row) => [row.addressKey, row.verifiedAt !== null]))
}

const verdicts = prepared<{ signingKeyId: string }, { count: number | string }>((q, param) =>
  q
    .selectFrom('commitSignature')
    .select((of) => of.fn.countAll<number | string>().as('count'))
    .where('signingKeyId', '=', param('signingKeyId'))
    .where('status', '=', 'verified'),
)

/** Commits that are shown as verified by a key (GPG-4). */
export async function countVerifiedBy(db: Db, signingKeyId: string): Promise<number> {
  const row = await verdicts.first(db.list, { signingKeyId })
  return Number(row?.count ?? 0)
}

const primaryAddress = prepared<{ userId: string }, { address: string }>((q, param) =>
  q.selectFrom('email').select('address').where('userId', '=', param('userId')).where('isPrimary', '=', 1),
)

export async function primaryAddressOf(db: Db, userId: string): Promise<string | null> {
  return (await primaryAddress.first(db.read, { userId }))?.address ?? null
}
