/** The SQL of checks: what lies in a part of the blob store, what was found there, and whom it concerns. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { StoreFindingTable } from '../../platform/db/schema.ts'

/** Hashes from `from` on, below `to`. */
export interface HashRange {
  readonly from: string
  readonly to: string
}

/** Objects that lie in the blob store, after the hash `after`. */
export async function selectObjects(
  db: Db,
  { from, to }: HashRange,
  after: string,
  limit: number,
): Promise<{ hash: string; size: number }[]> {
  return await db.list
    .selectFrom('blob')
    .select(['sha256 as hash', 'size'])
    .where('sha256', '>=', from)
    .where('sha256', '>', after)
    .where('sha256', '<', to)
    .where('hasObject', '=', 1)
    .where('leaseGeneration', '>=', 0)
    .orderBy('sha256')
    .limit(limit)
    .execute()
}

/** Xorbs that are stored, after the hash `after`. */
export async function selectXorbs(
  db: Db,
  { from, to }: HashRange,
  after: string,
  limit: number,
): Promise<{ hash: string; size: number }[]> {
  return await db.list
    .selectFrom('xorb')
    .select(['hash', 'size'])
    .where('hash', '>=', from)
    .where('hash', '>', after)
    .where('hash', '<', to)
    .where('chunkCount', '>', 0)
    .where('leaseGeneration', '>=', 0)
    .orderBy('hash')
    .limit(limit)
    .execute()
}

/** Whether the bytes must be there at this moment. */
export async function isObjectStored(db: Db, sha256: string): Promise<boolean> {
  const row = await db.read
    .selectFrom('blob')
    .select('sha256')
    .where('sha256', '=', sha256)
    .where('hasObject', '=', 1)
    .where('leaseGeneration', '>=', 0)
    .executeTakeFirst()
  return row !== undefined
}

/** The index of a xorb whose bytes must be there at this moment; else null. */
export async function selectStoredIndex(db: Db, hash: string): Promise<Uint8Array | null> {
  const row = await db.read
    .selectFrom('xorb')
    .select('chunkIndex')
    .where('hash', '=', hash)
    .where('chunkCount', '>', 0)
    .where('leaseGeneration', '>=', 0)
    .executeTakeFirst()
  return row?.chunkIndex ?? null
}

/** Of these, those that have a row, whatever state it is in. */
export async function selectKnown(db: Db, kind: 'object' | 'xorb', hashes: readonly string[]): Promise<Set<string>> {
  if (kind === 'object') {
    const rows = await db.list.selectFrom('blob').select('sha256').where('sha256', 'in', hashes).execute()
    return new Set(rows.map((row) => row.sha256))
  }
  const rows = await db.list.selectFrom('xorb').select('hash').where('hash', 'in', hashes).execute()
  return new Set(rows.map((row) => row.hash))
}

/** True if it was not known. */
export async function noteFinding(tx: Tx, finding: StoreFindingTable): Promise<boolean> {
  const row = await tx
    .insertInto('storeFinding')
    .values(finding)
    .onConflict((conflict) =>
      conflict.columns(['kind', 'hash']).doUpdateSet({
        checkedAt: finding.checkedAt,
        reason: finding.reason,
        size: finding.size,
        fault: finding.fault,
        foundAt: sql<number>`case when "storeFinding"."fault" = ${finding.fault} then "storeFinding"."foundAt" else ${finding.foundAt} end`,
      }),
    )
    .returning('foundAt')
    .executeTakeFirst()
  return row?.foundAt === finding.foundAt
}

export async function hasFindings(db: Db, kind: 'object' | 'xorb', { from, to }: HashRange): Promise<boolean> {
  const row = await db.read
    .selectFrom('storeFinding')
    .select('hash')
    .where('kind', '=', kind)
    .where('hash', '>=', from)
    .where('hash', '<', to)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** What was noted in this range before `checkedBefore` and not again since: it is no longer so. Gives how many. */
export async function dropFindings(
  tx: Tx,
  kind: 'object' | 'xorb',
  { from, to }: HashRange,
  checkedBefore: number,
): Promise<number> {
  const rows = await tx
    .deleteFrom('storeFinding')
    .where('kind', '=', kind)
    .where('hash', '>=', from)
    .where('hash', '<', to)
    .where('checkedAt', '<', checkedBefore)
    .returning('hash')
    .execute()
  return rows.length
}

/** Last found first. */
export async function selectFindings(db: Db, fault: 'damaged' | 'stray', limit: number): Promise<StoreFindingTable[]> {
  return await db.list
    .selectFrom('storeFinding')
    .selectAll()
    .where('fault', '=', fault)
    .orderBy('foundAt', 'desc')
    .limit(limit)
    .execute()
}

/** Repos that link these bytes, by name. */
export async function selectReposWithObject(db: Db, sha256: string, limit: number): Promise<string[]> {
  const rows = await db.list
    .selectFrom('repoBlob')
    .innerJoin('repo', 'repo.id', 'repoBlob.repoId')
    .select(['repo.kind', 'repo.fullName'])
    .where('repoBlob.sha256', '=', sha256)
    .limit(limit)
    .execute()
  return rows.map((row) => `${row.kind} ${row.fullName}`)
}

/** Repos with a file that is made of this xorb, by name. */
export async function selectReposWithXorb(db: Db, hash: string, limit: number): Promise<string[]> {
  const rows = await db.list
    .selectFrom('xetFileXorb')
    .innerJoin('xetFile', 'xetFile.hash', 'xetFileXorb.fileHash')
    .innerJoin('repoBlob', 'repoBlob.sha256', 'xetFile.sha256')
    .innerJoin('repo', 'repo.id', 'repoBlob.repoId')
    .select(['repo.kind', 'repo.fullName'])
    .distinct()
    .where('xetFileXorb.xorbHash', '=', hash)
    .limit(limit)
    .execute()
  return rows.map((row) => `${row.kind} ${row.fullName}`)
}

export async function readScrubState(db: Db, key: string): Promise<string | null> {
  return (await db.read.selectFrom('instance').select('value').where('key', '=', key).executeTakeFirst())?.value ?? null
}

export async function writeScrubState(tx: Tx, key: string, value: string): Promise<void> {
  await tx
    .insertInto('instance')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
