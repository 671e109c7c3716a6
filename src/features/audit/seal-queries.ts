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

const eventIds = prepared<{ after: string; limit: number }, { id: string }>((q, param) =>
  q.selectFrom('event').select('id').where('id', '>', param('after')).orderBy('id').limit(param('limit')),
)
const sealedIds = prepared<{ after: string; until: string }, { eventId: string }>((q, param) =>
  q
    .selectFrom('sealedEvent')
    .select('eventId')
    .where('eventId', '>', param('after'))
    .where('eventId', '<=', param('until'))
    .orderBy('eventId'),
)

export interface UnsealedPage {
  /** In their order. */
  readonly ids: readonly string[]
  /** The last id that was looked at; null at the end of the log. */
  readonly until: string | null
}

/**
 * Which of the next `limit` events have no seal. Two ranges of an index, compared here: joined by PostgreSQL, which knows nothing of what was
 * written a moment ago, 20,000 of them took more than five seconds.
 */
export async function selectUnsealedIds(on: Kysely<Schema>, after: string, limit: number): Promise<UnsealedPage> {
  const page = await eventIds.run(on, { after, limit })
  const until = page.at(-1)?.id
  if (until === undefined) return { ids: [], until: null }
  const sealed = new Set((await sealedIds.run(on, { after, until })).map((row) => row.eventId))
  const ids = page.map((row) => row.id).filter((id) => !sealed.has(id))
  return { ids, until: page.length < limit ? null : until }
}

/** In the order of their ids. One parameter: a statement with hundreds takes milliseconds to build. */
export async function selectEventsById(
  on: Kysely<Schema>,
  dialect: Db['dialect'],
  ids: readonly string[],
): Promise<EventTable[]> {
  if (ids.length === 0) return []
  const list = JSON.stringify(ids)
  const wanted =
    dialect === 'postgres'
      ? sql<string>`(select jsonb_array_elements_text(${list}::jsonb))`
      : sql<string>`(select value from json_each(${list}))`
  return await on.selectFrom('event').selectAll().where('id', 'in', wanted).orderBy('id').execute()
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
