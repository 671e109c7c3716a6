/** The SQL of xorbs: their rows and leases, who claims them, and the chunks by which global dedup finds them. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { XetChunkTable, XorbTable } from '../../platform/db/schema.ts'

const chunkSize = 500

const claimedXorb = prepared<{ scope: string; hash: string }, { size: number }>((q, param) =>
  q
    .selectFrom('xorbScope')
    .innerJoin('xorb', 'xorb.hash', 'xorbScope.xorbHash')
    .select('xorb.size')
    .where('xorbScope.scope', '=', param('scope'))
    .where('xorbScope.xorbHash', '=', param('hash'))
    .where('xorb.chunkCount', '>', 0)
    .where('xorb.leaseGeneration', '>=', 0),
)

/** The size of a stored xorb that the scope claims, or null. */
export async function selectClaimed(db: Db, scope: string, hash: string): Promise<number | null> {
  return (await claimedXorb.first(db.read, { scope, hash }))?.size ?? null
}

/** Of the xorbs, those that are stored and that the scope claims. */
export async function selectClaimedAmong(db: Db, scope: string, hashes: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const chunk of chunks(hashes)) {
    const rows = await db.read
      .selectFrom('xorbScope')
      .innerJoin('xorb', 'xorb.hash', 'xorbScope.xorbHash')
      .select('xorb.hash')
      .where('xorbScope.scope', '=', scope)
      .where('xorbScope.xorbHash', 'in', chunk)
      .where('xorb.chunkCount', '>', 0)
      .where('xorb.leaseGeneration', '>=', 0)
      .execute()
    found.push(...rows.map((row) => row.hash))
  }
  return found
}

type StoredXorb = Pick<XorbTable, 'size' | 'rawSize' | 'chunkCount' | 'chunkIndex'>

const storedXorb = prepared<{ hash: string }, StoredXorb>((q, param) =>
  q
    .selectFrom('xorb')
    .select(['size', 'rawSize', 'chunkCount', 'chunkIndex'])
    .where('hash', '=', param('hash'))
    .where('chunkCount', '>', 0),
)

/** The row of a xorb whose bytes are stored, or null. */
export async function selectStored(db: Db, hash: string): Promise<StoredXorb | null> {
  return await storedXorb.first(db.read, { hash })
}

const xorbSize = prepared<{ hash: string }, { size: number }>((q, param) =>
  q.selectFrom('xorb').select('size').where('hash', '=', param('hash')).where('chunkCount', '>', 0),
)

export async function selectXorbSize(db: Db, hash: string): Promise<number | null> {
  return (await xorbSize.first(db.read, { hash }))?.size ?? null
}

/** Announces a xorb, or renews its lease where it is sooner over. False while its bytes are being removed. */
export async function announceXorb(tx: Tx, hash: string, now: number, leaseUntil: number): Promise<boolean> {
  const nothing = new Uint8Array(0)
  const row = await tx
    .insertInto('xorb')
    .values({
      hash,
      size: 0,
      rawSize: 0,
      chunkCount: 0,
      chunkIndex: nothing,
      createdAt: now,
      leaseUntil,
      leaseGeneration: 0,
    })
    .onConflict((conflict) =>
      conflict
        .column('hash')
        .doUpdateSet({
          leaseUntil: sql<number>`case when "xorb"."leaseUntil" > ${leaseUntil} then "xorb"."leaseUntil" else ${leaseUntil} end`,
          leaseGeneration: sql<number>`"xorb"."leaseGeneration" + 1`,
        })
        .where('xorb.leaseGeneration', '>=', 0),
    )
    .returning('hash')
    .executeTakeFirst()
  return row !== undefined
}

/** The bytes are stored: the row says so. Where it did already, it stays as it is and only its lease is renewed. */
export async function completeXorb(tx: Tx, xorb: Omit<XorbTable, 'leaseGeneration'>): Promise<boolean> {
  const keptIfStored = (column: 'size' | 'rawSize') =>
    sql<number>`case when "xorb"."chunkCount" > 0 then "xorb".${sql.ref(column)} else ${sql.ref(`excluded.${column}`)} end`
  const row = await tx
    .insertInto('xorb')
    .values({ ...xorb, leaseGeneration: 0 })
    .onConflict((conflict) =>
      conflict
        .column('hash')
        .doUpdateSet({
          size: keptIfStored('size'),
          rawSize: keptIfStored('rawSize'),
          chunkIndex: sql<Uint8Array>`case when "xorb"."chunkCount" > 0 then "xorb"."chunkIndex" else "excluded"."chunkIndex" end`,
          chunkCount: sql<number>`case when "xorb"."chunkCount" > 0 then "xorb"."chunkCount" else "excluded"."chunkCount" end`,
          leaseUntil: xorb.leaseUntil,
          leaseGeneration: sql<number>`"xorb"."leaseGeneration" + 1`,
        })
        .where('xorb.leaseGeneration', '>=', 0),
    )
    .returning('hash')
    .executeTakeFirst()
  return row !== undefined
}

/** Takes back an announcement that came to nothing. */
export async function deleteAnnounced(tx: Tx, hash: string): Promise<void> {
  await tx
    .deleteFrom('xorb')
    .where('hash', '=', hash)
    .where('chunkCount', '=', 0)
    .where('leaseGeneration', '>=', 0)
    .execute()
}

/** True if the claim is new. */
export async function insertClaim(tx: Tx, scope: string, xorbHash: string, now: number): Promise<boolean> {
  const row = await tx
    .insertInto('xorbScope')
    .values({ scope, xorbHash, createdAt: now })
    .onConflict((conflict) => conflict.columns(['scope', 'xorbHash']).doNothing())
    .returning('xorbHash')
    .executeTakeFirst()
  return row !== undefined
}

/** Of the stored xorbs, those whose lease ends before `until`, and those that are gone. */
export async function selectShortXorbLeases(db: Db, hashes: readonly string[], until: number): Promise<string[]> {
  const safe = new Set<string>()
  for (const chunk of chunks(hashes)) {
    const rows = await db.read
      .selectFrom('xorb')
      .select('hash')
      .where('hash', 'in', chunk)
      .where('chunkCount', '>', 0)
      .where('leaseUntil', '>=', until)
      .where('leaseGeneration', '>=', 0)
      .execute()
    for (const row of rows) safe.add(row.hash)
  }
  return hashes.filter((hash) => !safe.has(hash))
}

/** Renews the leases of xorbs that are stored; returns which these are. */
export async function renewXorbLeases(tx: Tx, hashes: readonly string[], leaseUntil: number): Promise<string[]> {
  const renewed: string[] = []
  for (const chunk of chunks(hashes)) {
    const rows = await tx
      .updateTable('xorb')
      .set({ leaseUntil, leaseGeneration: sql<number>`"leaseGeneration" + 1` })
      .where('hash', 'in', chunk)
      .where('chunkCount', '>', 0)
      .where('leaseGeneration', '>=', 0)
      .returning('hash')
      .execute()
    renewed.push(...rows.map((row) => row.hash))
  }
  return renewed
}

const xorbOfChunk = prepared<{ scope: string; chunkHash: string }, { xorbHash: string }>((q, param) =>
  q
    .selectFrom('xetChunk')
    .select('xorbHash')
    .where('scope', '=', param('scope'))
    .where('chunkHash', '=', param('chunkHash')),
)

/** The xorb by which global dedup finds this chunk in the scope, or null. */
export async function selectXorbOfChunk(db: Db, scope: string, chunkHash: string): Promise<string | null> {
  return (await xorbOfChunk.first(db.read, { scope, chunkHash }))?.xorbHash ?? null
}

/** Chunks that are known already keep the xorb by which they are. */
export async function insertChunks(tx: Tx, rows: readonly XetChunkTable[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunkSize) {
    await tx
      .insertInto('xetChunk')
      .values(rows.slice(at, at + chunkSize))
      .onConflict((conflict) => conflict.columns(['scope', 'chunkHash']).doNothing())
      .execute()
  }
}

/** Claims for `to` what `from` claims of xorbs that files of this repo are made of, and files of no other. */
export async function insertClaimsOfRepo(
  tx: Tx,
  repoId: string,
  { from, to }: { readonly from: string; readonly to: string },
  now: number,
): Promise<void> {
  await sql`insert into "xorbScope" ("scope", "xorbHash", "createdAt")
    select distinct cast(${to} as text), "fx"."xorbHash", cast(${now} as bigint)
    from "repoBlob" as "rb"
    inner join "xetFile" as "f" on "f"."sha256" = "rb"."sha256"
    inner join "xetFileXorb" as "fx" on "fx"."fileHash" = "f"."hash"
    inner join "xorbScope" as "xs" on "xs"."scope" = ${from} and "xs"."xorbHash" = "fx"."xorbHash"
    where "rb"."repoId" = ${repoId}
      and not exists (
        select 1 from "xetFileXorb" as "other"
        inner join "xetFile" as "of" on "of"."hash" = "other"."fileHash"
        where "other"."xorbHash" = "fx"."xorbHash"
          and not exists (select 1 from "repoBlob" as "ob" where "ob"."repoId" = ${repoId} and "ob"."sha256" = "of"."sha256")
      )
    on conflict do nothing`.execute(tx)
}

const reposAtOnce = 500

/**
 * Claims for `to` what `from` claims of xorbs that files of the workspace's repos are made of, and files of no repo elsewhere: as
 * `insertClaimsOfRepo`, for all of them, before they leave it.
 */
export async function insertClaimsOfWorkspace(
  tx: Tx,
  workspaceId: string,
  { from, to }: { readonly from: string; readonly to: string },
  now: number,
): Promise<void> {
  let after = ''
  for (;;) {
    const repos = await tx
      .selectFrom('repo')
      .select('id')
      .where('workspaceId', '=', workspaceId)
      .where('workspaceId', 'is not', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(reposAtOnce)
      .execute()
    if (repos.length === 0) return
    after = repos.at(-1)?.id ?? after
    await sql`insert into "xorbScope" ("scope", "xorbHash", "createdAt")
      select distinct cast(${to} as text), "fx"."xorbHash", cast(${now} as bigint)
      from "repoBlob" as "rb"
      inner join "xetFile" as "f" on "f"."sha256" = "rb"."sha256"
      inner join "xetFileXorb" as "fx" on "fx"."fileHash" = "f"."hash"
      inner join "xorbScope" as "xs" on "xs"."scope" = ${from} and "xs"."xorbHash" = "fx"."xorbHash"
      where "rb"."repoId" in (${sql.join(repos.map(({ id }) => id))})
        and not exists (
          select 1 from "xetFileXorb" as "other"
          inner join "xetFile" as "of" on "of"."hash" = "other"."fileHash"
          where "other"."xorbHash" = "fx"."xorbHash"
            and not exists (
              select 1 from "repoBlob" as "ob" inner join "repo" as "r" on "r"."id" = "ob"."repoId"
              where "ob"."sha256" = "of"."sha256" and "r"."workspaceId" = ${workspaceId}
            )
        )
      on conflict do nothing`.execute(tx)
  }
}

function* chunks(values: readonly string[]): Generator<string[]> {
  for (let at = 0; at < values.length; at += chunkSize) yield values.slice(at, at + chunkSize)
}
