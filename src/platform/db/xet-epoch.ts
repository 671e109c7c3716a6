/**
 * Which life of the store Xet clients speak with: a restored hub lacks chunks that they remember having sent, so it gets a new address from
 * their point of view. Null until something was restored.
 */
import type { Db, Tx } from './database.ts'

const key = 'xetEpoch'

export async function readXetEpoch(db: Db): Promise<string | null> {
  const row = await db.read.selectFrom('instance').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value ?? null
}

export async function setXetEpoch(tx: Tx, epoch: string): Promise<void> {
  await tx
    .insertInto('instance')
    .values({ key, value: epoch })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: epoch }))
    .execute()
}
