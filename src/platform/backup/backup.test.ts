/** The parts of a backup that a whole hub does not show: order, limits, locks, older tables, and rows as lines. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silent } from '../../../tests/support/backups.ts'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { openDiskBlobStore } from '../blobs/disk-blob-store.ts'
import { systemClock } from '../clock.ts'
import { migrate } from '../db/migrate.ts'
import { migrations } from '../db/migrations/index.ts'
import { openGitStore } from '../git/git-store.ts'
import { beginSnapshot, findSnapshot, listSnapshotIds, lockBackup, openBackupFolder } from './backup-folder.ts'
import { eachOf, inOrder, mergeSorted } from './each-of.ts'
import { readLines, writeLines } from './line-file.ts'
import { type BackupSource, makeSnapshot } from './make-snapshot.ts'
import { formatBytes, lineProgress } from './progress.ts'
import { checkRestorable, prepareDatabase, restoreSnapshot } from './restore-snapshot.ts'
import { formatRow, readRows } from './table-rows.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-backup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** A hub's stores without a hub; refs do not matter here. */
async function sourceOf(database: TestDatabase): Promise<BackupSource> {
  const git = await openGitStore({ folder: path.join(folder, 'git') })
  const blobs = await openDiskBlobStore({ folder: path.join(folder, 'blobs') })
  const keys = { check: 'a'.repeat(64), text: '{}' }
  const watchRefs = () => ({ see: () => undefined, refsAt: async () => [] })
  return { db: database.db, git, blobs, clock: systemClock(), version: '0', keys, watchRefs }
}

describe('lists of any length', () => {
  test('a few at a time, in order where asked, and the first failure ends it', async () => {
    let [running, most] = [0, 0]
    const work = async (item: number): Promise<number> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5 - (item % 5)))
      running--
      if (item === 77) throw new Error('seventy-seven')
      return item * 2
    }
    const items = Array.from({ length: 50 }, (_, index) => index)
    expect(await all(inOrder(from(items), 4, work))).toEqual(items.map((item) => item * 2))
    expect(most).toBe(4)
    await eachOf(from(items), 3, async (item) => void (await work(item)))
    await expect(eachOf(from([1, 77, 2]), 3, async (item) => void (await work(item)))).rejects.toThrow('seventy-seven')
    await expect(all(inOrder(from([1, 77, 2]), 3, work))).rejects.toThrow('seventy-seven')
    expect(running).toBe(0)
    await expect(eachOf(from(items), 3, async () => undefined, AbortSignal.abort(new Error('stop')))).rejects.toThrow(
      'stop',
    )
  })

  test('sorted lists are joined by key, and one that is not in order is refused', async () => {
    const joined = await all(mergeSorted([from(['a', 'c']), from(['b', 'c', 'd']), from<string>([])], (item) => item))
    expect(joined.map(({ key, items }) => `${key}${items.map(({ list }) => list).join('')}`)).toEqual([
      'a0',
      'b1',
      'c01',
      'd1',
    ])
    await expect(all(mergeSorted([from(['b', 'a'])], (item) => item))).rejects.toThrow('not in order')
    await expect(all(mergeSorted([from(['a', 'a'])], (item) => item))).rejects.toThrow('not in order')
  })

  test('lines of every length survive, and a file that was cut is refused', async () => {
    const lines = ['', 'x'.repeat(1_000_000), 'ünï\u0000code', ...Array.from({ length: 5000 }, (_, i) => `line ${i}`)]
    const file = path.join(folder, 'lines')
    await writeLines(file, from(lines))
    expect(await all(readLines(file))).toEqual(lines)
    await writeLines(path.join(folder, 'none'), from([]))
    expect(await all(readLines(path.join(folder, 'none')))).toEqual([])
    await writeFile(file, (await import('node:fs')).readFileSync(file).subarray(0, 200))
    await expect(all(readLines(file))).rejects.toThrow()
  })

  test('progress tells counts and rates', () => {
    const told: string[] = []
    let now = 0
    const counter = lineProgress(
      (line) => told.push(line),
      () => now,
    ).begin('large files', 2000)
    counter.add(1, 1 << 30)
    now = 6000
    counter.add(999, 5 << 30)
    counter.end()
    expect(told[0]).toBe('large files: 1,000 of 2,000, 2.0 GiB, 341.3 MiB/s, 6.0 s')
    expect(formatBytes(17)).toBe('17 B')
  })
})

describe('a backup folder', () => {
  test('is made where nothing is, and has one writer at a time', async () => {
    const backup = await openBackupFolder(path.join(folder, 'new', 'backup'), true)
    const unlock = await lockBackup(backup)
    await expect(lockBackup(backup)).rejects.toThrow(/is writing to/)
    await unlock()
    await writeFile(path.join(backup.path, 'lock'), JSON.stringify({ host: 'elsewhere', pid: 1 }))
    await expect(lockBackup(backup)).rejects.toThrow('Process 1 on elsewhere')
    await writeFile(
      path.join(backup.path, 'lock'),
      JSON.stringify({ host: (await import('node:os')).hostname(), pid: 2 ** 22 + 1 }),
    )
    await (await lockBackup(backup))()
    await writeFile(path.join(backup.path, 'holdfast-backup.json'), '{"format":2}')
    await expect(openBackupFolder(backup.path, true)).rejects.toThrow('newer Holdfast')
  })

  test('a snapshot without a manifest does not count and is removed; a clock that was set back does not reorder', async () => {
    const backup = await openBackupFolder(path.join(folder, 'backup'), true)
    const one = await beginSnapshot(backup, Date.parse('2026-11-30T10:20:30.123Z'))
    expect(one.id).toBe('2026-11-30T10-20-30-123Z')
    await expect(findSnapshot(backup, null)).rejects.toThrow('no snapshot that is complete')
    await mkdir(path.join(backup.snapshots, '2026-11-30T10-20-30-999Z'))
    await writeFile(path.join(one.folder, 'manifest.json'), '{}')
    const two = await beginSnapshot(backup, 0)
    expect(two.id).toBe('2026-11-30T10-20-30-124Z')
    expect(await listSnapshotIds(backup)).toEqual([one.id])
    expect((await readdir(backup.snapshots)).sort()).toEqual([one.id, two.id])
    await expect(findSnapshot(backup, '2026')).rejects.toThrow('is damaged')
  })
})

describe.each(dialects)('rows on %s', (dialect) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await makeDatabase(dialect, { migrated: false })
  })
  afterEach(() => database.remove())

  test('of tables as they were earlier are loaded into those tables, and then brought up to date', async () => {
    const { db } = database
    await migrate(db, Date.now, Object.fromEntries(Object.entries(migrations).slice(0, 1)))
    await sql`insert into "blob" ("sha256", "size", "createdAt", "leaseUntil", "leaseGeneration")
      values (${'a'.repeat(64)}, 0, 1, 2, 3)`
      .execute(db.read)
      .catch(() => undefined)
    await db.transaction(async (tx) => {
      await sql`insert into "instance" ("key", "value") values ('kept', 'yes')`.execute(tx)
      await sql`insert into "blob" ("sha256", "size", "createdAt", "leaseUntil") values (${'b'.repeat(64)}, 0, 1, 2)`.execute(
        tx,
      )
    })
    const source = await sourceOf(database)
    const backup = await openBackupFolder(path.join(folder, 'backup'), true)
    const { manifest } = await makeSnapshot(source, backup, silent)
    expect(manifest.migrations).toEqual(['0001-foundation'])
    const target = await makeDatabase(dialect === 'sqlite' ? (dialects.at(-1) ?? 'sqlite') : 'sqlite', {
      migrated: false,
    })
    try {
      const snapshot = await findSnapshot(backup, manifest.id.slice(0, 12))
      await checkRestorable(snapshot)
      await prepareDatabase(target.db, snapshot)
      const git = await openGitStore({ folder: path.join(folder, 'git-2') })
      const blobs = await openDiskBlobStore({ folder: path.join(folder, 'blobs-2') })
      const report = await restoreSnapshot(
        backup,
        snapshot,
        { db: target.db, git, blobs, finish: async () => undefined },
        silent,
      )
      // The row of the hold is in the dump.
      expect(report.rows).toBe(3)
      await git.close()
      await migrate(target.db)
      expect(await target.db.read.selectFrom('blob').selectAll().execute()).toMatchObject([
        { hasObject: 1, xetHash: null },
      ])
      await expect(prepareDatabase(target.db, snapshot)).rejects.toThrow('The database is not empty')
      const empty = await makeDatabase(dialect)
      await expect(prepareDatabase(empty.db, snapshot)).rejects.toThrow('tables of a later version')
      await empty.remove()
    } finally {
      await target.remove()
      await source.git.close()
    }
  })

  test('hold every kind of value; what does not fit its column is refused and nothing is left', async () => {
    const { db } = database
    await migrate(db)
    const text = `"quotes", \n lines, ${dialect === 'sqlite' ? 'NUL \0, ' : ''}emoji 🗻`
    const chunkIndex = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const numbers = { size: 2 ** 53 - 1, rawSize: -1, chunkCount: 0, createdAt: 0, leaseUntil: 0, leaseGeneration: -1 }
    await db.transaction(async (tx) => {
      await tx.insertInto('instance').values({ key: 'k', value: text }).execute()
      await tx
        .insertInto('xorb')
        .values({ hash: 'c'.repeat(64), chunkIndex, ...numbers })
        .execute()
      await tx.insertInto('throttle').values({ key: 'k', count: 1, windowStartedAt: 2, blockedUntil: null }).execute()
    })
    const source = await sourceOf(database)
    const backup = await openBackupFolder(path.join(folder, 'backup'), true)
    await makeSnapshot(source, backup, silent)
    const snapshot = await findSnapshot(backup, null)
    expect((await all(readRows(snapshot, 'instance'))).find((row) => row.key === 'k')?.value).toBe(text)
    const [row] = await all(readRows(snapshot, 'xorb'))
    expect(row).toMatchObject(numbers)
    expect(chunkIndex.equals(row?.chunkIndex as Buffer)).toBe(true)
    expect(() => formatRow(['x'], { x: true })).toThrow('no dump knows')

    const wrong = { ...snapshot.manifest.tables, instance: { columns: ['value', 'key', 'more'], rows: 1 } }
    const target = await makeDatabase(dialect)
    const load = (tables: Record<string, { columns: string[]; rows: number }>) =>
      restoreSnapshot(
        backup,
        { ...snapshot, manifest: { ...snapshot.manifest, tables } },
        { db: target.db, git: source.git, blobs: source.blobs, finish: async () => undefined },
        silent,
      )
    await expect(load(wrong)).rejects.toThrow('other columns')
    await expect(load({ ...wrong, instance: { columns: ['key', 'value'], rows: 9 } })).rejects.toThrow(
      '2 rows and should have 9',
    )
    const swapped = { columns: ['count', 'key', 'windowStartedAt', 'blockedUntil'], rows: 1 }
    await expect(load({ ...snapshot.manifest.tables, throttle: swapped })).rejects.toThrow(
      'line 1 has no integer in count',
    )
    expect(await target.db.read.selectFrom('instance').selectAll().execute()).toEqual([])
    await target.remove()
    await source.git.close()
  })
})
