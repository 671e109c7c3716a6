/** The composition root: opens everything that a running hub consists of, and closes it in the opposite order. The only "context" object. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { BlobStore } from './platform/blobs/blob-store.ts'
import { openDiskBlobStore } from './platform/blobs/disk-blob-store.ts'
import { type Clock, systemClock } from './platform/clock.ts'
import { type KeyRing, openKeyRing } from './platform/crypto/key-ring.ts'
import { type Db, openDatabase, type Tx } from './platform/db/database.ts'
import { migrate } from './platform/db/migrate.ts'
import { readXetEpoch } from './platform/db/xet-epoch.ts'
import { type GitStore, openGitStore } from './platform/git/git-store.ts'
import { makeLogger } from './platform/log/logger.ts'
import { type Mailer, openMailer } from './platform/mail/mailer.ts'
import { type Metrics, openMetrics } from './platform/metrics/metrics.ts'
import { type Outbound, openOutbound, type Resolver } from './platform/outbound/outbound.ts'
import { openXetWorkers } from './platform/xet/open-xet-workers.ts'
import type { XetWorkers } from './platform/xet/xet-workers.ts'

export interface Hub {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly keys: KeyRing
  readonly db: Db
  readonly git: GitStore
  readonly blobs: BlobStore
  readonly xet: XetWorkers
  /** Stands in the addresses of Xet since this hub was restored from a backup. */
  readonly xetEpoch: string | null
  readonly mailer: Mailer
  readonly outbound: Outbound
  readonly metrics: Metrics
  transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface HubOverrides {
  readonly clock?: Clock
  readonly log?: Logger
  /** Of the names of hosts that outbound requests go to. */
  readonly resolver?: Resolver
}

/** Opens the data folder and brings the database up to date. Throws with a sentence that says what to mend. */
export async function openHub(config: Config, overrides: HubOverrides = {}): Promise<Hub> {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  const clock = overrides.clock ?? systemClock()
  const log = overrides.log ?? makeLogger({ level: config.logLevel })
  const keys = await openKeyRing({ folder: config.dataFolder, inline: config.keyRing })
  const db = await openDatabase({ url: config.databaseUrl, folder: config.dataFolder })
  const { changed } = await migrate(db)
  if (changed.length > 0) log.warn({ changed }, 'Migrations differ from those that made this database')
  const git = await openGitStore({ folder: path.join(config.dataFolder, 'git') })
  const blobs = await openBlobStore(config, log)
  const xet = openXetWorkers()
  const xetEpoch = await readXetEpoch(db)
  const mailer = openMailer({ smtpUrl: config.smtpUrl, from: config.mailFrom })
  const metrics = openMetrics()
  const outbound = openOutbound(config.outboundAllow, overrides.resolver)
  return {
    config,
    clock,
    log,
    keys,
    db,
    git,
    blobs,
    xet,
    xetEpoch,
    mailer,
    outbound,
    metrics,
    transaction: (fn) => db.transaction(fn),
    close: async () => {
      outbound.close()
      await git.close()
      await xet.close()
      await blobs.close()
      await db.close()
    },
  }
}

/** Where large files lie. Whoever opens it without a hub closes it. */
export async function openBlobStore(config: Config, log: Logger): Promise<BlobStore> {
  const folder = path.join(config.dataFolder, 'blobs')
  if (config.s3 === null) return await openDiskBlobStore({ folder })
  // Loaded here: a hub on a disk shall not pay for it.
  const { openS3BlobStore } = await import('./platform/blobs/s3-blob-store.ts')
  return await openS3BlobStore({ settings: config.s3, folder, log })
}
