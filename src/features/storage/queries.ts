/** The SQL of blobs and of their links to repos. Lists come in chunks that both dialects take as parameters. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { BlobTable } from '../../platform/db/schema.ts'

/** The generation of a blob whose bytes are being removed: nobody may count on them, nor write them, until the row is gone. */
export const collecting = -1

const chunkSize = 500

interface LinkRow {
  sha256: string
  size: number
}

const linkedBlob = prepared<{ repoId: string; sha256: string }, LinkRow>((q, param) =>
  q
    .selectFrom('repoBlob')
    .select(['sha256', 'size'])
    .where('repoId', '=', param('repoId'))
    .where('sha256', '=', param('sha256')),
)

export async function selectLinkedBlob(db: Db, repoId: string, sha256: string): Promise<LinkRow | null> {
  return await linkedBlob.first(db.read, { repoId, sha256 })
}

export async function selectLinkedBlobs(db: Db, repoId: string, sha256s: readonly string[]): Promise<LinkRow[]> {
  const found: LinkRow[] = []
  for (const chunk of chunks(sha256s)) {
    const rows = await db.read
      .selectFrom('repoBlob')
      .select(['sha256', 'size'])
      .where('repoId', '=', repoId)
      .where('sha256', 'in', chunk)
      .execute()
    found.push(...rows)
  }
  return found
}

/** Of the blobs, those whose lease ends before `until`, and those that have no row. */
export async function selectShortLeases(db: Db, sha256s: readonly string[], until: number): Promise<string[]> {
  const safe = new Set<string>()
  for (const chunk of chunks(sha256s)) {
    const rows = await db.read
      .selectFrom('blob')
      .select('sha256')
      .where('sha256', 'in', chunk)
      .where('leaseUntil', '>=', until)
      .where('leaseGeneration', '>=', 0)
      .execute()
    for (const row of rows) safe.add(row.sha256)
  }
  return sha256s.filter((sha256) => !safe.has(sha256))
}

/** Renews the leases of blobs that are there; returns which these are. */
export async function renewLeases(tx: Tx, sha256s: readonly string[], leaseUntil: number): Promise<string[]> {
  const renewed: string[] = []
  for (const chunk of chunks(sha256s)) {
    const rows = await tx
      .updateTable('blob')
      .set({ leaseUntil, leaseGeneration: sql<number>`"leaseGeneration" + 1` })
      .where('sha256', 'in', chunk)
      .where('leaseGeneration', '>=', 0)
      .returning('sha256')
      .execute()
    renewed.push(...rows.map((row) => row.sha256))
  }
  return renewed
}

/** The object's own bytes are not being removed, though the blob stays: see move-retire.ts. */
const isWritable = sql<boolean>`("blob"."retiredAt" is null or "blob"."retiredAt" >= 0)`

/** Announces an object, or renews the lease of what is there. False while its bytes are being removed. */
export async function announceBlob(tx: Tx, blob: Omit<BlobTable, BlobState>): Promise<boolean> {
  const row = await tx
    .insertInto('blob')
    .values({ ...blob, leaseGeneration: 0, xetHash: null, hasObject: 0 })
    .onConflict((conflict) =>
      conflict
        .column('sha256')
        .doUpdateSet({ leaseUntil: blob.leaseUntil, leaseGeneration: sql<number>`"blob"."leaseGeneration" + 1` })
        .where('blob.leaseGeneration', '>=', 0)
        .where(isWritable),
    )
    .returning('sha256')
    .executeTakeFirst()
  return row !== undefined
}

/** The object lies in the blob store, checked. False while its bytes are being removed. */
export async function upsertObject(tx: Tx, blob: Omit<BlobTable, BlobState>): Promise<boolean> {
  const row = await tx
    .insertInto('blob')
    .values({ ...blob, leaseGeneration: 0, xetHash: null, hasObject: 1 })
    .onConflict((conflict) =>
      conflict
        .column('sha256')
        .doUpdateSet({
          size: blob.size,
          leaseUntil: blob.leaseUntil,
          leaseGeneration: sql<number>`"blob"."leaseGeneration" + 1`,
          hasObject: 1,
        })
        .where('blob.leaseGeneration', '>=', 0)
        .where(isWritable),
    )
    .returning('sha256')
    .executeTakeFirst()
  return row !== undefined
}

type BlobState = 'leaseGeneration' | 'xetHash' | 'hasObject' | 'keptUntil' | 'retiredAt'

/** True if the link is new. */
export async function insertLink(
  tx: Tx,
  link: { repoId: string; sha256: string; size: number; createdAt: number },
): Promise<boolean> {
  const row = await tx
    .insertInto('repoBlob')
    .values({ ...link, referencedAt: null })
    .onConflict((conflict) => conflict.columns(['repoId', 'sha256']).doNothing())
    .returning('sha256')
    .executeTakeFirst()
  return row !== undefined
}

export async function addUsedStorage(tx: Tx, repoId: string, bytes: number): Promise<void> {
  await tx
    .updateTable('repo')
    .set({ usedStorage: sql<number>`"usedStorage" + ${bytes}` })
    .where('id', '=', repoId)
    .execute()
}

export async function updateReferenced(tx: Tx, repoId: string, sha256s: readonly string[], now: number): Promise<void> {
  for (const chunk of chunks(sha256s)) {
    await tx
      .updateTable('repoBlob')
      .set({ referencedAt: now })
      .where('repoId', '=', repoId)
      .where('sha256', 'in', chunk)
      .where('referencedAt', 'is', null)
      .execute()
  }
}

function* chunks(values: readonly string[]): Generator<string[]> {
  for (let at = 0; at < values.length; at += chunkSize) yield values.slice(at, at + chunkSize)
}
