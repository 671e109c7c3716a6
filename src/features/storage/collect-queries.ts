/**
 * The SQL of collection. Every claim compares the generation of a lease: whoever renewed it since the row was read keeps the bytes. Lists
 * walk an index in windows, so that rows which stay cost a bounded time each; what decides about a row is looked up for that row alone
 * ("limit 1": PostgreSQL would make a table of all answers for an "exists").
 */
import { type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { addUsedStorage, collecting } from './queries.ts'

/** Where a walk by the end of leases goes on. */
export interface LeaseCursor {
  readonly leaseUntil: number
  readonly hash: string
}

/** Before every row: rows that are half removed have no lease at all, and come first. */
export const firstCursor: LeaseCursor = { leaseUntil: -1, hash: '' }

export interface BlobToJudge {
  readonly sha256: string
  readonly size: number
  readonly hasObject: number
  readonly leaseUntil: number
  readonly leaseGeneration: number
  /** A commit names it, or it is kept so that its loss can be taken back. */
  readonly isKept: number
}

/** Blobs whose lease is over, `limit` after the cursor. */
export async function selectBlobWindow(db: Db, after: LeaseCursor, now: number, limit: number): Promise<BlobToJudge[]> {
  const { rows } = await sql<BlobToJudge>`
    select "w"."sha256", "w"."size", "w"."hasObject", "w"."leaseUntil", "w"."leaseGeneration",
      case when "w"."keptUntil" >= ${now} then 1 else coalesce((
        select 1 from "repoBlob" as "rb" where "rb"."sha256" = "w"."sha256" and "rb"."referencedAt" is not null limit 1
      ), 0) end as "isKept"
    from (
      select * from "blob" where ("leaseUntil", "sha256") > (${after.leaseUntil}, ${after.hash}) and "leaseUntil" < ${now}
      order by "leaseUntil", "sha256" limit ${limit}
    ) as "w" order by "w"."leaseUntil", "w"."sha256"`.execute(db.list)
  return rows
}

/** Which repos link these blobs without a commit that names them, by blob. */
export async function selectUnnamedLinks(
  db: Db,
  sha256s: readonly string[],
): Promise<{ repoId: string; sha256: string }[]> {
  return await db.list.selectFrom('repoBlob').select(['repoId', 'sha256']).where('sha256', 'in', sha256s).execute()
}

/** Takes those that nothing holds. From then on nobody may count on them, until their rows are gone. */
export async function claimBlobs(tx: Tx, blobs: readonly BlobToJudge[], now: number): Promise<BlobToJudge[]> {
  const rows = await tx
    .updateTable('blob')
    .set({ leaseGeneration: collecting, leaseUntil: 0 })
    .where(
      'sha256',
      'in',
      blobs.map((blob) => blob.sha256),
    )
    .where(isUnchanged(sql.ref('sha256'), new Map(blobs.map((blob) => [blob.sha256, blob.leaseGeneration]))))
    .where('leaseUntil', '<', now)
    .where('keptUntil', '<', now)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('repoBlob')
            .select('repoBlob.repoId')
            .whereRef('repoBlob.sha256', '=', 'blob.sha256')
            .where('repoBlob.referencedAt', 'is not', null),
        ),
      ),
    )
    .returning('sha256')
    .execute()
  const claimed = new Set(rows.map((row) => row.sha256))
  return blobs.filter((blob) => claimed.has(blob.sha256))
}

/** Whether a row still has the generation that was read; one statement for all of them. */
function isUnchanged(hash: RawBuilder<unknown>, generations: ReadonlyMap<string, number>): RawBuilder<boolean> {
  const cases = [...generations].map(([key, generation]) => sql`when ${key} then cast(${generation} as bigint)`)
  return sql<boolean>`"leaseGeneration" = case ${hash} ${sql.join(cases, sql` `)} end`
}

/** Cuts links of claimed blobs, with what they count for in their repos; true while there may be more. */
export async function cutLinks(tx: Tx, sha256s: readonly string[], limit: number): Promise<boolean> {
  const links = await tx
    .selectFrom('repoBlob')
    .select(['repoId', 'sha256', 'size'])
    .where('sha256', 'in', sha256s)
    .where('referencedAt', 'is', null)
    .limit(limit)
    .execute()
  const ofRepos = [...Map.groupBy(links, (link) => link.repoId)].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [repoId, ofRepo] of ofRepos) {
    const hashes = ofRepo.map((link) => link.sha256)
    await tx.deleteFrom('repoBlob').where('repoId', '=', repoId).where('sha256', 'in', hashes).execute()
    const bytes = ofRepo.reduce((sum, link) => sum + link.size, 0)
    await addUsedStorage(tx, repoId, -bytes)
  }
  return links.length === limit
}

/** Gives claimed blobs back that a commit names after all; gives which these were. Nothing but unnamed links is lost by then. */
export async function unclaimNamed(tx: Tx, sha256s: readonly string[], leaseUntil: number): Promise<string[]> {
  const rows = await tx
    .updateTable('blob')
    .set({ leaseGeneration: 0, leaseUntil })
    .where('sha256', 'in', sha256s)
    .where('leaseGeneration', '=', collecting)
    .where('sha256', 'in', (e) =>
      e.selectFrom('repoBlob').select('repoBlob.sha256').where('repoBlob.sha256', 'in', sha256s),
    )
    .returning('sha256')
    .execute()
  return rows.map((row) => row.sha256)
}

/** The Xet files that hold these blobs. */
export async function selectFilesOfBlobs(db: Db, sha256s: readonly string[]): Promise<string[]> {
  const rows = await db.list.selectFrom('xetFile').select('hash').where('sha256', 'in', sha256s).execute()
  return rows.map((row) => row.hash)
}

/** Frees xorbs from files of claimed blobs; true while there may be more. Once nothing is left, the files may go. */
export async function cutFileXorbs(tx: Tx, files: readonly string[], limit: number): Promise<boolean> {
  const rows = await tx
    .selectFrom('xetFileXorb')
    .select(['fileHash', 'xorbHash'])
    .where('fileHash', 'in', files)
    .limit(limit)
    .execute()
  for (const [fileHash, ofFile] of Map.groupBy(rows, (row) => row.fileHash)) {
    const hashes = ofFile.map((row) => row.xorbHash)
    await tx.deleteFrom('xetFileXorb').where('fileHash', '=', fileHash).where('xorbHash', 'in', hashes).execute()
  }
  return rows.length === limit
}

/** Gives how many. */
export async function deleteFiles(tx: Tx, files: readonly string[]): Promise<number> {
  return (await tx.deleteFrom('xetFile').where('hash', 'in', files).returning('hash').execute()).length
}

/** The end of blobs whose bytes are gone. */
export async function deleteBlobs(tx: Tx, sha256s: readonly string[]): Promise<void> {
  await tx.deleteFrom('blob').where('sha256', 'in', sha256s).where('leaseGeneration', '=', collecting).execute()
  await tx.deleteFrom('storeFinding').where('kind', '=', 'object').where('hash', 'in', sha256s).execute()
}

export interface XorbToJudge {
  readonly hash: string
  readonly size: number
  readonly chunkCount: number
  readonly leaseUntil: number
  readonly leaseGeneration: number
  /** A file is made of it. */
  readonly isKept: number
}

/** Xorbs whose lease is over, `limit` after the cursor. */
export async function selectXorbWindow(db: Db, after: LeaseCursor, now: number, limit: number): Promise<XorbToJudge[]> {
  const { rows } = await sql<XorbToJudge>`
    select "w".*, coalesce((
        select 1 from "xetFileXorb" as "fx" where "fx"."xorbHash" = "w"."hash" limit 1
      ), 0) as "isKept"
    from (
      select "hash", "size", "chunkCount", "leaseUntil", "leaseGeneration" from "xorb"
      where ("leaseUntil", "hash") > (${after.leaseUntil}, ${after.hash}) and "leaseUntil" < ${now}
      order by "leaseUntil", "hash" limit ${limit}
    ) as "w" order by "w"."leaseUntil", "w"."hash"`.execute(db.list)
  return rows
}

/** As `claimBlobs`. */
export async function claimXorbs(tx: Tx, xorbs: readonly XorbToJudge[], now: number): Promise<XorbToJudge[]> {
  const rows = await tx
    .updateTable('xorb')
    .set({ leaseGeneration: collecting, leaseUntil: 0 })
    .where(
      'hash',
      'in',
      xorbs.map((xorb) => xorb.hash),
    )
    .where(isUnchanged(sql.ref('hash'), new Map(xorbs.map((xorb) => [xorb.hash, xorb.leaseGeneration]))))
    .where('leaseUntil', '<', now)
    .where((e) =>
      e.not(
        e.exists(
          e.selectFrom('xetFileXorb').select('xetFileXorb.fileHash').whereRef('xetFileXorb.xorbHash', '=', 'xorb.hash'),
        ),
      ),
    )
    .returning('hash')
    .execute()
  const claimed = new Set(rows.map((row) => row.hash))
  return xorbs.filter((xorb) => claimed.has(xorb.hash))
}

/** Lets global dedup forget claimed xorbs; true while there may be more. */
export async function cutChunks(tx: Tx, xorbs: readonly string[], limit: number): Promise<boolean> {
  const rows = await tx
    .selectFrom('xetChunk')
    .select(['scope', 'chunkHash'])
    .where('xorbHash', 'in', xorbs)
    .limit(limit)
    .execute()
  for (const [scope, ofScope] of Map.groupBy(rows, (row) => row.scope)) {
    const hashes = ofScope.map((row) => row.chunkHash)
    await tx.deleteFrom('xetChunk').where('scope', '=', scope).where('chunkHash', 'in', hashes).execute()
  }
  return rows.length === limit
}

/** Ends the claims of scopes to claimed xorbs; true while there may be more. */
export async function cutClaims(tx: Tx, xorbs: readonly string[], limit: number): Promise<boolean> {
  const rows = await tx
    .selectFrom('xorbScope')
    .select(['scope', 'xorbHash'])
    .where('xorbHash', 'in', xorbs)
    .limit(limit)
    .execute()
  for (const [scope, ofScope] of Map.groupBy(rows, (row) => row.scope)) {
    const hashes = ofScope.map((row) => row.xorbHash)
    await tx.deleteFrom('xorbScope').where('scope', '=', scope).where('xorbHash', 'in', hashes).execute()
  }
  return rows.length === limit
}

/** The end of xorbs whose bytes are gone. */
export async function deleteXorbs(tx: Tx, hashes: readonly string[]): Promise<void> {
  await tx.deleteFrom('xorb').where('hash', 'in', hashes).where('leaseGeneration', '=', collecting).execute()
  await tx.deleteFrom('storeFinding').where('kind', '=', 'xorb').where('hash', 'in', hashes).execute()
}

/** Whether a collection was interrupted: rows that are half removed. */
export async function hasHalfRemoved(db: Db): Promise<boolean> {
  const blob = db.read.selectFrom('blob').select('sha256').where('leaseUntil', '=', 0).limit(1)
  const xorb = db.read.selectFrom('xorb').select('hash').where('leaseUntil', '=', 0).limit(1)
  return (await blob.executeTakeFirst()) !== undefined || (await xorb.executeTakeFirst()) !== undefined
}

const leaseKey = 'collector'

/** False while another collector holds it. */
export async function takeLease(tx: Tx, value: string, now: number): Promise<boolean> {
  const row = await tx
    .insertInto('instance')
    .values({ key: leaseKey, value })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({ value })
        .where(sql<boolean>`cast(substr("instance"."value", 1, 15) as bigint) < ${now}`),
    )
    .returning('key')
    .executeTakeFirst()
  return row !== undefined
}

export async function moveLease(tx: Tx, from: string, to: string): Promise<boolean> {
  const row = await tx
    .updateTable('instance')
    .set({ value: to })
    .where('key', '=', leaseKey)
    .where('value', '=', from)
    .returning('key')
    .executeTakeFirst()
  return row !== undefined
}

export async function dropLease(tx: Tx, value: string): Promise<void> {
  await tx.deleteFrom('instance').where('key', '=', leaseKey).where('value', '=', value).execute()
}
