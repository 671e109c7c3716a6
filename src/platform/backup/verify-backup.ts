/**
 * Reads a backup again: every file of the snapshots, every byte they name (once, however many snapshots name it), every pack, and whether
 * every ref of every snapshot leads to history that is whole.
 */
import { openDiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type GitStore, openGitStore } from '../git/git-store.ts'
import { findDamagedPack, findMissing } from '../git/integrity.ts'
import { hasRepository } from '../git/repository.ts'
import type { BackupFolder, Snapshot } from './backup-folder.ts'
import { type Depth, findBlobFault } from './check-blob.ts'
import { findNeeded, readStored, storedBytes } from './contents.ts'
import { eachOf, mergeSorted } from './each-of.ts'
import { listKept } from './keep-repo.ts'
import { checkFiles, type Damage } from './manifest.ts'
import type { Progress } from './progress.ts'
import { readRepoList } from './repo-list.ts'
import { readValues } from './table-rows.ts'

export interface VerifyReport {
  readonly snapshots: number
  readonly blobs: number
  readonly bytes: number
  readonly repos: number
  /** What was found now, and was not known when the snapshots were made. */
  readonly faults: readonly Damage[]
}

const atOnce = 4

/** Throws `BackupError` where the rows of a snapshot are damaged; everything else is in the report. */
export async function verifyBackup(
  backup: BackupFolder,
  snapshots: readonly Snapshot[],
  depth: Depth,
  progress: Progress,
): Promise<VerifyReport> {
  for (const snapshot of snapshots) await verifyRows(snapshot)
  const blobs = await verifyBlobs(backup, snapshots, depth, progress)
  const git = await openGitStore({ folder: backup.git })
  try {
    const repos = await verifyRepos(git, snapshots, depth, progress)
    return {
      snapshots: snapshots.length,
      blobs: blobs.count,
      bytes: blobs.bytes,
      repos: repos.count,
      faults: [...blobs.faults, ...repos.faults],
    }
  } finally {
    await git.close()
  }
}

/** Every file has its hash, so every row can be read; a mistake of the program that wrote them would still show here. */
async function verifyRows(snapshot: Snapshot): Promise<void> {
  await checkFiles(snapshot.folder, snapshot.manifest)
  for (const [table, expected] of Object.entries(snapshot.manifest.tables)) {
    let rows = 0
    for await (const _ of readValues(snapshot, table)) rows++
    if (rows !== expected.rows) throw new Error(`${table} of ${snapshot.id} has ${rows} rows, not ${expected.rows}.`)
  }
}

async function verifyBlobs(
  backup: BackupFolder,
  snapshots: readonly Snapshot[],
  depth: Depth,
  progress: Progress,
): Promise<{ count: number; bytes: number; faults: Damage[] }> {
  const store = await openDiskBlobStore({ folder: backup.blobs })
  const result = { count: 0, bytes: 0, faults: [] as Damage[] }
  for (const stored of storedBytes) {
    const lists = snapshots.map((snapshot) => readStored(snapshot, stored))
    const counter = progress.begin(stored.label)
    const failed = new Map<string, string>()
    const check = async ({ items }: { items: readonly { item: { name: { hash: string }; size: number } }[] }) => {
      const [first] = items
      if (first === undefined) return
      const { size, name } = first.item
      const reason = await findBlobFault(store, { name: { kind: stored.kind, hash: name.hash }, size }, depth)
      if (reason !== null) failed.set(name.hash, reason)
      result.count++
      result.bytes += size
      counter.add(1, depth.isDeep ? size : 0)
    }
    await eachOf(
      mergeSorted(lists, (blob) => blob.name.hash),
      atOnce,
      check,
    )
    counter.end()
    for (const hash of await neededIn(snapshots, stored, failed)) {
      result.faults.push({ what: stored.kind, name: hash, reason: failed.get(hash) ?? '' })
    }
  }
  return result
}

/** Of what failed, what some snapshot needs and did not already know to be damaged. */
async function neededIn(
  snapshots: readonly Snapshot[],
  stored: (typeof storedBytes)[number],
  failed: ReadonlyMap<string, string>,
): Promise<Set<string>> {
  const needed = new Set<string>()
  for (const snapshot of snapshots) {
    const known = new Set(snapshot.manifest.damaged.filter((one) => one.what === stored.kind).map((one) => one.name))
    const unknown = new Set([...failed.keys()].filter((hash) => !known.has(hash)))
    for (const hash of await findNeeded(snapshot, stored, unknown)) needed.add(hash)
  }
  return needed
}

async function verifyRepos(
  git: GitStore,
  snapshots: readonly Snapshot[],
  depth: Depth,
  progress: Progress,
): Promise<{ count: number; faults: Damage[] }> {
  const result = { count: 0, faults: [] as Damage[] }
  const counter = progress.begin('repos')
  const lists = snapshots.map((snapshot) => readRepoList(snapshot))
  const repos = mergeSorted(lists, (line) => line.repo)
  const check = async ({
    key,
    items,
  }: {
    key: string
    items: readonly { item: { tips: readonly { oid: string }[] } }[]
  }) => {
    const oids = new Set(items.flatMap(({ item }) => item.tips.map((tip) => tip.oid)))
    const reason = await findRepoFault(git, key, oids, depth)
    if (reason !== null) result.faults.push({ what: 'repo', name: key, reason: reason.slice(0, 500) })
    result.count++
    counter.add(1, 0)
  }
  await eachOf(repos, 2, check)
  counter.end()
  return result
}

async function findRepoFault(
  git: GitStore,
  repo: string,
  oids: ReadonlySet<string>,
  depth: Depth,
): Promise<string | null> {
  if (oids.size === 0) return null
  if (!(await hasRepository(git, repo))) return 'its repository is missing'
  const kept = await listKept(git, repo)
  const lost = [...oids].find((oid) => !kept.has(oid))
  if (lost !== undefined) return `${lost} is not kept`
  return (depth.isDeep ? await findDamagedPack(git, repo) : null) ?? (await findMissing(git, repo, [...oids]))
}
