/** The SQL of who is who at the company's provider. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { CompanyIdentityTable, Flag } from '../../platform/db/schema.ts'

export interface CompanyPerson {
  readonly id: string
  readonly name: string
  readonly state: 'active' | 'deactivated' | 'deleted'
  readonly isAdmin: Flag
}

const person = ['user.id', 'namespace.name', 'user.state', 'user.isAdmin'] as const

const byIdentity = prepared<{ issuer: string; subject: string }, CompanyPerson>((q, param) =>
  q
    .selectFrom('companyIdentity')
    .innerJoin('user', 'user.id', 'companyIdentity.userId')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .select(person)
    .where('companyIdentity.issuer', '=', param('issuer'))
    .where('companyIdentity.subject', '=', param('subject')),
)

export async function findByIdentity(
  on: Tx | Db['read'],
  issuer: string,
  subject: string,
): Promise<CompanyPerson | null> {
  return await byIdentity.first(on, { issuer, subject })
}

const byVerifiedEmail = prepared<{ key: string }, CompanyPerson>((q, param) =>
  q
    .selectFrom('email')
    .innerJoin('user', 'user.id', 'email.userId')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .select(person)
    .where('email.addressKey', '=', param('key'))
    .where('email.verifiedAt', 'is not', null),
)

export async function findByVerifiedEmail(tx: Tx, key: string): Promise<CompanyPerson | null> {
  return await byVerifiedEmail.first(tx, { key })
}

const identitiesOf = prepared<{ userId: string }, CompanyIdentityTable>((q, param) =>
  q.selectFrom('companyIdentity').selectAll().where('userId', '=', param('userId')).orderBy('issuer'),
)

/** Those of other issuers too, which the hub was set up with before. */
export async function listIdentities(on: Tx | Db['read'], userId: string): Promise<CompanyIdentityTable[]> {
  return await identitiesOf.run(on, { userId })
}

/** False where the person there, or the account here, has another one already. */
export async function insertIdentity(tx: Tx, row: CompanyIdentityTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('companyIdentity')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('subject')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function touchIdentity(
  tx: Tx,
  issuer: string,
  subject: string,
  label: string,
  now: number,
): Promise<void> {
  await tx
    .updateTable('companyIdentity')
    .set({ label, lastUsedAt: now })
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .execute()
}

/** What it was called; null where there was none. */
export async function deleteIdentity(tx: Tx, userId: string, issuer: string): Promise<string | null> {
  const row = await tx
    .deleteFrom('companyIdentity')
    .where('userId', '=', userId)
    .where('issuer', '=', issuer)
    .returning('label')
    .executeTakeFirst()
  return row?.label ?? null
}

const ways = prepared<{ userId: string }, { passwordHash: string | null; passkey: string | null }>((q, param) =>
  q
    .selectFrom('user')
    .leftJoin('passkey', 'passkey.userId', 'user.id')
    .select(['user.passwordHash', 'passkey.id as passkey'])
    .where('user.id', '=', param('userId'))
    .limit(1),
)

/** Whether the person has a password or a passkey to sign in with. */
export async function hasAnotherWay(on: Tx | Db['read'], userId: string): Promise<boolean> {
  const row = await ways.first(on, { userId })
  return row !== null && (row.passwordHash !== null || row.passkey !== null)
}
