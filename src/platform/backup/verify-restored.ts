/** Compares what a restore made with the snapshot it came from: by what lies there now, not by what was done. */
import type { BlobStore } from '../blobs/blob-store.ts'
import type { GitStore } from '../git/git-store.ts'
import { findMissing } from '../git/integrity.ts'
import { hasRepository } from '../git/repository.ts'
import type { Snapshot } from './backup-folder.ts'
import { type Depth, findBlobFault } from './check-blob.ts'
import { findNeeded, readStored, type SizedBlob, storedBytes } from './contents.ts'
import { eachOf } from './each-of.ts'
import { readTips } from './keep-repo.ts'
import type { Damage } from './manifest.ts'
import type { Progress } from './progress.ts'
import { type RepoTips, readRepoList } from './repo-list.ts'

const atOnce = 4

/** What is not as the snapshot says. Nothing may be writing to the stores. */
export async function findRestoreFaults(
  snapshot: Snapshot,
  stores: { readonly blobs: BlobStore; readonly git: GitStore },
  depth: Depth,
  progress: Progress,
): Promise<Damage[]> {
  const faults: Damage[] = []
  for (const stored of storedBytes) {
    const failed = new Map<string, string>()
    const counter = progress.begin(`${stored.label} checked`, snapshot.manifest.tables[stored.table]?.rows ?? 0)
    const check = async (blob: SizedBlob): Promise<void> => {
      const reason = await findBlobFault(stores.blobs, blob, depth)
      if (reason !== null) failed.set(blob.name.hash, reason)
      counter.add(1, depth.isDeep ? blob.size : 0)
    }
    await eachOf(readStored(snapshot, stored), atOnce, check)
    counter.end()
    for (const hash of await findNeeded(snapshot, stored, new Set(failed.keys()))) {
      faults.push({ what: stored.kind, name: hash, reason: failed.get(hash) ?? '' })
    }
  }
  const counter = progress.begin('repos checked', snapshot.manifest.git.repos)
  const check = async ({ repo, tips }: RepoTips): Promise<void> => {
    const reason = await findRepoFault(stores.git, repo, tips)
    if (reason !== null) faults.push({ what: 'repo', name: repo, reason: reason.slice(0, 500) })
    counter.add(1, 0)
  }
  await eachOf(readRepoList(snapshot), 2, check)
  counter.end()
  return faults
}

async function findRepoFault(git: GitStore, repo: string, tips: RepoTips['tips']): Promise<string | null> {
  if (!(await hasRepository(git, repo))) return 'its repository is missing'
  const found = new Map((await readTips(git, repo)).map(({ ref, oid }) => [ref, oid]))
  const wrong = tips.find(({ ref, oid }) => found.get(ref) !== oid)
  if (wrong !== undefined) return `${wrong.ref} is not at ${wrong.oid}`
  if (found.size !== tips.length) return 'it has refs that the snapshot does not have'
  return await findMissing(git, repo, [...new Set(tips.map(({ oid }) => oid))])
}
