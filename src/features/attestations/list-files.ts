/** The files of a revision as an attestation has them: with the bytes that the repo has. */

import { HoldfastError } from '../../domain/errors.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { type TreeEntry, walkTree } from '../../platform/git/tree.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { findPointers } from '../files/service.ts'
import { type DigestedFile, knownDigests, plainSha256 } from '../model-signatures/service.ts'
import { findLinkedBlobs } from '../storage/service.ts'

export const mostFiles = 50_000
const batchSize = 500

export interface ListedFile extends DigestedFile {
  readonly path: string
}

export interface Listed {
  readonly files: readonly ListedFile[]
  /** Pointers to bytes that were never uploaded. */
  readonly unavailable: readonly string[]
  readonly links: readonly string[]
}

/** Throws `attestation_too_large`. */
export async function listFiles(hub: Hub, repoId: string, commit: string): Promise<Listed> {
  const files: ListedFile[] = []
  const unavailable: string[] = []
  const links: string[] = []
  const giveTurn = turnGiver()
  let batch: TreeEntry[] = []
  const look = async (): Promise<void> => {
    const pointers = await findPointers(hub, repoId, batch)
    const sha256s = [...pointers.values()].map(({ sha256 }) => sha256)
    const linked = await findLinkedBlobs(hub.db, repoId, sha256s)
    for (const { path, oid, size } of batch) {
      const lfs = pointers.get(oid) ?? null
      const actual = lfs === null ? size : linked.get(lfs.sha256)
      if (actual === undefined) unavailable.push(path)
      else files.push({ path, oid, size: actual, lfs })
    }
    batch = []
  }
  for await (const entry of walkTree(hub.git, repoId, commit)) {
    await giveTurn()
    if (entry.mode === '120000') links.push(entry.path)
    else if (entry.type === 'blob' && batch.push(entry) >= batchSize) await look()
    if (files.length + unavailable.length + links.length + batch.length > mostFiles)
      throw new HoldfastError('attestation_too_large', { most: mostFiles })
  }
  await look()
  return { files, unavailable, links }
}

/** Those whose SHA-256 is not known yet. */
export async function unknownOf(hub: Hub, files: readonly ListedFile[]): Promise<ListedFile[]> {
  const known = await knownDigests(hub, plainSha256, files)
  return files.filter((file) => !known.has(contentOf(file)))
}
