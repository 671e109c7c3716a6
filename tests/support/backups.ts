/** What tests of backups share: a hub with something of everything, and a hub that serves what was restored. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { type RestoreOptions, type RestoreResult, restore } from '../../src/cli/restore.ts'
import { readConfig } from '../../src/config.ts'
import { formatLfsPointer } from '../../src/domain/lfs-pointer.ts'
import { linkBlob, markReferenced } from '../../src/features/storage/service.ts'
import { type Hub, openHub } from '../../src/hub.ts'
import type { Progress } from '../../src/platform/backup/progress.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { describeTables } from '../../src/platform/db/tables.ts'
import type { ReceivedXorb } from '../../src/platform/xet/xet-workers.ts'
import { makeSchema } from './databases.ts'
import { startHub, type TestHub } from './start-hub.ts'
import { fillRepo, makeRepo, makeToken, makeUser, type TestRepo, type TestToken, type TestUser } from './world.ts'

export const silent: Progress = { begin: () => ({ add: () => undefined, end: () => undefined }) }

export interface BackupWorld {
  readonly ada: TestUser
  readonly token: TestToken
  /** Private, with `large.bin`, two commits, a tag and a branch. */
  readonly repo: TestRepo
  /** The bytes of `large.bin`. */
  readonly large: Buffer
  readonly largeHash: string
  readonly xorbHash: string
}

export async function makeBackupWorld(hub: Hub): Promise<BackupWorld> {
  const large = randomBytes(300_000)
  const ada = await makeUser(hub, 'ada')
  const token = await makeToken(hub, ada)
  const repo = await makeRepo(hub, ada, 'harbor', { visibility: 'private' })
  await makeRepo(hub, ada, 'empty')
  const { pointer, sha256 } = await putLarge(hub, repo, large)
  const attributes = 'large.bin filter=lfs diff=lfs merge=lfs -text'
  const headCommit = await fillRepo(
    hub,
    repo,
    `printf ${JSON.stringify(pointer)} > large.bin; echo one > file; echo '${attributes}' > .gitattributes
     git add -A; git commit -qm one; git tag -am v1 v1; git branch side; echo two > file; git commit -qam two`,
  )
  await hub.transaction((tx) => tx.updateTable('repo').set({ headCommit }).where('id', '=', repo.id).execute())
  return { ada, token, repo, large, largeHash: sha256, xorbHash: await putXorb(hub, randomBytes(5000)) }
}

/** Stores and links a large file as if a commit named it. */
export async function putLarge(hub: Hub, repo: TestRepo, bytes: Buffer): Promise<{ pointer: string; sha256: string }> {
  const blob = { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
  await hub.blobs.put(Readable.from([bytes]), blob)
  await hub.transaction(async (tx) => {
    await linkBlob(tx, repo.id, blob, hub.clock.now())
    await markReferenced(tx, repo.id, [blob.sha256], hub.clock.now())
  })
  return { pointer: formatLfsPointer(blob), sha256: blob.sha256 }
}

/** A xorb with a file in it, as an upload leaves them. Gives the xorb's hash. */
export async function putXorb(hub: Hub, bytes: Buffer): Promise<string> {
  let staged = await hub.blobs.openStaged()
  const xorbs: (ReceivedXorb & { hash: string })[] = []
  const cutter = hub.xet.openCutter({
    findKnown: async (chunks) => chunks.map(() => null),
    openXorb: async () => {
      staged = await hub.blobs.openStaged()
      return staged.fd
    },
    async finishXorb(_, xorb) {
      await staged.publish({ kind: 'xorb', hash: xorb.hash })
      xorbs.push(xorb)
    },
  })
  await staged.discard()
  await cutter.write(bytes)
  const file = await cutter.end()
  const [xorb] = xorbs
  if (xorb === undefined) throw new Error('The cutter made no xorb.')
  const createdAt = hub.clock.now()
  const { hash, size, rawSize, chunkIndex } = xorb
  await hub.transaction(async (tx) => {
    const lease = { createdAt, leaseUntil: createdAt, leaseGeneration: 0 }
    await tx
      .insertInto('xorb')
      .values({ hash, size, rawSize, chunkCount: 1, chunkIndex, ...lease })
      .execute()
    const row = { hash: file.hash, size: file.size, sha256: file.sha256, terms: randomBytes(48), createdAt }
    await tx.insertInto('xetFile').values(row).execute()
    await tx.insertInto('xetFileXorb').values({ fileHash: file.hash, xorbHash: hash, createdAt }).execute()
  })
  return hash
}

export interface RestoredHub extends TestHub {
  readonly result: RestoreResult
}

/** Restores into an empty place and opens what lies there, without a server: nothing goes on by itself. */
export async function openRestored(
  backup: string,
  dialect: DialectName,
): Promise<{ readonly hub: Hub; stop(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-restored-'))
  const schema = dialect === 'postgres' ? await makeSchema() : null
  const remove = async (): Promise<void> => {
    await schema?.drop()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    const config = readConfig({
      HOLDFAST_DATA: folder,
      ...(schema === null ? {} : { HOLDFAST_DATABASE_URL: schema.options.url }),
    })
    await restore(config, backup, silent)
    const hub = await openHub(config)
    return { hub, stop: () => hub.close().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Restores into an empty folder (and an empty database) and serves it; `stop` removes both. */
export async function serveRestored(
  backup: string,
  dialect: DialectName,
  options: RestoreOptions = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<RestoredHub> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-restored-'))
  const schema = dialect === 'postgres' ? await makeSchema() : null
  const env = { ...settings, ...(schema === null ? {} : { HOLDFAST_DATABASE_URL: schema.options.url }) }
  const remove = async (): Promise<void> => {
    await schema?.drop()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    const result = await restore(readConfig({ HOLDFAST_DATA: folder, ...env }), backup, silent, options)
    const running = await startHub({ folder, env })
    return { ...running, result, stop: () => running.stop().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

/** What both databases hold alike: every row but jobs and facts about the instance. */
export async function everyRow(hub: Hub): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  await hub.db.snapshot(async (view) => {
    for (const { name, columns } of await describeTables(view, hub.db.dialect)) {
      if (['job', 'instance'].includes(name)) continue
      const list = sql.join(columns.map((column) => sql.ref(column.name)))
      const { rows } = await sql<object>`select ${list} from ${sql.table(name)}`.execute(view)
      found[name] = rows.map((row) => JSON.stringify(Object.entries(row).sort().map(plain))).sort()
    }
  })
  return found
}

function plain([name, value]: [string, unknown]): [string, unknown] {
  return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]
}
