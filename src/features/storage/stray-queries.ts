/** The SQL of strays: bytes in the blob store that no row names, as checks found them. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { collecting } from './queries.ts'

export interface Stray {
  readonly kind: 'object' | 'xorb'
  readonly hash: string
  readonly size: number
}

/** Found so at `before` or earlier. */
export async function selectOldStrays(db: Db, before: number, limit: number): Promise<Stray[]> {
  return await db.list
    .selectFrom('storeFinding')
    .select(['kind', 'hash', 'size'])
    .where('fault', '=', 'stray')
    .where('foundAt', '<=', before)
    .orderBy('foundAt')
    .orderBy('kind')
    .orderBy('hash')
    .limit(limit)
    .execute()
}

/** How many there are, and their bytes; those found at `before` or earlier apart. */
export async function countStrays(db: Db, before: number): Promise<{ count: number; bytes: number }> {
  const row = await db.list
    .selectFrom('storeFinding')
    .select((e) => [e.fn.countAll<number>().as('count'), e.fn.sum<number | null>('size').as('bytes')])
    .where('fault', '=', 'stray')
    .where('foundAt', '<=', before)
    .executeTakeFirst()
  return { count: Number(row?.count ?? 0), bytes: Number(row?.bytes ?? 0) }
}

/** Gives each a row that is being removed. One that has got a row meanwhile is no stray, and is forgotten. */
export async function claimStrays(tx: Tx, strays: readonly Stray[], now: number): Promise<Stray[]> {
  const claimed: Stray[] = []
  for (const stray of strays.toSorted((a, b) => (a.hash < b.hash ? -1 : 1))) {
    const isClaimed = stray.kind === 'object' ? await claimObject(tx, stray, now) : await claimXorb(tx, stray, now)
    if (isClaimed) claimed.push(stray)
    else await forget(tx, stray)
  }
  return claimed
}

async function claimObject(tx: Tx, { hash, size }: Stray, now: number): Promise<boolean> {
  const row = await tx
    .insertInto('blob')
    .values({
      sha256: hash,
      size,
      createdAt: now,
      leaseUntil: 0,
      leaseGeneration: collecting,
      xetHash: null,
      hasObject: 1,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('sha256')
    .executeTakeFirst()
  return row !== undefined
}

async function claimXorb(tx: Tx, { hash, size }: Stray, now: number): Promise<boolean> {
  const row = await tx
    .insertInto('xorb')
    .values({
      hash,
      size,
      rawSize: 0,
      chunkCount: 0,
      chunkIndex: new Uint8Array(0),
      createdAt: now,
      leaseUntil: 0,
      leaseGeneration: collecting,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('hash')
    .executeTakeFirst()
  return row !== undefined
}

/** The rows that were made for removed strays, and what was noted of them. */
export async function dropStrayRows(tx: Tx, strays: readonly Stray[]): Promise<void> {
  for (const stray of strays) {
    if (stray.kind === 'object') {
      await tx.deleteFrom('blob').where('sha256', '=', stray.hash).where('leaseGeneration', '=', collecting).execute()
    } else {
      await tx.deleteFrom('xorb').where('hash', '=', stray.hash).where('leaseGeneration', '=', collecting).execute()
    }
    await forget(tx, stray)
  }
}

async function forget(tx: Tx, { kind, hash }: Stray): Promise<void> {
  await tx.deleteFrom('storeFinding').where('kind', '=', kind).where('hash', '=', hash).execute()
}
