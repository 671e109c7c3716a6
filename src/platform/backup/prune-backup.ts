/**
 * Takes the oldest snapshots out of a backup, and what only they needed. Everything is compared with what the snapshots that stay name, in
 * sorted lists: a list that cannot be read or is not in order stops the prune before anything is removed.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { BlobStore, ListedBlob } from '../blobs/blob-store.ts'
import { openDiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type GitStore, openGitStore } from '../git/git-store.ts'
import { dropUnreachable } from '../git/maintain.ts'
import { moveRefs } from '../git/refs.ts'
import { deleteRepository } from '../git/repository.ts'
import { zeroOid } from '../git/safe-names.ts'
import {
  type BackupFolder,
  listSnapshotIds,
  lockBackup,
  openSnapshot,
  removeSnapshots,
  type Snapshot,
} from './backup-folder.ts'
import { readStored, type StoredBytes, storedBytes } from './contents.ts'
import { mergeSorted } from './each-of.ts'
import { keptRef, listKept } from './keep-repo.ts'
import { checkFiles } from './manifest.ts'
import type { Progress } from './progress.ts'
import { readRepoList } from './repo-list.ts'

export interface PruneReport {
  readonly kept: readonly string[]
  readonly removed: readonly string[]
  readonly blobs: number
  readonly bytes: number
  /** Repositories of which something goes. */
  readonly repos: number
}

/** Keeps the newest `keep` snapshots (at least one). Unless `isDry`, removes. Throws `BackupError`, and then nothing was removed. */
export async function pruneBackup(
  backup: BackupFolder,
  keep: number,
  isDry: boolean,
  progress: Progress,
): Promise<PruneReport> {
  const unlock = await lockBackup(backup)
  try {
    const all: Snapshot[] = []
    for (const id of await listSnapshotIds(backup)) all.push(await openSnapshot(backup, id))
    const cut = Math.max(0, all.length - Math.max(1, keep))
    const [old, stay] = [all.slice(0, cut), all.slice(cut)]
    for (const snapshot of stay) await checkFiles(snapshot.folder, snapshot.manifest)
    const ids = { kept: stay.map(({ id }) => id), removed: old.map(({ id }) => id) }
    if (stay.length === 0) return { ...ids, blobs: 0, bytes: 0, repos: 0 }
    // All lists are read to their ends once before the first removal.
    const report = await sweep(backup, stay, true, progress)
    if (isDry) return { ...ids, ...report }
    await removeSnapshots(backup, old)
    return { ...ids, ...(await sweep(backup, stay, false, progress)) }
  } finally {
    await unlock()
  }
}

async function sweep(
  backup: BackupFolder,
  stay: readonly Snapshot[],
  isDry: boolean,
  progress: Progress,
): Promise<{ blobs: number; bytes: number; repos: number }> {
  const store = await openDiskBlobStore({ folder: backup.blobs })
  const counter = progress.begin(isDry ? 'superfluous' : 'removed')
  let [blobs, bytes] = [0, 0]
  for (const stored of storedBytes) {
    for await (const blob of superfluousBlobs(store, stay, stored)) {
      if (!isDry) await store.delete({ kind: stored.kind, hash: blob.hash })
      blobs++
      bytes += blob.size
      counter.add(1, blob.size)
    }
  }
  const git = await openGitStore({ folder: backup.git })
  try {
    const repos = await sweepRepos(git, stay, isDry)
    counter.end()
    return { blobs, bytes, repos }
  } finally {
    await git.close()
  }
}

/** What the store has and none of the snapshots names. */
async function* superfluousBlobs(
  store: BlobStore,
  stay: readonly Snapshot[],
  stored: StoredBytes,
): AsyncGenerator<ListedBlob> {
  const named = stay.map(async function* (snapshot) {
    for await (const { name, size } of readStored(snapshot, stored)) yield { hash: name.hash, size }
  })
  const lists = [listAll(store, stored), ...named]
  for await (const { items } of mergeSorted(lists, (blob) => blob.hash)) {
    const [first] = items
    if (first !== undefined && first.list === 0 && items.length === 1) yield first.item
  }
}

async function* listAll(store: BlobStore, { kind }: StoredBytes): AsyncGenerator<ListedBlob> {
  let after: string | null = null
  for (;;) {
    const page: ListedBlob[] = await store.list(kind, after, 1000)
    yield* page
    if (page.length < 1000) return
    after = page.at(-1)?.hash ?? null
  }
}

async function sweepRepos(git: GitStore, stay: readonly Snapshot[], isDry: boolean): Promise<number> {
  const lists = stay.map((snapshot) => readRepoList(snapshot))
  const needed = new Set<string>()
  let changed = 0
  for await (const { key, items } of mergeSorted(lists, (line) => line.repo)) {
    needed.add(key)
    const tips = new Set(items.flatMap(({ item }) => item.tips.map((tip) => tip.oid)))
    const superfluous = [...(await listKept(git, key))].filter((oid) => !tips.has(oid))
    if (superfluous.length === 0) continue
    changed++
    if (isDry) continue
    const moves = superfluous.map((oid) => ({ ref: keptRef(oid), oldOid: oid, newOid: zeroOid }))
    const moved = await moveRefs(git, key, moves)
    if (!moved.ok) throw new Error(`The repository ${key} of the backup is in use: ${moved.message}`)
    await dropUnreachable(git, key)
  }
  for await (const repo of listRepositories(git)) {
    if (needed.has(repo)) continue
    changed++
    if (!isDry) await deleteRepository(git, repo)
  }
  return changed
}

async function* listRepositories(git: GitStore): AsyncGenerator<string> {
  const hexPair = /^[0-9a-f]{2}$/
  for (const first of (await readdir(git.folder)).filter((name) => hexPair.test(name))) {
    for (const second of (await readdir(path.join(git.folder, first))).filter((name) => hexPair.test(name))) {
      for (const name of await readdir(path.join(git.folder, first, second))) {
        const id = /^([0-9a-f]{24})\.git$/.exec(name)?.[1]
        if (id !== undefined) yield id
      }
    }
  }
}
