/** The SQL of scans: the queue, the results by content, and where contents lie. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type {
  ContentScanTable,
  ImportSetTable,
  RepoScanTable,
  ScanPlaceTable,
  ScanReleaseTable,
  ScanResultTable,
} from '../../platform/db/schema.ts'
import type { FoundLevel, Level } from './levels.ts'

export type QueuedContent = Pick<ContentScanTable, 'content' | 'size' | 'attempts'>

/** New contents are queued; known ones stay as they are. */
export async function insertContents(
  tx: Tx,
  contents: readonly { readonly content: string; readonly size: number }[],
  now: number,
): Promise<void> {
  if (contents.length === 0) return
  const rows = contents.map(
    ({ content, size }): ContentScanTable => ({
      content,
      size,
      state: 'queued',
      level: 'unscanned',
      scanners: null,
      reason: null,
      attempts: 0,
      dueAt: now,
      claim: null,
      queuedAt: now,
      scannedAt: null,
      foundAt: 0,
      importSet: null,
    }),
  )
  await tx
    .insertInto('contentScan')
    .values(rows)
    .onConflict((conflict) => conflict.column('content').doNothing())
    .execute()
}

export async function insertPlaces(tx: Tx, places: readonly ScanPlaceTable[]): Promise<void> {
  if (places.length === 0) return
  await tx
    .insertInto('scanPlace')
    .values(places)
    .onConflict((conflict) => conflict.columns(['content', 'repoId', 'oid']).doNothing())
    .execute()
}

/** Queues again what has ended; what it said before stays until the new scan has ended. */
export async function requeueContents(tx: Tx, contents: readonly string[], now: number): Promise<void> {
  if (contents.length === 0) return
  await tx
    .updateTable('contentScan')
    .set({ state: 'queued', attempts: 0, dueAt: now, queuedAt: now, reason: null, claim: null })
    .where('content', 'in', contents)
    .where('state', 'in', ['done', 'error'])
    .execute()
}

const nextDue = prepared<
  { state: 'queued' | 'scanning'; now: number; limit: number },
  { content: string; size: number; attempts: number; dueAt: number }
>((q, param) =>
  q
    .selectFrom('contentScan')
    .select(['content', 'size', 'attempts', 'dueAt'])
    .where('state', '=', param('state'))
    .where('dueAt', '<=', param('now'))
    .orderBy('dueAt')
    .limit(param('limit')),
)

/** Waiting contents that are due, and those whose claim ran out, the longest first. */
export async function selectDue(db: Db, now: number, limit: number): Promise<QueuedContent[]> {
  const [queued, lost] = await Promise.all([
    nextDue.run(db.read, { state: 'queued', now, limit }),
    nextDue.run(db.read, { state: 'scanning', now, limit }),
  ])
  return [...lost, ...queued].slice(0, limit)
}

/** False where somebody else was faster. */
export async function claimContent(
  tx: Tx,
  { content, attempts }: QueuedContent,
  claim: string,
  now: number,
  until: number,
): Promise<boolean> {
  const done = await tx
    .updateTable('contentScan')
    .set({ state: 'scanning', claim, dueAt: until, attempts: attempts + 1 })
    .where('content', '=', content)
    .where('attempts', '=', attempts)
    .where('state', 'in', ['queued', 'scanning'])
    .where('dueAt', '<=', now)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1
}

export async function renewClaim(tx: Tx, content: string, claim: string, until: number): Promise<void> {
  await tx
    .updateTable('contentScan')
    .set({ dueAt: until })
    .where('content', '=', content)
    .where('claim', '=', claim)
    .execute()
}

/** Ends a claim with what came of it; nothing where the claim was lost. */
export async function settleContent(
  tx: Tx,
  content: string,
  claim: string,
  outcome: Partial<
    Pick<ContentScanTable, 'state' | 'level' | 'scanners' | 'reason' | 'attempts' | 'dueAt' | 'scannedAt'>
  >,
  now: number,
): Promise<void> {
  await tx
    .updateTable('contentScan')
    .set((eb) => ({
      ...outcome,
      claim: null,
      foundAt:
        outcome.level === undefined
          ? eb.ref('foundAt')
          : eb.case().when('level', '!=', outcome.level).then(now).else(eb.ref('foundAt')).end(),
    }))
    .where('content', '=', content)
    .where('claim', '=', claim)
    .execute()
}

/** Which imports of a content an organization must admit; null for none. */
export async function setImportSet(tx: Tx, content: string, set: ImportSetTable | null, now: number): Promise<void> {
  if (set !== null) {
    await tx
      .insertInto('importSet')
      .values(set)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  }
  await tx
    .updateTable('contentScan')
    .set({ importSet: set?.id ?? null, foundAt: now })
    .where('content', '=', content)
    .where((eb) =>
      set === null
        ? eb('importSet', 'is not', null)
        : eb.or([eb('importSet', 'is', null), eb('importSet', '!=', set.id)]),
    )
    .execute()
}

export async function deleteContent(tx: Tx, content: string): Promise<void> {
  await tx.deleteFrom('contentScan').where('content', '=', content).execute()
}

export async function upsertResult(tx: Tx, result: ScanResultTable): Promise<void> {
  const { level, message, details, scannedAt } = result
  await tx
    .insertInto('scanResult')
    .values(result)
    .onConflict((conflict) =>
      conflict.columns(['content', 'scanner', 'version']).doUpdateSet({ level, message, details, scannedAt }),
    )
    .execute()
}

/** What other versions of a scanner said, once the current one has spoken. */
export async function deleteOldResults(tx: Tx, content: string, scanner: string, version: string): Promise<void> {
  await tx
    .deleteFrom('scanResult')
    .where('content', '=', content)
    .where('scanner', '=', scanner)
    .where('version', '!=', version)
    .execute()
}

export async function selectResults(db: Db, contents: readonly string[]): Promise<ScanResultTable[]> {
  if (contents.length === 0) return []
  return await db.read.selectFrom('scanResult').selectAll().where('content', 'in', contents).execute()
}

export async function selectContents(db: Db, contents: readonly string[]): Promise<ContentScanTable[]> {
  if (contents.length === 0) return []
  return await db.read.selectFrom('contentScan').selectAll().where('content', 'in', contents).execute()
}

export async function selectPlaces(db: Db, content: string, limit: number): Promise<ScanPlaceTable[]> {
  return await db.read.selectFrom('scanPlace').selectAll().where('content', '=', content).limit(limit).execute()
}

export interface FoundPlace {
  readonly content: string
  readonly oid: string
  readonly level: Level
}

/** Where a repo holds contents of these levels. Few contents have one, so that is where the search begins. */
export async function selectFoundPlaces(
  db: Db,
  repoId: string,
  levels: readonly FoundLevel[],
  limit: number,
): Promise<FoundPlace[]> {
  return await db.list
    .selectFrom('scanPlace')
    .innerJoin('contentScan', 'contentScan.content', 'scanPlace.content')
    .select(['scanPlace.content', 'scanPlace.oid', 'contentScan.level'])
    .where('scanPlace.repoId', '=', repoId)
    .where('contentScan.level', 'in', levels)
    .limit(limit)
    .execute()
}

/** Whether a content of the repo still waits for a scanner. */
export async function hasWaiting(db: Db, repoId: string): Promise<boolean> {
  const row = await db.list
    .selectFrom('contentScan')
    .innerJoin('scanPlace', 'scanPlace.content', 'contentScan.content')
    .select('contentScan.content')
    .where('contentScan.state', 'in', ['queued', 'scanning'])
    .where('scanPlace.repoId', '=', repoId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

const repoScanById = prepared<{ repoId: string }, RepoScanTable>((q, param) =>
  q.selectFrom('repoScan').selectAll().where('repoId', '=', param('repoId')),
)

export async function selectRepoScan(db: Db, repoId: string): Promise<RepoScanTable | null> {
  return await repoScanById.first(db.read, { repoId })
}

export async function upsertRepoScan(tx: Tx, row: RepoScanTable): Promise<void> {
  await tx
    .insertInto('repoScan')
    .values(row)
    .onConflict((conflict) => conflict.column('repoId').doUpdateSet({ heads: row.heads, listedAt: row.listedAt }))
    .execute()
}

/** False where it is released already. */
export async function insertRelease(tx: Tx, release: ScanReleaseTable): Promise<boolean> {
  const done = await tx
    .insertInto('scanRelease')
    .values(release)
    .onConflict((conflict) => conflict.column('content').doNothing())
    .executeTakeFirst()
  return done.numInsertedOrUpdatedRows === 1n
}

/** False where it was not released. */
export async function deleteRelease(tx: Tx, content: string): Promise<boolean> {
  const done = await tx.deleteFrom('scanRelease').where('content', '=', content).executeTakeFirst()
  return done.numDeletedRows === 1n
}

export async function renewFound(tx: Tx, content: string, now: number): Promise<void> {
  await tx.updateTable('contentScan').set({ foundAt: now }).where('content', '=', content).execute()
}
