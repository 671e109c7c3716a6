/**
 * The drill: a hub under load is backed up again and again, some backups are killed half-way, and every snapshot is restored into an empty
 * place and served. What was acknowledged before a backup began is in it; rows, refs and bytes of a snapshot agree; the same token works.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { backUp } from '../../src/cli/backup.ts'
import { lfsPointerLimit, parseLfsPointer } from '../../src/domain/lfs-pointer.ts'
import { sealNow } from '../../src/features/audit/service.ts'
import { listSnapshotIds, openBackupFolder } from '../../src/platform/backup/backup-folder.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { isAncestor } from '../../src/platform/git/diff.ts'
import { repositoryFolder } from '../../src/platform/git/git-store.ts'
import { smallBlobs } from '../../src/platform/git/reachable.ts'
import { listRefs } from '../../src/platform/git/refs.ts'
import { everyRow, openRestored, type RestoredHub, serveRestored, silent } from '../support/backups.ts'
import { dialects } from '../support/databases.ts'
import { gitClient } from '../support/git-client.ts'
import { runClient } from '../support/git-store.ts'
import { startHub } from '../support/start-hub.ts'
import { makeRepo, makeToken, makeUser, type TestRepo, type TestToken } from '../support/world.ts'
import { type Acknowledged, startLoad } from './backup-load.ts'

export interface DrillOptions {
  readonly repos: number
  readonly snapshots: number
  /** Backups that are killed, spread over the drill. */
  readonly kills: number
  readonly largest: number
  readonly pauseMs: number
  /** How long people work between two backups. */
  readonly workMs: number
  readonly dialect: DialectName
}

export interface DrillResult {
  readonly commits: number
  readonly pushes: number
  readonly snapshots: number
  /** Kills that came before the backup was complete. */
  readonly interrupted: number
}

interface Made {
  readonly id: string
  readonly beganAt: number
}

export async function runBackupDrill(options: DrillOptions): Promise<DrillResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-drill-'))
  const backup = path.join(folder, 'backup')
  const hub = await startHub({ dialect: options.dialect })
  const url = hub.hub.config.databaseUrl ?? ''
  try {
    const ada = await makeUser(hub.hub, 'ada')
    const token = await makeToken(hub.hub, ada)
    const repos: TestRepo[] = []
    for (let i = 0; i < options.repos; i++)
      repos.push(await makeRepo(hub.hub, ada, `repo-${i}`, { visibility: 'private' }))
    const load = startLoad({ ...options, url: hub.url, token, repos })
    const made: Made[] = []
    let interrupted = 0
    try {
      for (let round = 0; round < options.snapshots; round++) {
        await pause(options.workMs)
        for (let kill = 0; kill < share(options.kills, options.snapshots, round); kill++) {
          const beganAt = Date.now()
          await killBackup(hub.folder, backup, url)
          // One may have been faster than its end.
          const more = (await completeIn(backup)).filter((id) => !made.some((one) => one.id === id))
          made.push(...more.map((id) => ({ id, beganAt })))
          if (more.length === 0) interrupted++
        }
        const beganAt = Date.now()
        made.push({ id: await completeBackup(hub.folder, backup, url), beganAt })
      }
    } finally {
      await load.stop()
    }
    expect(await completeIn(backup)).toEqual(made.map(({ id }) => id))
    for (const [index, one] of made.entries()) {
      const into = dialects[index % dialects.length] ?? 'sqlite'
      const restored = await serveRestored(backup, into, { snapshot: one.id, verify: true })
      try {
        const before = load.acknowledged.filter(({ at }) => at < one.beganAt)
        await expectWhole(restored, token, repos, before)
        if (index === made.length - 1) await expectRoundTrip(restored, path.join(folder, 'second'), into)
      } finally {
        await restored.stop()
      }
    }
    return { commits: load.acknowledged.length, pushes: load.pushes(), snapshots: made.length, interrupted }
  } finally {
    await hub.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** How many of `all` fall on this one of `rounds`. */
function share(all: number, rounds: number, round: number): number {
  return Math.floor((all * (round + 1)) / rounds) - Math.floor((all * round) / rounds)
}

async function completeIn(backup: string): Promise<string[]> {
  return await openBackupFolder(backup, false).then(listSnapshotIds, () => [])
}

function startBackup(data: string, backup: string, url: string): ChildProcess {
  const script = fileURLToPath(new URL('./backup-process.ts', import.meta.url))
  return spawn(process.execPath, [script, data, backup, url], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function completeBackup(data: string, backup: string, url: string): Promise<string> {
  const child = startBackup(data, backup, url)
  if (child.stdout === null) throw new Error('The backup has no output.')
  let done: string[] = []
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('done ')) done = line.split(' ')
  const [, id = '', damaged] = done
  expect([id.length > 0, damaged], 'the backup was made, and found nothing damaged').toEqual([true, '0'])
  return id
}

/** In one of its parts, at a random moment. */
async function killBackup(data: string, backup: string, url: string): Promise<void> {
  const child = startBackup(data, backup, url)
  if (child.stdout === null) throw new Error('The backup has no output.')
  const exited = once(child, 'exit')
  const part = ['begin rows', 'begin large files', 'begin xorbs', 'begin repos'][randomInt(4)]
  const lines = createInterface({ input: child.stdout })
  const isThere = new Promise<void>((resolve) => lines.on('line', (line) => (line === part ? resolve() : undefined)))
  await Promise.race([exited, isThere])
  await pause(randomInt(0, 60))
  child.kill('SIGKILL')
  await exited
}

async function expectWhole(
  restored: RestoredHub,
  token: TestToken,
  repos: readonly TestRepo[],
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  const { hub, url, result } = restored
  expect(result).toMatchObject({ faults: [], brokenLinks: 0 })
  const headers = { authorization: `Bearer ${token.value}` }
  expect((await fetch(`${url}/api/whoami-v2`, { headers })).status).toBe(200)
  await using client = await gitClient(url, token.value)
  for (const repo of repos) {
    const refs = await listRefs(hub.git, repo.id)
    await expectEvents(restored, repo, refs)
    const main = refs.find(({ ref }) => ref === 'refs/heads/main')?.oid ?? null
    const row = await hub.db.read.selectFrom('repo').select('headCommit').where('id', '=', repo.id).executeTakeFirst()
    expect(row?.headCommit).toBe(main)
    for (const { commit } of acknowledged.filter((one) => one.repo.id === repo.id)) {
      expect(main !== null && (await isAncestor(hub.git, repo.id, commit, main)), `${commit} was acknowledged`).toBe(
        true,
      )
    }
    await runClient(repositoryFolder(hub.git, repo.id), 'fsck', '--strict', '--no-dangling')
    await client.sh(`GIT_LFS_SKIP_SMUDGE=1 git clone -q --mirror "$URL/${repo.address}" ${repo.id}`)
    const cloned = await client.sh(`cd ${repo.id}; git for-each-ref --format='%(objectname) %(refname)'`)
    expect(cloned.trim().split('\n').filter(Boolean)).toEqual(refs.map(({ ref, oid }) => `${oid} ${ref}`))
    await expectLargeFiles(restored, token, repo)
  }
  // It is a hub like any other: it takes new work.
  const [repo] = repos
  if (repo === undefined) return
  await client.sh(`cd ${repo.id}; git push -q "$URL/${repo.address}" refs/heads/main:refs/heads/after-restore`)
}

/** The moves of each ref are a chain that ends at what the ref holds. */
async function expectEvents(
  { hub }: RestoredHub,
  repo: TestRepo,
  refs: readonly { ref: string; oid: string }[],
): Promise<void> {
  const rows = await hub.db.read
    .selectFrom('event')
    .select('data')
    .where('resourceId', '=', repo.id)
    .orderBy('id')
    .execute()
  const ends = new Map<string, string | null>()
  for (const { data } of rows) {
    const move = JSON.parse(data) as { ref?: string; old: string | null; new: string | null }
    if (move.ref === undefined) continue
    expect(move.old).toBe(ends.get(move.ref) ?? null)
    ends.set(move.ref, move.new)
  }
  expect(Object.fromEntries(refs.map(({ ref, oid }) => [ref, oid]))).toEqual(Object.fromEntries(ends))
  expect(await hub.db.read.selectFrom('refIntent').selectAll().execute()).toEqual([])
}

/** Every large file that any commit names is downloaded and hashed. */
async function expectLargeFiles({ hub, url }: RestoredHub, token: TestToken, repo: TestRepo): Promise<void> {
  const objects = new Map<string, number>()
  for await (const blob of smallBlobs(hub.git, repo.id, { include: 'all', exclude: [] }, lfsPointerLimit)) {
    const pointer = parseLfsPointer(blob.bytes)
    if (pointer) objects.set(pointer.sha256, pointer.size)
  }
  const wanted = [...objects].map(([oid, size]) => ({ oid, size }))
  for (let at = 0; at < wanted.length; at += 100) {
    const answer = await fetch(`${url}/${repo.address}.git/info/lfs/objects/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token.value}`, 'content-type': 'application/vnd.git-lfs+json' },
      body: JSON.stringify({ operation: 'download', objects: wanted.slice(at, at + 100) }),
    })
    const batch = (await answer.json()) as { objects: { oid: string; actions?: { download: { href: string } } }[] }
    for (const { oid, actions } of batch.objects) {
      const bytes = Buffer.from(await (await fetch(actions?.download.href ?? '')).arrayBuffer())
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(oid)
    }
  }
}

/** What was restored on one database is backed up again and restored on the other one, with the same rows. */
async function expectRoundTrip(restored: RestoredHub, backup: string, from: DialectName): Promise<void> {
  // Nothing seals, counts, moves or scans from here on: the rows stay what they are.
  await restored.rest()
  await sealNow(restored.hub)
  const rows = await everyRow(restored.hub)
  const { manifest } = await backUp(restored.hub, backup, silent)
  expect(manifest).toMatchObject({ dialect: from, damaged: [] })
  const other = dialects.find((dialect) => dialect !== from) ?? from
  const again = await openRestored(backup, other)
  try {
    expect(await everyRow(again.hub)).toEqual(rows)
    expect(await readdir(path.join(backup, 'snapshots'))).toHaveLength(1)
  } finally {
    await again.stop()
  }
}
