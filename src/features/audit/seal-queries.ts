/** The SQL of sealing. Seals, sealed events and checkpoints are only ever inserted, each under a key that only one sealer can take. */
import { type Kysely, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { AuditCheckpointTable, AuditSealTable, EventTable, Schema } from '../../platform/db/schema.ts'
import type { Unsigned } from './seal-format.ts'

const newestEvent = prepared<{ before: string }, { id: string }>((q, param) =>
  q.selectFrom('event').select('id').where('id', '<', param('before')).orderBy('id', 'desc').limit(1),
)

/** The newest event's id below this one, by the index. */
export async function findNewestEventId(db: Db, before: string): Promise<string> {
  return (await newestEvent.first(db.read, { before }))?.id ?? ''
}

/** The id that many events further on; null where fewer follow. */
export async function findIdAfter(on: Kysely<Schema>, after: string, count: number): Promise<string | null> {
  const row = await on
    .selectFrom('event')
    .select('id')
    .where('id', '>', after)
    .orderBy('id')
    .limit(1)
    .offset(count - 1)
    .executeTakeFirst()
  return row?.id ?? null
}

/** Unsealed events in (after, until], oldest first. */
export async function selectUnsealed(
  on: Kysely<Schema>,
  after: string,
  until: string,
  limit: number,
): Promise<EventTable[]> {
  return await on
    .selectFrom('event')
    .selectAll()
    .where('id', '>', after)
    .where('id', '<=', until)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('sealedEvent')
            .select('eventId')
            .whereRef('eventId', '=', 'event.id')
            // Said again, so that PostgreSQL does not merge with all that was ever sealed.
            .where('eventId', '>', after)
            .where('eventId', '<=', until),
        ),
      ),
    )
    .orderBy('id')
    .limit(limit)
    .execute()
}

export interface Head {
  /** The last seal, or null before the first. */
  readonly seal: AuditSealTable | null
  /** Seals after the last checkpoint; null where there are none. */
  readonly unsigned: Unsigned | null
}

export async function readHead(db: Db): Promise<Head> {
  const seal = await db.read.selectFrom('auditSeal').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst()
  if (seal === undefined) return { seal: null, unsigned: null }
  const signed = (await findLastCheckpoint(db.read))?.number ?? 0
  if (seal.number <= signed) return { seal, unsigned: null }
  const first = await findSeal(db, signed + 1)
  return { seal, unsigned: { count: seal.number - signed, firstAt: first?.sealedAt ?? 0 } }
}

export async function findSeal(db: Db, number: number): Promise<AuditSealTable | null> {
  const row = await db.read.selectFrom('auditSeal').selectAll().where('number', '=', number).executeTakeFirst()
  return row ?? null
}

export async function findLastCheckpoint(on: Kysely<Schema>): Promise<AuditCheckpointTable | null> {
  const row = await on.selectFrom('auditCheckpoint').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst()
  return row ?? null
}

/** False where another sealer took this number. */
export async function insertSeal(tx: Tx, seal: AuditSealTable): Promise<boolean> {
  const row = await tx
    .insertInto('auditSeal')
    .values(seal)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning('number')
    .executeTakeFirst()
  return row !== undefined
}

/** `entries` are (event id, hash) in their order. One parameter: a statement with a thousand takes milliseconds to build. */
export async function insertSealedEvents(
  tx: Tx,
  dialect: Db['dialect'],
  seal: number,
  entries: readonly (readonly [string, string])[],
): Promise<void> {
  const list = JSON.stringify(entries)
  const rows =
    dialect === 'postgres'
      ? sql`select pair ->> 0, ${sql.lit(seal)}::bigint, place - 1, pair ->> 1
          from jsonb_array_elements(${list}::jsonb) with ordinality as each(pair, place)`
      : sql`select value ->> 0, ${sql.lit(seal)}, key, value ->> 1 from json_each(${list})`
  await sql`insert into "sealedEvent" ("eventId", "seal", "position", "hash") ${rows}`.execute(tx)
}

export async function insertCheckpoint(tx: Tx, checkpoint: AuditCheckpointTable): Promise<void> {
  await tx
    .insertInto('auditCheckpoint')
    .values(checkpoint)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .execute()
}

export interface Lease {
  readonly holder: string
  readonly until: number
}

const leaseKey = 'auditSealer'
const leaseRow = prepared<{ key: string }, { value: string }>((q, param) =>
  q.selectFrom('instance').select('value').where('key', '=', param('key')),
)

/** Who seals at present. */
export async function findLease(db: Db): Promise<Lease | null> {
  const [until, holder] = ((await leaseRow.first(db.read, { key: leaseKey }))?.value ?? '').split(' ')
  return holder === undefined ? null : { holder, until: Number(until) }
}

export async function writeLease(tx: Tx, { holder, until }: Lease): Promise<void> {
  const value = `${until} ${holder}`
  await tx
    .insertInto('instance')
    .values({ key: leaseKey, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

/** Gives the lease back, if it is still this holder's. */
export async function dropLease(tx: Tx, lease: Lease): Promise<void> {
  await tx
    .deleteFrom('instance')
    .where('key', '=', leaseKey)
    .where('value', '=', `${lease.until} ${lease.holder}`)
    .execute()
}
