/** The SQL of claims that have become stale: a scope claims a xorb, but none of its repos has a file of it any more. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'

export interface ClaimToJudge {
  readonly scope: string
  readonly xorbHash: string
  readonly staleSince: number | null
  readonly leaseGeneration: number
  /** A repo of the scope has a file of it, or its lease lasts. */
  readonly isLive: number
}

/** `limit` claims after this one, in the order of their keys. */
export async function selectClaimWindow(
  db: Db,
  after: { readonly scope: string; readonly xorbHash: string },
  now: number,
  limit: number,
): Promise<ClaimToJudge[]> {
  const { rows } = await sql<ClaimToJudge>`
    select "c"."scope", "c"."xorbHash", "c"."staleSince", "x"."leaseGeneration",
      case when "x"."leaseUntil" >= ${now} then 1 else coalesce((
        select 1 from "xetFileXorb" as "fx"
        inner join "xetFile" as "f" on "f"."hash" = "fx"."fileHash"
        inner join "repoBlob" as "rb" on "rb"."sha256" = "f"."sha256"
        inner join "repo" as "r" on "r"."id" = "rb"."repoId"
        where "fx"."xorbHash" = "c"."xorbHash" and (
          "c"."scope" = 'hub' or "r"."workspaceId" = "c"."scope" or ("r"."workspaceId" is null and "r"."ownerId" = "c"."scope")
        ) limit 1
      ), 0) end as "isLive"
    from (
      select "scope", "xorbHash", "staleSince" from "xorbScope"
      where ("scope", "xorbHash") > (${after.scope}, ${after.xorbHash}) order by "scope", "xorbHash" limit ${limit}
    ) as "c"
    inner join "xorb" as "x" on "x"."hash" = "c"."xorbHash"
    order by "c"."scope", "c"."xorbHash"`.execute(db.list)
  return rows
}

export async function noteStale(
  tx: Tx,
  claim: { readonly scope: string; readonly xorbHash: string },
  staleSince: number | null,
): Promise<void> {
  await tx
    .updateTable('xorbScope')
    .set({ staleSince })
    .where('scope', '=', claim.scope)
    .where('xorbHash', '=', claim.xorbHash)
    .execute()
}

/** Ends a claim unless the lease of its xorb was renewed meanwhile; then whoever did counts on it. */
export async function deleteClaim(tx: Tx, claim: ClaimToJudge, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('xorb')
    .set({ leaseGeneration: sql<number>`"leaseGeneration" + 1` })
    .where('hash', '=', claim.xorbHash)
    .where('leaseGeneration', '=', claim.leaseGeneration)
    .where('leaseGeneration', '>=', 0)
    .where('leaseUntil', '<', now)
    .returning('hash')
    .executeTakeFirst()
  if (row === undefined) return false
  await tx.deleteFrom('xetChunk').where('xorbHash', '=', claim.xorbHash).where('scope', '=', claim.scope).execute()
  await tx.deleteFrom('xorbScope').where('scope', '=', claim.scope).where('xorbHash', '=', claim.xorbHash).execute()
  return true
}
