/** The bytes of a file as they are meant: of large ones those that their pointer names. */
import { Readable } from 'node:stream'
import type { Hub } from '../../hub.ts'
import { streamBlob } from '../../platform/git/objects.ts'
import { findPlacedBlob, openBlob } from '../storage/service.ts'
import type { RepoEntry } from './contents.ts'

/** Throws where the repo does not have them. */
export async function openFile(
  hub: Hub,
  repoId: string,
  file: Pick<RepoEntry, 'oid' | 'size'> & { readonly lfs: { readonly sha256: string } | null },
): Promise<AsyncIterable<Buffer>> {
  const { oid, size, lfs } = file
  if (lfs === null) return streamBlob(hub.git, repoId, { oid, size })
  const blob = await findPlacedBlob(hub.db, repoId, lfs.sha256)
  if (blob === null) throw new Error(`The repo does not have the large file ${lfs.sha256}.`)
  if (blob.size === 0) return Readable.from([])
  return await openBlob(hub, blob, 0, blob.size - 1)
}
