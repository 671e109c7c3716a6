/** The SQL of a dry run: as the lists of collection, but a xorb counts as free where all its files would go. */
import { sql } from 'kysely'
import type { Db } from '../../platform/db/database.ts'
import type { BlobToJudge, LeaseCursor, XorbToJudge } from './collect-queries.ts'

export async function selectPlannedBlobs(
  db: Db,
  after: LeaseCursor,
  now: number,
  limit: number,
): Promise<(BlobToJudge & { readonly files: number })[]> {
  const { rows } = await sql<BlobToJudge & { readonly files: number }>`
    select "w"."sha256", "w"."size", "w"."hasObject", "w"."leaseUntil", "w"."leaseGeneration",
      (select cast(count(*) as integer) from "xetFile" as "f" where "f"."sha256" = "w"."sha256") as "files",
      case when "w"."keptUntil" >= ${now} then 1 else coalesce((
        select 1 from "repoBlob" as "rb" where "rb"."sha256" = "w"."sha256" and "rb"."referencedAt" is not null limit 1
      ), 0) end as "isKept"
    from (
      select * from "blob" where ("leaseUntil", "sha256") > (${after.leaseUntil}, ${after.hash}) and "leaseUntil" < ${now}
      order by "leaseUntil", "sha256" limit ${limit}
    ) as "w" order by "w"."leaseUntil", "w"."sha256"`.execute(db.list)
  return rows
}

export async function selectPlannedXorbs(
  db: Db,
  after: LeaseCursor,
  now: number,
  limit: number,
): Promise<XorbToJudge[]> {
  const { rows } = await sql<XorbToJudge>`
    select "w".*, coalesce((
        select 1 from "xetFileXorb" as "fx"
        inner join "xetFile" as "f" on "f"."hash" = "fx"."fileHash"
        inner join "blob" as "b" on "b"."sha256" = "f"."sha256"
        where "fx"."xorbHash" = "w"."hash" and ("b"."leaseUntil" >= ${now} or "b"."keptUntil" >= ${now} or exists (
          select 1 from "repoBlob" as "rb" where "rb"."sha256" = "f"."sha256" and "rb"."referencedAt" is not null
        )) limit 1
      ), 0) as "isKept"
    from (
      select "hash", "size", "chunkCount", "leaseUntil", "leaseGeneration" from "xorb"
      where ("leaseUntil", "hash") > (${after.leaseUntil}, ${after.hash}) and "leaseUntil" < ${now}
      order by "leaseUntil", "hash" limit ${limit}
    ) as "w" order by "w"."leaseUntil", "w"."hash"`.execute(db.list)
  return rows
}

/** Claims that were seen to be stale at `before` or earlier. */
export async function countPlannedClaims(db: Db, before: number): Promise<number> {
  const row = await db.list
    .selectFrom('xorbScope')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('staleSince', '<=', before)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}
