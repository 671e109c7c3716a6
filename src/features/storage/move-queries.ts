/** The SQL of the move into Xet storage: what is to be moved, what was, and the objects that are left of it. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { XetFileTable } from '../../platform/db/schema.ts'
import { insertFiles, insertFileXorbs } from './xet-file-queries.ts'
import { renewXorbLeases } from './xorb-queries.ts'

export interface BlobToMove {
  readonly sha256: string
  readonly size: number
  readonly xetHash: string | null
}

/** Where a walk goes on: after this blob, by size. */
export type MoveCursor = Pick<BlobToMove, 'size' | 'sha256'>

/** The next `limit` objects; `isDue`: a commit of a repo names it, and it is not known to be damaged. */
export async function selectObjects(
  db: Db,
  after: MoveCursor,
  limit: number,
): Promise<(BlobToMove & { readonly isDue: number })[]> {
  // "hasObject" is compared with a word of the statement, so that the index with this condition is found. What decides about a row is looked
  // up for it alone ("limit 1"): PostgreSQL would make a table of all answers for an "exists".
  const { rows } = await sql<BlobToMove & { readonly isDue: number }>`
    select "w".*, coalesce((
        select 1 from "repoBlob" as "rb" inner join "repo" as "r" on "r"."id" = "rb"."repoId"
        where "rb"."sha256" = "w"."sha256" and "rb"."referencedAt" is not null and "r"."deletedAt" is null limit 1
      ), 0) - coalesce((
        select 1 from "storeFinding" as "sf" where "sf"."kind" = 'object' and "sf"."hash" = "w"."sha256" and "sf"."fault" = 'damaged'
      ), 0) as "isDue"
    from (
      select "sha256", "size", "xetHash" from "blob"
      where "hasObject" = 1 and ("size", "sha256") > (${after.size}, ${after.sha256}) and "leaseGeneration" >= 0
      order by "size", "sha256" limit ${limit}
    ) as "w" order by "w"."size", "w"."sha256"`.execute(db.list)
  return rows
}

export interface HolderRow {
  readonly ownerId: string
  readonly workspaceId: string | null
}

/** Whose repos have a commit that names the blob, the first one first. */
export async function selectHolders(db: Db, sha256: string, limit: number): Promise<HolderRow[]> {
  return await db.list
    .selectFrom('repoBlob')
    .innerJoin('repo', 'repo.id', 'repoBlob.repoId')
    .select(['repo.ownerId', 'repo.workspaceId'])
    .where('repoBlob.sha256', '=', sha256)
    .where('repoBlob.referencedAt', 'is not', null)
    .where('repo.deletedAt', 'is', null)
    .orderBy('repoBlob.referencedAt')
    .orderBy('repo.id')
    .limit(limit)
    .execute()
}

/** By which xorbs global dedup finds these chunks in the scope. */
export async function selectXorbsOfChunks(
  db: Db,
  scope: string,
  chunkHashes: readonly string[],
): Promise<{ chunkHash: string; xorbHash: string }[]> {
  return await db.list
    .selectFrom('xetChunk')
    .select(['chunkHash', 'xorbHash'])
    .where('scope', '=', scope)
    .where('chunkHash', 'in', chunkHashes)
    .execute()
}

const batchSize = 500

/** Of these xorbs, those that a check found damaged. */
export async function selectDamagedXorbs(db: Db, xorbs: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (let at = 0; at < xorbs.length; at += batchSize) {
    const rows = await db.list
      .selectFrom('storeFinding')
      .select('hash')
      .where('kind', '=', 'xorb')
      .where('hash', 'in', xorbs.slice(at, at + batchSize))
      .where('fault', '=', 'damaged')
      .execute()
    found.push(...rows.map((row) => row.hash))
  }
  return found
}

export async function insertDamaged(
  tx: Tx,
  damaged: { readonly kind: 'object' | 'xorb'; readonly hash: string; readonly size: number; readonly reason: string },
  now: number,
): Promise<void> {
  await tx
    .insertInto('storeFinding')
    .values({ ...damaged, fault: 'damaged', foundAt: now, checkedAt: now })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'hash']).doUpdateSet({ fault: 'damaged', reason: damaged.reason, checkedAt: now }),
    )
    .execute()
}

/**
 * Registers the file that holds the bytes of a blob, which repos link already; the blob's lease stays as it is, since nobody was promised
 * anything. `gone`: blob or xorb is being removed, and nothing of this may be kept. `known`: another file holds these bytes already.
 */
export async function insertMovedFile(
  tx: Tx,
  file: XetFileTable,
  xorbs: readonly string[],
  leaseUntil: number,
): Promise<'registered' | 'known' | 'gone'> {
  // The blob comes first: its row holds back a collection that would take the file away in between.
  const blob = await tx
    .updateTable('blob')
    .set({
      xetHash: sql<string>`coalesce("xetHash", ${file.hash})`,
      leaseGeneration: sql<number>`"leaseGeneration" + 1`,
    })
    .where('sha256', '=', file.sha256)
    .where('size', '=', file.size)
    .where('leaseGeneration', '>=', 0)
    .returning('xetHash')
    .executeTakeFirst()
  if (blob === undefined) return 'gone'
  if ((await renewXorbLeases(tx, xorbs, leaseUntil)).length !== xorbs.length) return 'gone'
  const added = await insertFiles(tx, [file])
  await insertFileXorbs(
    tx,
    [...added].flatMap((fileHash) => xorbs.map((xorbHash) => ({ fileHash, xorbHash, createdAt: file.createdAt }))),
  )
  return added.size > 0 && blob.xetHash === file.hash ? 'registered' : 'known'
}

/** From now on the Xet file is read. False where the blob changed meanwhile, or is being removed. */
export async function retire(tx: Tx, sha256: string, xetHash: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('blob')
    .set({ hasObject: 0, retiredAt: now, leaseGeneration: sql<number>`"leaseGeneration" + 1` })
    .where('sha256', '=', sha256)
    .where('hasObject', '=', 1)
    .where('xetHash', '=', xetHash)
    .where('leaseGeneration', '>=', 0)
    .returning('sha256')
    .executeTakeFirst()
  return row !== undefined
}

export interface RetiredBlob {
  readonly sha256: string
  readonly size: number
  readonly retiredAt: number
  readonly leaseUntil: number
  readonly leaseGeneration: number
}

/** Retired objects, those whose removal began and did not end first, then the oldest. */
export async function selectRetired(
  db: Db,
  after: Pick<RetiredBlob, 'retiredAt' | 'sha256'>,
  limit: number,
): Promise<RetiredBlob[]> {
  const { rows } = await sql<RetiredBlob>`
    select "sha256", "size", "retiredAt", "leaseUntil", "leaseGeneration" from "blob"
    where "retiredAt" is not null and "hasObject" = 0 and ("retiredAt", "sha256") > (${after.retiredAt}, ${after.sha256})
    order by "retiredAt", "sha256" limit ${limit}`.execute(db.list)
  return rows
}

/** Whoever uploaded the same bytes since the row was read, or announced that, keeps the object. The blob itself is not collected before `keptUntil`. */
export async function claimRetired(tx: Tx, blob: RetiredBlob, now: number, keptUntil: number): Promise<boolean> {
  const row = await tx
    .updateTable('blob')
    .set({
      retiredAt: -now,
      leaseGeneration: sql<number>`"leaseGeneration" + 1`,
      keptUntil: sql<number>`case when "keptUntil" > ${keptUntil} then "keptUntil" else ${keptUntil} end`,
    })
    .where('sha256', '=', blob.sha256)
    .where('hasObject', '=', 0)
    .where('xetHash', 'is not', null)
    .where('retiredAt', '=', blob.retiredAt)
    .where('leaseGeneration', '=', blob.leaseGeneration)
    .where('leaseGeneration', '>=', 0)
    .returning('sha256')
    .executeTakeFirst()
  return row !== undefined
}

/** The object's bytes are gone. `claimedAt`: by whom they were claimed. */
export async function endRetired(tx: Tx, sha256: string, claimedAt: number): Promise<void> {
  await tx
    .updateTable('blob')
    .set({ retiredAt: null, leaseGeneration: sql<number>`"leaseGeneration" + 1` })
    .where('sha256', '=', sha256)
    .where('retiredAt', '=', -claimedAt)
    .where('leaseGeneration', '>=', 0)
    .execute()
}

/** Objects that wait to be moved, whether or not a commit names them, and those that wait to be removed. */
export async function countObjects(
  db: Db,
  least: number,
): Promise<{ toMove: { count: number; bytes: number }; retired: { count: number; bytes: number } }> {
  const { rows } = await sql<{ count: number; bytes: number | null }>`
    select count(*) as "count", sum("size") as "bytes" from "blob" where "hasObject" = 1 and "size" >= ${least}
    union all
    select count(*) as "count", sum("size") as "bytes" from "blob" where "retiredAt" is not null and "hasObject" = 0`.execute(
    db.list,
  )
  const [toMove, retired] = rows.map(({ count, bytes }) => ({ count: Number(count), bytes: Number(bytes ?? 0) }))
  const none = { count: 0, bytes: 0 }
  return { toMove: toMove ?? none, retired: retired ?? none }
}
