/**
 * While somebody copies what the database names, nothing may be removed for good. A hold is a row that ends by itself, so that a copier who
 * dies holds nobody up; every collector asks in the very transaction in which it claims what it is about to remove.
 */
import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Db, Tx } from './database.ts'

const keyPrefix = 'collectionHold:'
const holdMs = 10 * 60_000
const renewEveryMs = 2 * 60_000

export interface CollectionHold {
  /** False once it could not be renewed in time: what was copied since may have been collected meanwhile. */
  readonly isUnbroken: boolean
  release(): Promise<void>
}

/** From its return until `release` no collector claims anything. */
export async function holdCollection(
  db: Db,
  clock: Clock,
  lengths = { holdMs, renewEveryMs },
): Promise<CollectionHold> {
  const key = `${keyPrefix}${clock.id()}`
  let until = clock.now() + lengths.holdMs
  let isUnbroken = true
  await db.transaction(async (tx) => {
    // Waits for claims under way; those that begin later see the row.
    if (db.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${lockKey})`.execute(tx)
    await dropExpired(tx, clock.now())
    await tx
      .insertInto('instance')
      .values({ key, value: String(until) })
      .execute()
  })
  const renew = async (): Promise<void> => {
    if (clock.now() >= until) isUnbroken = false
    const next = clock.now() + lengths.holdMs
    const row = await db.transaction((tx) =>
      tx
        .updateTable('instance')
        .set({ value: String(next) })
        .where('key', '=', key)
        .returning('key')
        .executeTakeFirst(),
    )
    if (row === undefined) isUnbroken = false
    else until = next
  }
  let renewal = Promise.resolve()
  const timer = setInterval(() => {
    // A database that cannot be reached for a moment is tried again; `until` tells when that was too long.
    renewal = renewal.then(renew).catch(() => undefined)
  }, lengths.renewEveryMs)
  timer.unref()
  return {
    get isUnbroken() {
      return isUnbroken && clock.now() < until
    },
    async release() {
      clearInterval(timer)
      await renewal
      await db.transaction((tx) => tx.deleteFrom('instance').where('key', '=', key).execute())
    },
  }
}

/** For a collector, in the transaction of each claim: true means claim nothing now. */
export async function isCollectionHeld(tx: Tx, dialect: Db['dialect'], now: number): Promise<boolean> {
  if (dialect === 'postgres') await sql`select pg_advisory_xact_lock_shared(${lockKey})`.execute(tx)
  const rows = await selectHolds(tx)
  return rows.some((row) => Number(row.value) > now)
}

/** Looks without a claim: a collector need not begin. */
export async function findCollectionHold(db: Db, now: number): Promise<boolean> {
  return (await selectHolds(db.read)).some((row) => Number(row.value) > now)
}

/** What a copy of the database holds of them means nothing there. */
export async function dropCollectionHolds(tx: Tx): Promise<void> {
  await tx.deleteFrom('instance').where('key', '>=', keyPrefix).where('key', '<', after(keyPrefix)).execute()
}

/** "hold" in ASCII; nobody else takes advisory locks with a bare number. */
const lockKey = 0x68_6f_6c_64

async function selectHolds(on: Tx | Db['read']): Promise<{ key: string; value: string }[]> {
  return await on
    .selectFrom('instance')
    .selectAll()
    .where('key', '>=', keyPrefix)
    .where('key', '<', after(keyPrefix))
    .execute()
}

async function dropExpired(tx: Tx, now: number): Promise<void> {
  const expired = (await selectHolds(tx)).filter((row) => Number(row.value) <= now).map((row) => row.key)
  if (expired.length > 0) await tx.deleteFrom('instance').where('key', 'in', expired).execute()
}

/** The first text after all that begin with `prefix`. */
function after(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`
}
