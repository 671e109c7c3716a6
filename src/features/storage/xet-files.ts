/**
 * Files that are stored as chunks. A file enters only with a SHA-256 that was computed here, and its terms, blob and link to the repo
 * appear in one transaction: so what a repo may reach is decided by its links alone, in whichever form the bytes lie.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { leaseMs } from './lease.ts'
import { addUsedStorage } from './queries.ts'
import {
  insertFiles,
  insertFileXorbs,
  insertLinks,
  selectFile,
  selectFileOfRepo,
  selectKnownFiles,
  upsertXetBlobs,
} from './xet-file-queries.ts'
import { FileTerms } from './xet-terms.ts'
import { insertChunks, insertClaimsOfRepo, insertClaimsOfWorkspace, renewXorbLeases } from './xorb-queries.ts'

export interface XetFile {
  /** Hash string. */
  readonly hash: string
  readonly size: number
  readonly sha256: string
  readonly terms: FileTerms
}

/** The file with this Xet hash if the repo links its bytes, else null. */
export async function findXetFileOfRepo(db: Db, repoId: string, hash: string): Promise<XetFile | null> {
  const row = await selectFileOfRepo(db, repoId, hash)
  return row === null ? null : { ...row, terms: new FileTerms(row.terms) }
}

/** Whoever asks has found the hash through a blob that it may read. */
export async function getXetFile(db: Db, hash: string): Promise<XetFile> {
  const row = await selectFile(db, hash)
  if (row === null) throw new HoldfastError('entry_not_found')
  return { ...row, terms: new FileTerms(row.terms) }
}

/** Of these files, SHA-256 and size of those that are stored, whoever sent them: a file hash says all about the bytes. */
export async function findKnownFiles(
  db: Db,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, { readonly sha256: string; readonly size: number }>> {
  const rows = await selectKnownFiles(db, hashes)
  return new Map(rows.map((row) => [row.hash, row]))
}

/** The SHA-256 was computed from the bytes. */
export type FileToRegister = XetFile

export interface DedupChunk {
  readonly chunkHash: string
  readonly xorbHash: string
}

/** Rows of one transaction: more take several. */
export const registeredAtOnce = { files: 200, chunks: 5_000 }

/**
 * Registers files that were checked, links their bytes to the repo, and lets global dedup find the chunks. Idempotent. Throws `busy` where
 * a xorb or a blob is being removed at this moment: the caller checks again.
 */
export async function registerFiles(
  hub: Hub,
  place: { readonly repoId: string; readonly scope: string },
  files: readonly FileToRegister[],
  chunks: readonly DedupChunk[],
): Promise<void> {
  const now = hub.clock.now()
  const rows = files.map(({ hash, size, sha256, terms }) => ({
    hash,
    size,
    sha256,
    terms: terms.bytes,
    createdAt: now,
  }))
  const xorbsOf = new Map(files.map((file) => [file.hash, xorbsOfTerms(file.terms)]))
  // In one order, so that two transactions rarely wait for each other crosswise.
  const xorbs = [...new Set([...xorbsOf.values()].flat())].sort()
  const blobs = [...new Map(files.map((file) => [file.sha256, file])).values()].sort((a, b) =>
    a.sha256 < b.sha256 ? -1 : 1,
  )
  await hub.transaction(async (tx) => {
    // The blobs come first: their rows hold back a collection that would take a file away in between.
    const held = await upsertXetBlobs(
      tx,
      blobs.map(({ sha256, size, hash }) => ({ sha256, size, xetHash: hash })),
      now,
      now + leaseMs,
    )
    if (held !== blobs.length) throw busy()
    if ((await renewXorbLeases(tx, xorbs, now + leaseMs)).length !== xorbs.length) throw busy()
    const added = await insertFiles(tx, rows)
    await insertFileXorbs(
      tx,
      [...added].flatMap((fileHash) =>
        (xorbsOf.get(fileHash) ?? []).map((xorbHash) => ({ fileHash, xorbHash, createdAt: now })),
      ),
    )
    const bytes = await insertLinks(tx, place.repoId, blobs, now)
    if (bytes > 0) await addUsedStorage(tx, place.repoId, bytes)
    await insertChunks(
      tx,
      chunks.map((chunk) => ({ scope: place.scope, ...chunk })),
    )
  })
}

function xorbsOfTerms(terms: FileTerms): string[] {
  const xorbs = new Set<string>()
  for (const term of terms) xorbs.add(term.xorb)
  return [...xorbs]
}

/**
 * For a repo that moves to another dedup scope: later uploads there may build on its chunks. Reading its files needs no claim. Xorbs that
 * files of other repos share are left out: a claim is for a whole xorb, and would put their chunks within reach of the new scope.
 */
export async function claimXorbsOfRepo(
  tx: Tx,
  repoId: string,
  scopes: { readonly from: string; readonly to: string },
  now: number,
): Promise<void> {
  if (scopes.from !== scopes.to) await insertClaimsOfRepo(tx, repoId, scopes, now)
}

/** As `claimXorbsOfRepo`, for all repos of a workspace that is about to end. Comes before they leave it. */
export async function claimXorbsOfWorkspace(
  tx: Tx,
  workspaceId: string,
  scopes: { readonly from: string; readonly to: string },
  now: number,
): Promise<void> {
  if (scopes.from !== scopes.to) await insertClaimsOfWorkspace(tx, workspaceId, scopes, now)
}

function busy(): HoldfastError {
  return new HoldfastError('busy', {}, { headers: { 'retry-after': '2' } })
}
