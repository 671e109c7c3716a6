/** The SQL of accounting: what a repo or a namespace links, page by page, and the figures that were counted. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { StorageUsageTable } from '../../platform/db/schema.ts'

export interface LinkedBlob {
  readonly repoId: string
  readonly sha256: string
  readonly size: number
  readonly hasObject: number
  /** It lies in a Xet file too, or only. */
  readonly inXet: number
  /** No earlier repo of the namespace links it. */
  readonly isFirst: number
}

export interface LinkCursor {
  readonly repoId: string
  readonly sha256: string
}

/** Looked up for each row alone: a join may read the whole table for a page. */
const form = sql`
  coalesce((select "b"."hasObject" from "blob" as "b" where "b"."sha256" = "rb"."sha256"), 0) as "hasObject",
  coalesce((select 1 from "blob" as "b" where "b"."sha256" = "rb"."sha256" and "b"."xetHash" is not null), 0) as "inXet"`

/** What a repo links, in the order of the hashes. */
export async function selectLinksOfRepo(db: Db, after: LinkCursor, limit: number): Promise<LinkedBlob[]> {
  const { rows } = await sql<LinkedBlob>`
    select "rb"."repoId", "rb"."sha256", "rb"."size", 1 as "isFirst", ${form}
    from "repoBlob" as "rb"
    where "rb"."repoId" = ${after.repoId} and "rb"."sha256" > ${after.sha256}
    order by "rb"."sha256" limit ${limit}`.execute(db.list)
  return rows
}

/** As `selectLinksOfRepo`, for one of the repos of a namespace. */
export async function selectLinksOfNamespace(
  db: Db,
  ownerId: string,
  after: LinkCursor,
  limit: number,
): Promise<LinkedBlob[]> {
  const { rows } = await sql<LinkedBlob>`
    select "rb"."repoId", "rb"."sha256", "rb"."size", ${form},
      1 - coalesce((
        select 1 from "repoBlob" as "o" inner join "repo" as "r" on "r"."id" = "o"."repoId"
        where "o"."sha256" = "rb"."sha256" and "o"."repoId" < "rb"."repoId"
          and "r"."ownerId" = ${ownerId} and "r"."deletedAt" is null limit 1
      ), 0) as "isFirst"
    from "repoBlob" as "rb"
    where "rb"."repoId" = ${after.repoId} and "rb"."sha256" > ${after.sha256}
    order by "rb"."sha256" limit ${limit}`.execute(db.list)
  return rows
}

/** Living repos of an owner after this id. */
export async function selectReposOfOwner(
  db: Db,
  ownerId: string,
  after: string,
  limit: number,
): Promise<{ id: string; kind: string; fullName: string }[]> {
  return await db.list
    .selectFrom('repo')
    .select(['id', 'kind', 'fullName'])
    .where('ownerId', '=', ownerId)
    .where('deletedAt', 'is', null)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** The Xet files with these bytes, in all the ways in which clients cut them. */
export async function selectFileHashes(db: Db, sha256s: readonly string[]): Promise<string[]> {
  const rows = await db.list.selectFrom('xetFile').select('hash').where('sha256', 'in', sha256s).execute()
  return rows.map((row) => row.hash)
}

export async function selectXorbSizes(
  db: Db,
  hashes: readonly string[],
): Promise<Map<string, { readonly size: number; readonly chunkCount: number }>> {
  const rows = await db.list
    .selectFrom('xorb')
    .select(['hash', 'size', 'chunkCount'])
    .where('hash', 'in', hashes)
    .execute()
  return new Map(rows.map((row) => [row.hash, row]))
}

export async function upsertUsage(tx: Tx, usage: StorageUsageTable): Promise<void> {
  const { id, ...figures } = usage
  await tx
    .insertInto('storageUsage')
    .values({ id, ...figures })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(figures))
    .execute()
}

export async function selectUsage(db: Db, ids: readonly string[]): Promise<StorageUsageTable[]> {
  if (ids.length === 0) return []
  return await db.read.selectFrom('storageUsage').selectAll().where('id', 'in', ids).execute()
}

/** Living repos whose figures are missing or older than `countedBefore`, after this id. */
export async function selectUncounted(
  db: Db,
  after: string,
  countedBefore: number,
  limit: number,
): Promise<{ id: string; isDue: boolean }[]> {
  const rows = await db.list
    .selectFrom('repo')
    .leftJoin('storageUsage', 'storageUsage.id', 'repo.id')
    .select(['repo.id', 'storageUsage.countedAt', 'repo.deletedAt'])
    .where('repo.id', '>', after)
    .orderBy('repo.id')
    .limit(limit)
    .execute()
  return rows.map(({ id, countedAt, deletedAt }) => ({
    id,
    isDue: deletedAt === null && (countedAt === null || countedAt < countedBefore),
  }))
}

/** In the order of their names. */
export async function selectNamespaces(
  db: Db,
  afterKey: string,
  limit: number,
): Promise<{ id: string; name: string; nameKey: string }[]> {
  return await db.list
    .selectFrom('namespace')
    .select(['id', 'name', 'nameKey'])
    .where('nameKey', '>', afterKey)
    .orderBy('nameKey')
    .limit(limit)
    .execute()
}

/** The owner of a living repo. */
export async function selectOwner(db: Db, repoId: string): Promise<string | null> {
  const row = await db.read
    .selectFrom('repo')
    .select('ownerId')
    .where('id', '=', repoId)
    .where('deletedAt', 'is', null)
    .executeTakeFirst()
  return row?.ownerId ?? null
}

interface Sum {
  readonly count: number
  readonly bytes: number
  readonly last: string | null
}

/** Objects in the blob store: how many and how many bytes among the next `limit` blobs. */
export async function sumObjects(db: Db, after: string, limit: number): Promise<Sum> {
  const { rows } = await sql<Sum>`
    select coalesce(sum("hasObject"), 0) as "count", coalesce(sum(case when "hasObject" = 1 then "size" else 0 end), 0) as "bytes",
      max("sha256") as "last"
    from (select "sha256", "size", "hasObject" from "blob" where "sha256" > ${after} order by "sha256" limit ${limit}) as "w"`.execute(
    db.list,
  )
  return toSum(rows[0])
}

/** Xorbs in the blob store: among the next `limit`. */
export async function sumXorbs(db: Db, after: string, limit: number): Promise<Sum> {
  const { rows } = await sql<Sum>`
    select count(*) as "count", coalesce(sum("size"), 0) as "bytes", max("hash") as "last"
    from (select "hash", "size" from "xorb" where "hash" > ${after} order by "hash" limit ${limit}) as "w"`.execute(
    db.list,
  )
  return toSum(rows[0])
}

/** PostgreSQL sums into numerics, which come as text. */
function toSum(row: Sum | undefined): Sum {
  return { count: Number(row?.count ?? 0), bytes: Number(row?.bytes ?? 0), last: row?.last ?? null }
}
