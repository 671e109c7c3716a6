/** The SQL of audited downloads. Seals are only ever inserted; records are removed as a whole seal, whose hashes stay. */
import { type Kysely, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type {
  AuditedDownloadTable,
  DownloadCheckpointTable,
  DownloadSealTable,
  Schema,
} from '../../platform/db/schema.ts'
import type { Unsigned } from '../audit/service.ts'

/** What `Db.snapshot` lends. */
export type ChainView = Kysely<Schema>

export type AuditScope = 'nothing' | 'restricted' | 'all'
const chunkSize = 200

/** Of these owners those that are organizations. */
export async function selectAuditScopes(db: Db, ownerIds: readonly string[]): Promise<Map<string, AuditScope>> {
  const found = new Map<string, AuditScope>()
  for (let at = 0; at < ownerIds.length; at += chunkSize) {
    const rows = await db.read
      .selectFrom('organization')
      .select(['id', 'downloadAudit'])
      .where('id', 'in', ownerIds.slice(at, at + chunkSize))
      .execute()
    for (const row of rows) found.set(row.id, row.downloadAudit)
  }
  return found
}

export async function updateAuditScope(tx: Tx, organizationId: string, downloadAudit: AuditScope): Promise<void> {
  await tx.updateTable('organization').set({ downloadAudit }).where('id', '=', organizationId).execute()
}

export async function selectKnownIds(on: Kysely<Schema>, ids: readonly string[]): Promise<Set<string>> {
  const rows = await on.selectFrom('auditedDownload').select('id').where('id', 'in', ids).execute()
  return new Set(rows.map(({ id }) => id))
}

export interface DownloadHead {
  readonly seal: DownloadSealTable | null
  /** Seals after the last checkpoint; null where there are none. */
  readonly unsigned: Unsigned | null
}

export async function readDownloadHead(on: Kysely<Schema>): Promise<DownloadHead> {
  const seal = await on.selectFrom('downloadSeal').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst()
  if (seal === undefined) return { seal: null, unsigned: null }
  const last = await on
    .selectFrom('downloadCheckpoint')
    .select('number')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const signed = last?.number ?? 0
  if (seal.number <= signed) return { seal, unsigned: null }
  const first = await on
    .selectFrom('downloadSeal')
    .select('sealedAt')
    .where('number', '=', signed + 1)
    .executeTakeFirst()
  return { seal, unsigned: { count: seal.number - signed, firstAt: first?.sealedAt ?? 0 } }
}

/** False where another process took this number. */
export async function insertDownloadSeal(tx: Tx, seal: DownloadSealTable): Promise<boolean> {
  const row = await tx
    .insertInto('downloadSeal')
    .values(seal)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning('number')
    .executeTakeFirst()
  return row !== undefined
}

export async function insertAuditedDownloads(tx: Tx, records: readonly AuditedDownloadTable[]): Promise<void> {
  for (let at = 0; at < records.length; at += chunkSize) {
    await tx
      .insertInto('auditedDownload')
      .values(records.slice(at, at + chunkSize))
      .execute()
  }
}

export async function insertDownloadCheckpoint(tx: Tx, checkpoint: DownloadCheckpointTable): Promise<boolean> {
  const row = await tx
    .insertInto('downloadCheckpoint')
    .values(checkpoint)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning('number')
    .executeTakeFirst()
  return row !== undefined
}

export async function selectDownloadSeals(
  on: Kysely<Schema>,
  after: number,
  limit: number,
): Promise<DownloadSealTable[]> {
  return await on
    .selectFrom('downloadSeal')
    .selectAll()
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute()
}

export async function selectSealed(on: Kysely<Schema>, from: number, to: number): Promise<AuditedDownloadTable[]> {
  return await on
    .selectFrom('auditedDownload')
    .selectAll()
    .where('seal', '>=', from)
    .where('seal', '<=', to)
    .orderBy('seal')
    .orderBy('id')
    .execute()
}

export async function selectDownloadCheckpoints(
  on: Kysely<Schema>,
  from: number,
  to: number,
): Promise<DownloadCheckpointTable[]> {
  return await on
    .selectFrom('downloadCheckpoint')
    .selectAll()
    .where('number', '>=', from)
    .where('number', '<=', to)
    .orderBy('number')
    .execute()
}

/** What the audit log says of this chain: the data of events of the hub itself, in their order, a page at a time. */
export async function selectAnchors(
  on: Kysely<Schema>,
  action: string,
  after: string,
  limit: number,
): Promise<{ id: string; data: string }[]> {
  return await on
    .selectFrom('event')
    .select(['id', 'data'])
    .where('ownerId', 'is', null)
    .where('action', '=', action)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** The oldest seals of before `until` that still have their records. */
export async function selectPrunable(
  db: Db,
  after: number,
  until: number,
  limit: number,
): Promise<DownloadSealTable[]> {
  return await db.list
    .selectFrom('downloadSeal')
    .selectAll()
    .where('number', '>', after)
    .where('sealedAt', '<', until)
    .orderBy('number')
    .limit(limit)
    .execute()
}

export async function pruneSeal(tx: Tx, number: number, keptHashes: string): Promise<void> {
  await tx.updateTable('downloadSeal').set({ keptHashes }).where('number', '=', number).execute()
  await tx.deleteFrom('auditedDownload').where('seal', '=', number).execute()
}

export interface AuditFilter {
  /** Null: of all repos of the hub. */
  readonly ownerId: string | null
  /** `owner/name` as it was then. */
  readonly repo: string | null
  readonly principal: string | null
  readonly token: string | null
  /** Ids at this one or later, and before. */
  readonly fromId: string | null
  readonly beforeId: string | null
}

/** Newest first, each page a piece of an index. */
export async function selectAudited(db: Db, filter: AuditFilter, limit: number): Promise<AuditedDownloadTable[]> {
  let query = db.list.selectFrom('auditedDownload').selectAll()
  if (filter.ownerId !== null) query = query.where('ownerId', '=', filter.ownerId)
  if (filter.repo !== null) query = query.where('repoName', '=', filter.repo)
  if (filter.principal !== null) query = query.where('actorName', '=', filter.principal)
  if (filter.token !== null) query = query.where('credentialId', '=', filter.token)
  if (filter.fromId !== null) query = query.where('id', '>=', filter.fromId)
  if (filter.beforeId !== null) query = query.where('id', '<', filter.beforeId)
  return await query.orderBy('id', 'desc').limit(limit).execute()
}

/** The place where the chain is on PostgreSQL written by one at a time; SQLite has one writer anyway. */
export async function lockChain(tx: Tx, dialect: Db['dialect']): Promise<void> {
  if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(6840311)`.execute(tx)
}

/** The data of the newest event of the hub itself with this action. */
export async function selectLastAnchor(db: Db, action: string): Promise<string | null> {
  const row = await db.list
    .selectFrom('event')
    .select('data')
    .where('ownerId', 'is', null)
    .where('action', '=', action)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.data ?? null
}
