/**
 * Which rows name bytes that lie outside the database. A new kind of stored bytes is one more entry of this list; new tables need none, since
 * every table is dumped.
 */
import type { BlobName } from '../blobs/blob-store.ts'
import type { SnapshotRows } from './backup-folder.ts'
import { type Row, readRows } from './table-rows.ts'

export interface StoredBytes {
  readonly kind: BlobName['kind']
  readonly label: string
  readonly table: string
  /** The column with the hash, by which the dump of the table is ordered. */
  readonly hash: string
  /** Where bytes that are gone are missed. Elsewhere they may go: an upload that was begun and never finished, for example. */
  readonly neededBy: { readonly table: string; readonly column: string }
  /** Whether the row says that the bytes are there. */
  isStored(row: Row): boolean
}

/** A generation below 0: the bytes are being removed. */
const isKept = (row: Row): boolean => Number(row.leaseGeneration) >= 0

export const storedBytes: readonly StoredBytes[] = [
  {
    kind: 'object',
    label: 'large files',
    table: 'blob',
    hash: 'sha256',
    neededBy: { table: 'repoBlob', column: 'sha256' },
    // Tables of before Xet have no such column.
    isStored: (row) => isKept(row) && row.hasObject !== 0,
  },
  {
    kind: 'xorb',
    label: 'xorbs',
    table: 'xorb',
    hash: 'hash',
    neededBy: { table: 'xetFileXorb', column: 'xorbHash' },
    isStored: isKept,
  },
]

export interface SizedBlob {
  readonly name: BlobName
  readonly size: number
}

/** The bytes of one kind that a snapshot names, in the order of their hashes. */
export async function* readStored(snapshot: SnapshotRows, stored: StoredBytes): AsyncGenerator<SizedBlob> {
  for await (const row of readRows(snapshot, stored.table)) {
    if (!stored.isStored(row)) continue
    yield { name: { kind: stored.kind, hash: String(row[stored.hash]) }, size: Number(row.size) }
  }
}

/** Of these hashes, those that a row needs. */
export async function findNeeded(
  snapshot: SnapshotRows,
  { neededBy }: StoredBytes,
  hashes: ReadonlySet<string>,
): Promise<Set<string>> {
  const needed = new Set<string>()
  if (hashes.size === 0) return needed
  for await (const row of readRows(snapshot, neededBy.table)) {
    const hash = row[neededBy.column]
    if (typeof hash === 'string' && hashes.has(hash)) needed.add(hash)
  }
  return needed
}

/** The repos of a snapshot, in the order of their ids. A deleted one may have lost its repository already. */
export async function* readRepos(
  snapshot: SnapshotRows,
): AsyncGenerator<{ readonly id: string; readonly isDeleted: boolean }> {
  for await (const row of readRows(snapshot, 'repo')) yield { id: String(row.id), isDeleted: row.deletedAt !== null }
}
