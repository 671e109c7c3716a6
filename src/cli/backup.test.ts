/** Backups of a hub with something of everything, restored into empty places on both databases and served again; and the commands. */
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type BackupWorld,
  everyRow,
  makeBackupWorld,
  putLarge,
  serveRestored,
  silent,
} from '../../tests/support/backups.ts'
import { dialects } from '../../tests/support/databases.ts'
import { gitClient } from '../../tests/support/git-client.ts'
import { s3Environment } from '../../tests/support/s3-servers.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { StrictS3 } from '../../tests/support/strict-s3.ts'
import { fillRepo } from '../../tests/support/world.ts'
import { readConfig } from '../config.ts'
import { objectNamed } from '../platform/blobs/blob-store.ts'
import { backUp, backupCommand } from './backup.ts'
import { restore, restoreCommand } from './restore.ts'

describe.each(dialects)('a hub on %s', (dialect) => {
  let folder: string
  let running: TestHub
  let world: BackupWorld

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-backup-'))
    running = await startHub({ dialect })
    world = await makeBackupWorld(running.hub)
  })
  afterAll(async () => {
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(dialects)('is restored on %s, row by row, and serves the same to the same token', async (into) => {
    const { token, repo, large } = world
    const backup = path.join(folder, `to-${into}`)
    const { manifest } = await backUp(running.hub, backup, silent)
    const blobs = { object: { count: 1, bytes: 300_000 }, xorb: { count: 1, bytes: 5008 } }
    expect(manifest).toMatchObject({ dialect, damaged: [], git: { repos: 2, refs: 3 }, blobs })
    const before = await everyRow(running.hub)
    const restored = await serveRestored(backup, into, { verify: true })
    try {
      expect(restored.result).toMatchObject({ faults: [], brokenLinks: 0, changedTexts: 0 })
      expect(await everyRow(restored.hub)).toEqual(before)
      await using client = await gitClient(restored.url, token.value)
      await client.sh(`git clone -q "$URL/${repo.address}" work; cd work; git checkout -q v1; cat file`)
      expect(await client.sh('cd work; git branch -r; git log --format=%s origin/main')).toMatch(
        /origin\/side[\s\S]*two\none/,
      )
      const address = `${restored.url}/${repo.address}/resolve/main/large.bin`
      const answer = await fetch(address, { headers: { authorization: `Bearer ${token.value}` } })
      expect(Buffer.from(await answer.arrayBuffer()).equals(large)).toBe(true)
      expect((await fetch(address)).status).toBe(401)
      const epoch = await restored.hub.db.read
        .selectFrom('instance')
        .where('key', '=', 'xetEpoch')
        .selectAll()
        .execute()
      expect(epoch).toHaveLength(1)
    } finally {
      await restored.stop()
    }
  })
})

test('large files come out of one bucket and go into another', async () => {
  const [from, to] = [await StrictS3.start(), await StrictS3.start()]
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-backup-'))
  const running = await startHub({ env: s3Environment(from.settings) })
  try {
    const world = await makeBackupWorld(running.hub)
    await backUp(running.hub, path.join(folder, 'backup'), silent)
    const restored = await serveRestored(
      path.join(folder, 'backup'),
      'sqlite',
      { verify: true },
      s3Environment(to.settings),
    )
    expect(restored.result).toMatchObject({ faults: [], brokenLinks: 0 })
    const list = [await restored.hub.blobs.list('object', null, 9), await restored.hub.blobs.list('xorb', null, 9)]
    expect(list.map((found) => found.map(({ hash }) => hash))).toEqual([[world.largeHash], [world.xorbHash]])
    await restored.stop()
  } finally {
    await running.stop()
    await Promise.all([from.stop(), to.stop()])
    await rm(folder, { recursive: true, force: true })
  }
})

describe('holdfast backup', () => {
  let folder: string
  let running: TestHub
  let world: BackupWorld
  let backup: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-backup-'))
    running = await startHub()
    world = await makeBackupWorld(running.hub)
    backup = path.join(folder, 'backup')
  })
  afterEach(() => vi.restoreAllMocks())
  afterAll(async () => {
    await running.stop()
    await rm(folder, { recursive: true, force: true })
    process.exitCode = 0
  })

  async function run(...args: string[]): Promise<string> {
    let printed = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      printed += String(chunk)
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    const shared = { ...running.hub, close: () => Promise.resolve() }
    const program = new Command().exitOverride().addCommand(backupCommand(() => Promise.resolve(shared)))
    program.addCommand(restoreCommand())
    process.exitCode = 0
    try {
      await program.parseAsync(args[0] === 'restore' ? args : ['backup', ...args], { from: 'user' })
    } finally {
      vi.restoreAllMocks()
    }
    return printed
  }
  const restoreTo = (name: string, options: Parameters<typeof restore>[3] = {}, env: Record<string, string> = {}) =>
    restore(readConfig({ HOLDFAST_DATA: path.join(folder, name), ...env }), backup, silent, options)

  test('each snapshot copies only what the backup lacks, and each can be restored', async () => {
    const { hub } = running
    expect(await run(backup)).toMatch(/2 repos, 2 files[\s\S]*new {4}1 repo, 2 files/)
    const again = JSON.parse(await run(backup, '--json'))
    expect(again.copied).toEqual({ blobs: 0, bytes: 0, repos: 0 })
    // A forced push: the commits of before are named by no ref any more.
    const other = await putLarge(hub, world.repo, randomBytes(1000))
    const head = await fillRepo(
      hub,
      world.repo,
      `printf ${JSON.stringify(other.pointer)} > x; git add -A; git commit -qm other`,
    )
    await hub.transaction((tx) =>
      tx.updateTable('repo').set({ headCommit: head }).where('id', '=', world.repo.id).execute(),
    )
    const third = JSON.parse(await run(backup, '--json'))
    expect(third).toMatchObject({ copied: { blobs: 1, bytes: 1000, repos: 1 }, files: 3 })
    const list = JSON.parse(await run('list', backup, '--json'))
    expect(list.map((one: { files: number }) => one.files)).toEqual([2, 2, 3])
    expect(await run('verify', backup)).toMatch(/3 snapshots: 3 large files and xorbs[\s\S]*as it was written/)
    for (const { id } of [list[0], list[2]]) {
      const restored = await serveRestored(backup, 'sqlite', { snapshot: id })
      try {
        await using client = await gitClient(restored.url, world.token.value)
        await client.sh(`git clone -q "$URL/${world.repo.address}" work`)
        expect(await client.sh('cd work; git log -1 --format=%s')).toBe(id === list[0].id ? 'two\n' : 'other\n')
      } finally {
        await restored.stop()
      }
    }
  })

  test('prune says what would go, and takes what only old snapshots needed', async () => {
    await running.hub.transaction((tx) => tx.deleteFrom('xetFile').execute())
    await running.hub.transaction((tx) => tx.deleteFrom('xorb').execute())
    await run(backup)
    const before = await readdir(path.join(backup, 'snapshots'))
    expect(await run('prune', backup, '--keep', '1')).toMatch(
      /Would go: 3 snapshots, 1 file \(4.9 KiB\), history in 1 repo/,
    )
    expect(await readdir(path.join(backup, 'snapshots'))).toEqual(before)
    expect(await run('prune', backup, '--keep', '1', '--yes')).toMatch(/Removed: 3 snapshots, 1 file \(4.9 KiB\)/)
    expect(await run('prune', backup, '--keep', '1', '--yes')).toMatch(
      /Removed: 0 snapshots, 0 files \(0 B\), history in 0 repos/,
    )
    expect(await run('verify', backup)).toMatch(/1 snapshot: 2 large files/)
    vi.stubEnv('HOLDFAST_DATA', path.join(folder, 'by-command'))
    expect(await run('restore', backup)).toMatch(
      /holds {2}\d+ rows, 2 repos, 2 files [\s\S]*Everything that the snapshot names is there/,
    )
    expect(process.exitCode).toBe(0)
    vi.unstubAllEnvs()
  })

  test('a restore refuses a target that is not empty, keys of another hub, and a backup that is none', async () => {
    await mkdir(path.join(folder, 'filled'))
    await writeFile(path.join(folder, 'filled', 'x'), '')
    await expect(restoreTo('filled')).rejects.toThrow('is not empty')
    await expect(restore(readConfig({ HOLDFAST_DATA: folder }), folder, silent)).rejects.toThrow('not a backup')
    await expect(restoreTo('absent', { snapshot: '1999' })).rejects.toThrow('There is no snapshot 1999')
    const ring = { version: 1, keys: [{ id: 1, secret: 'a'.repeat(64), createdAt: '2026-01-01' }] }
    await expect(restoreTo('keys', {}, { HOLDFAST_KEYS: JSON.stringify(ring) })).rejects.toThrow('not those of the hub')
    await expect(backUp(running.hub, path.join(running.folder, 'inside'), silent)).rejects.toThrow('in the data folder')
    await expect(backUp(running.hub, path.join(folder, 'filled'), silent)).rejects.toThrow(
      'is not empty, and not a backup',
    )
  })

  test('without keys a restore asks for them, and goes on where it stopped', async () => {
    await run(backup, '--without-keys')
    const data = path.join(folder, 'without-keys')
    await expect(restoreTo('without-keys')).rejects.toThrow('made without keys')
    await copyFile(path.join(running.folder, 'keys.json'), path.join(data, 'keys.json'))
    expect(await restoreTo('without-keys')).toMatchObject({ faults: [] })
    expect((await stat(path.join(data, 'keys.json'))).mode & 0o777).toBe(0o600)
    expect(await readdir(data)).not.toContain('restore-unfinished.json')
    await expect(restoreTo('without-keys')).rejects.toThrow('is not empty')
  })

  test('what is rotten here is named and does not stop the backup of the rest', async () => {
    const { hub } = running
    const good = await putLarge(hub, world.repo, randomBytes(2000))
    const bad = await putLarge(hub, world.repo, randomBytes(3000))
    await writeFile(
      path.join(running.folder, hub.blobs.pathForFrontServer(objectNamed(bad.sha256)) ?? ''),
      'x'.repeat(3000),
    )
    const gone = await putLarge(hub, world.repo, randomBytes(4000))
    await hub.blobs.delete(objectNamed(gone.sha256))
    expect(await run(backup)).toMatch(/holds 2 damaged/)
    expect(process.exitCode).toBe(2)
    const result = await restoreTo('rotten', { verify: true })
    expect(result.snapshot.manifest.damaged.map(({ name }) => name).sort()).toEqual([bad.sha256, gone.sha256].sort())
    expect(result.faults).toEqual([])
    const place = path.join(folder, 'rotten', 'blobs', good.sha256.slice(0, 2), good.sha256.slice(2, 4), good.sha256)
    expect((await stat(place)).size).toBe(2000)
  })

  test('damage in the backup is found by verify, and a damaged table is never loaded', async () => {
    const id = (await readdir(path.join(backup, 'snapshots'))).sort().at(-1) ?? ''
    const blob = path.join(backup, 'blobs', world.largeHash.slice(0, 2), world.largeHash.slice(2, 4), world.largeHash)
    await flip(blob)
    expect(await run('verify', backup, '--quick')).toMatch(/as it was written/)
    expect(await run('verify', backup)).toMatch(new RegExp(`1 damaged:\n {2}object ${world.largeHash}`))
    expect(process.exitCode).toBe(2)
    expect(await restoreTo('one-missing')).toMatchObject({
      faults: [{ what: 'object', name: world.largeHash, reason: 'its bytes are not what they were' }],
    })
    await unlink(blob)
    expect(await run(backup, '--json')).toContain('"blobs": 1')
    const table = path.join(backup, 'snapshots', id, 'tables', 'user.ndjson.zst')
    await flip(table)
    await expect(restoreTo('never', { snapshot: id })).rejects.toThrow(/user.ndjson.zst of the snapshot .* is damaged/)
    await expect(run('verify', backup)).rejects.toThrow('is damaged')
    await expect(readdir(path.join(folder, 'never'))).rejects.toThrow('ENOENT')
    const manifest = path.join(backup, 'snapshots', id, 'manifest.json')
    const text = await readFile(manifest, 'utf8')
    await writeFile(manifest, text.replace('"0002-xet"', '"9999-later"'))
    await expect(restoreTo('never', { snapshot: id })).rejects.toThrow('made by a newer Holdfast')
    await writeFile(manifest, text.replace('"format": 1', '"format": 2'))
    await expect(restoreTo('never', { snapshot: id })).rejects.toThrow('has format 2')
    await writeFile(manifest, text.slice(0, 100))
    await expect(restoreTo('never', { snapshot: id })).rejects.toThrow('manifest of the snapshot')
    await expect(run('prune', backup, '--keep', '1', '--yes')).rejects.toThrow('manifest of the snapshot')
  })
})

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(file, bytes)
}
