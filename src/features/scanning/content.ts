/** What is scanned: bytes by their hash, wherever they lie, so that the same bytes in two repos are scanned once (MAL-3). */
import type { Hub } from '../../hub.ts'
import { readObjectInfos, streamBlob } from '../../platform/git/objects.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { findPlacedBlob, openBlob } from '../storage/service.ts'
import type { ByteSource } from './byte-source.ts'
import { RangeReader } from './range-reader.ts'
import { selectPlaces } from './scan-queries.ts'

/** A file as lists have it: a large file has `lfs`. */
export interface StoredFile {
  /** Git's object id, of the pointer where there is one. */
  readonly oid: string
  readonly size: number
  readonly lfs: { readonly sha256: string; readonly size: number } | null
}

export type Opened = ByteSource & { close(): void }

const mostPlaces = 50

/** The bytes, from any repo that holds them. `nowhere`: no repo is known to. Throws where they cannot be read. */
export async function openContent(hub: Hub, content: string): Promise<Opened | 'nowhere'> {
  const places = await selectPlaces(hub.db, content, mostPlaces)
  if (places.length === 0) return 'nowhere'
  for (const { repoId } of places) {
    const reader = content.startsWith('git:')
      ? await openGit(hub, repoId, content.slice(4))
      : await openStored(hub, repoId, content.slice(7))
    if (reader !== null) return reader
  }
  throw new Error('no repo that holds these bytes has them any more')
}

async function openGit(hub: Hub, repoId: string, oid: string): Promise<RangeReader | null> {
  if (!(await hasRepository(hub.git, repoId))) return null
  const [info] = await readObjectInfos(hub.git, repoId, [oid])
  if (info?.type !== 'blob') return null
  const { size } = info
  return new RangeReader(size, (first, last) => streamBlob(hub.git, repoId, { oid, size }, { first, last }))
}

async function openStored(hub: Hub, repoId: string, sha256: string): Promise<RangeReader | null> {
  const blob = await findPlacedBlob(hub.db, repoId, sha256)
  if (blob === null) return null
  return new RangeReader(blob.size, (first, last) => openBlob(hub, blob, first, last))
}
