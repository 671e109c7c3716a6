/** Tokens that were made for so many requests: each takes one, and of two that come for the last at once, one is refused. */
import { sql } from 'kysely'
import type { Tx } from '../platform/db/database.ts'

/** False where none is left. */
export async function takeUse(tx: Tx, tokenId: string): Promise<boolean> {
  const taken = await tx
    .updateTable('accessToken')
    .set({ usesLeft: sql<number>`"usesLeft" - 1` })
    .where('id', '=', tokenId)
    .where('usesLeft', '>', 0)
    .returning('id')
    .executeTakeFirst()
  return taken !== undefined
}
