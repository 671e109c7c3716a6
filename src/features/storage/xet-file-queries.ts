/** The SQL of Xet files: what they are made of, and the blobs that lie in them. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { XetFileTable } from '../../platform/db/schema.ts'
import { turnGiver } from '../../platform/give-turn.ts'

const chunkSize = 500
/** Bytes of terms that one statement carries. */
const mostBytes = 1 << 20

type FileRow = Pick<XetFileTable, 'hash' | 'size' | 'sha256' | 'terms'>

const fileByHash = prepared<{ hash: string }, FileRow>((q, param) =>
  q.selectFrom('xetFile').select(['hash', 'size', 'sha256', 'terms']).where('hash', '=', param('hash')),
)

export async function selectFile(db: Db, hash: string): Promise<FileRow | null> {
  return await fileByHash.first(db.read, { hash })
}

const fileOfRepo = prepared<{ hash: string; repoId: string }, FileRow>((q, param) =>
  q
    .selectFrom('xetFile')
    .innerJoin('repoBlob', 'repoBlob.sha256', 'xetFile.sha256')
    .select(['xetFile.hash', 'xetFile.size', 'xetFile.sha256', 'xetFile.terms'])
    .where('xetFile.hash', '=', param('hash'))
    .where('repoBlob.repoId', '=', param('repoId')),
)

/** The file if the repo links the bytes that it holds. */
export async function selectFileOfRepo(db: Db, repoId: string, hash: string): Promise<FileRow | null> {
  return await fileOfRepo.first(db.read, { repoId, hash })
}

/** SHA-256 and size of those files that are known. */
export async function selectKnownFiles(
  db: Db,
  hashes: readonly string[],
): Promise<Pick<XetFileTable, 'hash' | 'size' | 'sha256'>[]> {
  const found: Pick<XetFileTable, 'hash' | 'size' | 'sha256'>[] = []
  const giveTurn = turnGiver()
  for (let at = 0; at < hashes.length; at += chunkSize) {
    const rows = await db.read
      .selectFrom('xetFile')
      .select(['hash', 'size', 'sha256'])
      .where('hash', 'in', hashes.slice(at, at + chunkSize))
      .execute()
    found.push(...rows)
    await giveTurn()
  }
  return found
}

const blobPlace = prepared<{ sha256: string }, { hasObject: number; xetHash: string | null }>((q, param) =>
  q.selectFrom('blob').select(['hasObject', 'xetHash']).where('sha256', '=', param('sha256')),
)

/** In which form a blob lies in the blob store. */
export async function selectBlobPlace(
  db: Db,
  sha256: string,
): Promise<{ hasObject: boolean; xetHash: string | null } | null> {
  const row = await blobPlace.first(db.read, { sha256 })
  return row === null ? null : { hasObject: row.hasObject === 1, xetHash: row.xetHash }
}

/** Adds the files that are not there; returns their hashes. */
export async function insertFiles(tx: Tx, files: readonly XetFileTable[]): Promise<Set<string>> {
  const inserted = new Set<string>()
  for (const part of partsOf(files)) {
    const rows = await tx
      .insertInto('xetFile')
      .values(part)
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .returning('hash')
      .execute()
    for (const row of rows) inserted.add(row.hash)
  }
  return inserted
}

/** Parts of few rows and few bytes, so that no statement becomes large. */
function* partsOf(files: readonly XetFileTable[]): Generator<XetFileTable[]> {
  let part: XetFileTable[] = []
  let size = 0
  for (const file of files) {
    if (part.length > 0 && (part.length === chunkSize || size + file.terms.length > mostBytes)) {
      yield part
      part = []
      size = 0
    }
    part.push(file)
    size += file.terms.length
  }
  if (part.length > 0) yield part
}

export async function insertFileXorbs(
  tx: Tx,
  rows: readonly { fileHash: string; xorbHash: string; createdAt: number }[],
): Promise<void> {
  for (let at = 0; at < rows.length; at += chunkSize) {
    await tx
      .insertInto('xetFileXorb')
      .values(rows.slice(at, at + chunkSize))
      .onConflict((conflict) => conflict.columns(['fileHash', 'xorbHash']).doNothing())
      .execute()
  }
}

/** Blobs that lie in Xet files; each SHA-256 once. Returns those that are not being removed. */
export async function upsertXetBlobs(
  tx: Tx,
  blobs: readonly { sha256: string; size: number; xetHash: string }[],
  now: number,
  leaseUntil: number,
): Promise<number> {
  let held = 0
  for (let at = 0; at < blobs.length; at += chunkSize) {
    const rows = await tx
      .insertInto('blob')
      .values(
        blobs
          .slice(at, at + chunkSize)
          .map((blob) => ({ ...blob, createdAt: now, leaseUntil, leaseGeneration: 0, hasObject: 0 as const })),
      )
      .onConflict((conflict) =>
        conflict
          .column('sha256')
          .doUpdateSet({
            size: sql<number>`"excluded"."size"`,
            leaseUntil,
            leaseGeneration: sql<number>`"blob"."leaseGeneration" + 1`,
            xetHash: sql<string>`coalesce("blob"."xetHash", "excluded"."xetHash")`,
          })
          .where('blob.leaseGeneration', '>=', 0),
      )
      .returning('sha256')
      .execute()
    held += rows.length
  }
  return held
}

/** Links the blobs to the repo; returns the bytes of those that it did not link yet. */
export async function insertLinks(
  tx: Tx,
  repoId: string,
  blobs: readonly { sha256: string; size: number }[],
  now: number,
): Promise<number> {
  let added = 0
  for (let at = 0; at < blobs.length; at += chunkSize) {
    const rows = await tx
      .insertInto('repoBlob')
      .values(
        blobs
          .slice(at, at + chunkSize)
          .map(({ sha256, size }) => ({ repoId, sha256, size, createdAt: now, referencedAt: null })),
      )
      .onConflict((conflict) => conflict.columns(['repoId', 'sha256']).doNothing())
      .returning('size')
      .execute()
    for (const row of rows) added += row.size
  }
  return added
}

/** The newest files that the xorb is part of. */
export async function selectFilesWithXorb(db: Db, xorbHash: string, limit: number): Promise<FileRow[]> {
  return await db.read
    .selectFrom('xetFileXorb')
    .innerJoin('xetFile', 'xetFile.hash', 'xetFileXorb.fileHash')
    .select(['xetFile.hash', 'xetFile.size', 'xetFile.sha256', 'xetFile.terms'])
    .where('xetFileXorb.xorbHash', '=', xorbHash)
    .orderBy('xetFileXorb.createdAt', 'desc')
    .limit(limit)
    .execute()
}
