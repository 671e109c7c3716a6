/** The SQL of the switch for the weekly mail about tokens. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

const switchOf = prepared<{ userId: string }, { offAt: number | null }>((q, param) =>
  q.selectFrom('tokenMail').select('offAt').where('userId', '=', param('userId')),
)

export async function findSwitch(on: Tx | Db['read'], userId: string): Promise<{ offAt: number | null } | null> {
  return await switchOf.first(on, { userId })
}

/** Whether it changed anything. The person exists. */
export async function turnSwitch(tx: Tx, userId: string, offAt: number | null): Promise<boolean> {
  await tx
    .insertInto('tokenMail')
    .values({ userId, offAt: null, toldAt: null })
    .onConflict((c) => c.column('userId').doNothing())
    .execute()
  const { numUpdatedRows } = await tx
    .updateTable('tokenMail')
    .set({ offAt })
    .where('userId', '=', userId)
    .where('offAt', offAt === null ? 'is not' : 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
