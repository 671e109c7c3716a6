/** The SQL of the weekly mail: whom there may be something to tell, by windows of accounts, and who was told. */
import { sql } from 'kysely'
import { roleAt } from '../../access/role-at.ts'
import { firstUseMs, radarDayMs } from '../../domain/token-radar.ts'
import type { Db, Tx } from '../../platform/db/database.ts'

/** The last of the `size` accounts after `after`; null where there are none. */
export async function endOfWindow(db: Db, after: string, size: number): Promise<string | null> {
  const window = db.list.selectFrom('user').select('id').where('id', '>', after).orderBy('id').limit(size)
  const row = await db.list
    .selectFrom(window.as('window'))
    .select(({ fn }) => fn.max('window.id').as('last'))
    .executeTakeFirst()
  return row?.last ?? null
}

/**
 * Active people with a verified address who have a token that may need attention, or administer an organization, and were not told since `before`.
 * More than will be written to: what is the matter is judged when the mail is written.
 */
export async function listCandidates(
  db: Db,
  window: { readonly after: string; readonly last: string },
  now: number,
  before: number,
): Promise<string[]> {
  const rows = await db.list
    .selectFrom('user as person')
    .leftJoin('tokenMail as told', 'told.userId', 'person.id')
    .select('person.id')
    .where('person.id', '>', window.after)
    .where('person.id', '<=', window.last)
    .where('person.state', '=', 'active')
    .where('told.offAt', 'is', null)
    .where((q) => q.or([q('told.toldAt', 'is', null), q('told.toldAt', '<', before)]))
    .where((q) =>
      q.exists(
        q
          .selectFrom('email as address')
          .select(sql`1`.as('one'))
          .whereRef('address.userId', '=', 'person.id')
          .where('address.isPrimary', '=', 1)
          .where('address.verifiedAt', 'is not', null),
      ),
    )
    .where((q) =>
      q.or([
        q.exists(
          q
            .selectFrom('accessToken as token')
            .select(sql`1`.as('one'))
            .whereRef('token.ownerId', '=', 'person.id')
            .where((e) => e.or([e('token.expiresAt', 'is', null), e('token.expiresAt', '>', now)]))
            .where((e) =>
              e.or([
                e('token.expiresAt', '<=', now + 30 * radarDayMs),
                e('token.role', '=', 'fineGrained'),
                sql<boolean>`coalesce("token"."lastUsedAt", "token"."rotatedAt", "token"."createdAt") < ${now - firstUseMs}`,
              ]),
            ),
        ),
        q.exists(
          q
            .selectFrom('roleGrant as grant')
            .select(sql`1`.as('one'))
            .whereRef('grant.principalId', '=', 'person.id')
            .where('grant.targetKind', '=', 'organization')
            .where(roleAt('grant', now), '=', 'admin'),
        ),
      ]),
    )
    .orderBy('person.id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Those of `people` whom nobody else marked meanwhile, nor they switched it off: by one statement, so that two runs never both get a person. */
export async function markTold(tx: Tx, people: readonly string[], now: number, before: number): Promise<string[]> {
  if (people.length === 0) return []
  const rows = await tx
    .insertInto('tokenMail')
    .values(people.map((userId) => ({ userId, offAt: null, toldAt: now })))
    .onConflict((c) =>
      c
        .column('userId')
        .doUpdateSet({ toldAt: now })
        .where('tokenMail.offAt', 'is', null)
        .where((q) => q.or([q('tokenMail.toldAt', 'is', null), q('tokenMail.toldAt', '<', before)])),
    )
    .returning('userId')
    .execute()
  return rows.map(({ userId }) => userId)
}
