/** The SQL of second factors: authenticator apps, passkeys, recovery codes, sign-ins that wait for one, and challenges that were answered. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { PasskeyTable, PendingSignInTable, RecoveryCodeTable, TotpSecretTable } from '../../platform/db/schema.ts'

export interface PersonRow {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
  readonly passwordHash: string | null
  readonly secondFactorAt: number | null
}

const personById = prepared<{ id: string }, PersonRow>((q, param) =>
  q
    .selectFrom('user')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .select(['user.id', 'namespace.name', 'user.fullname', 'user.passwordHash', 'user.secondFactorAt'])
    .where('user.id', '=', param('id')),
)

export async function findPerson(on: Tx | Db['read'], id: string): Promise<PersonRow | null> {
  return await personById.first(on, { id })
}

export async function setSecondFactorAt(tx: Tx, userId: string, at: number | null): Promise<void> {
  await tx.updateTable('user').set({ secondFactorAt: at }).where('id', '=', userId).execute()
}

/** Organizations of this person that ask for a second factor, by name; at most 100. */
export async function organizationsThatAsk(db: Db, userId: string): Promise<string[]> {
  const rows = await db.read
    .selectFrom('roleGrant')
    .innerJoin('organization', 'organization.id', 'roleGrant.targetId')
    .innerJoin('namespace', 'namespace.id', 'organization.id')
    .select('namespace.name')
    .where('roleGrant.principalId', '=', userId)
    .where('roleGrant.targetKind', '=', 'organization')
    .where('organization.secondFactorRequired', '=', 1)
    .orderBy('namespace.nameKey')
    .limit(100)
    .execute()
  return rows.map((row) => row.name)
}

// Authenticator apps

export async function findTotp(
  on: Tx | Db['read'],
  userId: string,
  state: TotpSecretTable['state'],
): Promise<TotpSecretTable | null> {
  const row = await on
    .selectFrom('totpSecret')
    .selectAll()
    .where('userId', '=', userId)
    .where('state', '=', state)
    .executeTakeFirst()
  return row ?? null
}

/** In place of the one in the same state. */
export async function putTotp(tx: Tx, row: TotpSecretTable): Promise<void> {
  const { userId: _user, state: _state, ...rest } = row
  await tx
    .insertInto('totpSecret')
    .values(row)
    .onConflict((conflict) => conflict.columns(['userId', 'state']).doUpdateSet(rest))
    .execute()
}

/** False where there is none, or another than `secret`. */
export async function takePendingTotp(tx: Tx, userId: string, secret: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('totpSecret')
    .where('userId', '=', userId)
    .where('state', '=', 'pending')
    .where('secret', '=', secret)
    .returning('userId')
    .executeTakeFirst()
  return row !== undefined
}

/** False where this step, or a later one, was accepted before: of two that send one code, one gets in. */
export async function advanceTotp(tx: Tx, userId: string, step: number, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('totpSecret')
    .set({ lastStep: step, lastUsedAt: now })
    .where('userId', '=', userId)
    .where('state', '=', 'active')
    .where('lastStep', '<', step)
    .returning('userId')
    .executeTakeFirst()
  return row !== undefined
}

/** Those of both states. False where none was active. */
export async function deleteTotp(tx: Tx, userId: string): Promise<boolean> {
  const rows = await tx.deleteFrom('totpSecret').where('userId', '=', userId).returning('state').execute()
  return rows.some((row) => row.state === 'active')
}

// Passkeys

const passkeysByUser = prepared<{ userId: string }, PasskeyTable>((q, param) =>
  q.selectFrom('passkey').selectAll().where('userId', '=', param('userId')).orderBy('createdAt').orderBy('id'),
)

/** The oldest first. */
export async function passkeysOf(on: Tx | Db['read'], userId: string): Promise<PasskeyTable[]> {
  return await passkeysByUser.run(on, { userId })
}

const passkeyByCredential = prepared<{ credentialId: string }, PasskeyTable>((q, param) =>
  q.selectFrom('passkey').selectAll().where('credentialId', '=', param('credentialId')),
)

export async function findPasskey(db: Db, credentialId: string): Promise<PasskeyTable | null> {
  return await passkeyByCredential.first(db.read, { credentialId })
}

/** False where the credential belongs to somebody already. */
export async function insertPasskey(tx: Tx, row: PasskeyTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('passkey')
    .values(row)
    .onConflict((conflict) => conflict.column('credentialId').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** False where the passkey is gone, or has counted this far already: it was copied, or an answer comes twice. Zero does not count. */
export async function advancePasskey(
  tx: Tx,
  id: string,
  change: { readonly counter: number; readonly isBackedUp: 0 | 1; readonly now: number },
): Promise<boolean> {
  const row = await tx
    .updateTable('passkey')
    .set({ counter: change.counter, isBackedUp: change.isBackedUp, lastUsedAt: change.now })
    .where('id', '=', id)
    .where((q) => q.or([q('counter', '<', change.counter), q('counter', '=', change.counter === 0 ? 0 : -1)]))
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** The name of the one that went; null where there was none. */
export async function deletePasskey(tx: Tx, userId: string, id: string): Promise<string | null> {
  const row = await tx
    .deleteFrom('passkey')
    .where('id', '=', id)
    .where('userId', '=', userId)
    .returning('name')
    .executeTakeFirst()
  return row?.name ?? null
}

export async function deletePasskeys(tx: Tx, userId: string): Promise<number> {
  return (await tx.deleteFrom('passkey').where('userId', '=', userId).returning('id').execute()).length
}

// Recovery codes

/** How many are left, and of how many. */
export async function countRecoveryCodes(on: Tx | Db['read'], userId: string): Promise<{ left: number; all: number }> {
  const rows = await on.selectFrom('recoveryCode').select('usedAt').where('userId', '=', userId).execute()
  return { left: rows.filter((row) => row.usedAt === null).length, all: rows.length }
}

/** In place of all that there were. */
export async function putRecoveryCodes(tx: Tx, userId: string, rows: readonly RecoveryCodeTable[]): Promise<void> {
  await tx.deleteFrom('recoveryCode').where('userId', '=', userId).execute()
  if (rows.length > 0)
    await tx
      .insertInto('recoveryCode')
      .values([...rows])
      .execute()
}

/** False where there is no such code, or it was used. */
export async function takeRecoveryCode(tx: Tx, userId: string, codeHash: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('recoveryCode')
    .set({ usedAt: now })
    .where('userId', '=', userId)
    .where('codeHash', '=', codeHash)
    .where('usedAt', 'is', null)
    .returning('userId')
    .executeTakeFirst()
  return row !== undefined
}

// Sign-ins that wait

export async function insertPending(tx: Tx, row: PendingSignInTable): Promise<void> {
  await tx.insertInto('pendingSignIn').values(row).execute()
}

export async function findPending(db: Db, tokenHash: string, now: number): Promise<PendingSignInTable | null> {
  const row = await db.read
    .selectFrom('pendingSignIn')
    .selectAll()
    .where('tokenHash', '=', tokenHash)
    .where('expiresAt', '>', now)
    .executeTakeFirst()
  return row ?? null
}

/** Counts an attempt before it is judged. Null where there is no such sign-in any more, or it had `most`. */
export async function countPendingAttempt(
  tx: Tx,
  tokenHash: string,
  now: number,
  most: number,
): Promise<PendingSignInTable | null> {
  const row = await tx
    .updateTable('pendingSignIn')
    .set((q) => ({ attempts: q('attempts', '+', 1) }))
    .where('tokenHash', '=', tokenHash)
    .where('expiresAt', '>', now)
    .where('attempts', '<', most)
    .returningAll()
    .executeTakeFirst()
  return row ?? null
}

/** False where somebody was first. */
export async function takePending(tx: Tx, tokenHash: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('pendingSignIn')
    .where('tokenHash', '=', tokenHash)
    .returning('tokenHash')
    .executeTakeFirst()
  return row !== undefined
}

// Challenges

/** False where it was answered before. */
export async function insertSpentChallenge(tx: Tx, hash: string, expiresAt: number): Promise<boolean> {
  const row = await tx
    .insertInto('spentChallenge')
    .values({ hash, expiresAt })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .returning('hash')
    .executeTakeFirst()
  return row !== undefined
}

const companyIdentity = prepared<{ userId: string }, { subject: string }>((q, param) =>
  q.selectFrom('companyIdentity').select('subject').where('userId', '=', param('userId')),
)

/** Whether the person can come in through the company's provider. */
export async function hasCompanyIdentity(db: Db, userId: string): Promise<boolean> {
  return (await companyIdentity.first(db.read, { userId })) !== null
}

// Cleaning

/** At most `limit` rows of each table. Returns whether there may be more. */
export async function deleteExpired(tx: Tx, now: number, limit: number): Promise<boolean> {
  const pending = await tx
    .deleteFrom('pendingSignIn')
    .where('tokenHash', 'in', (q) =>
      q
        .selectFrom('pendingSignIn')
        .select('pendingSignIn.tokenHash')
        .where('pendingSignIn.expiresAt', '<=', now)
        .limit(limit),
    )
    .returning('tokenHash')
    .execute()
  const spent = await tx
    .deleteFrom('spentChallenge')
    .where('hash', 'in', (q) =>
      q
        .selectFrom('spentChallenge')
        .select('spentChallenge.hash')
        .where('spentChallenge.expiresAt', '<=', now)
        .limit(limit),
    )
    .returning('hash')
    .execute()
  return pending.length === limit || spent.length === limit
}
