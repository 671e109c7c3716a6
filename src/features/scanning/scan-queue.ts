/**
 * Scans what is queued, for as long as the server runs. The queue is a table: a content is claimed for a minute at a time, so that what a killed hub held is
 * taken up by another or by its next start. An attempt counts from its beginning, so a file that takes the whole hub with it ends in `error` as well.
 */
import { createHash } from 'node:crypto'
import type { Hub } from '../../hub.ts'
import type { ImportSetTable } from '../../platform/db/schema.ts'
import { backoffMs } from '../../platform/jobs/backoff.ts'
import { blot } from '../../platform/log/logger.ts'
import { levelOfAll } from './conclude.ts'
import { openContent } from './content.ts'
import {
  claimContent,
  deleteContent,
  deleteOldResults,
  type QueuedContent,
  renewClaim,
  selectDue,
  selectResults,
  setImportSet,
  settleContent,
  upsertResult,
} from './scan-queries.ts'
import { onQueued } from './scan-wake.ts'
import { type ImportSet, ScannerDown, type ScanReport } from './scanner.ts'
import { fingerprintOf, openScanners, type Ready, readyScanners, type ScannerSet } from './scanners.ts'
import { stopProtecting } from './secrets/push-protection.ts'
import { trapStored } from './secrets/trap-stored.ts'

export interface ScanQueue {
  /** Ends what is under way and returns it to the queue. */
  stop(): Promise<void>
}

export interface ScanQueueOptions {
  readonly set?: ScannerSet
  /** Default 60 000. */
  readonly claimMs?: number
  /** Default 5 000. */
  readonly pollMs?: number
}

/** Scans of one content that may end badly before it is given up. */
const mostAttempts = 4
/** Contents under scan at the same time, in clamd or waiting for the sandbox. */
const lanes = 2
const versionsMs = 5_000
const longestDownMs = 60_000
const tellAfterMs = 10_000

export function startScanning(hub: Hub, options: ScanQueueOptions = {}): ScanQueue {
  const queue = new Queue(hub, options)
  queue.start()
  return queue
}

/** The scanners that answered last, by hub: whether a result is old is a question of pages, which must not wait for a scanner. */
const known = new WeakMap<Hub, string>()

/** Null before the scanners have answered for the first time. */
export function currentScanners(hub: Hub): string | null {
  return known.get(hub) ?? null
}

class Queue implements ScanQueue {
  readonly #hub: Hub
  readonly #set: ScannerSet
  readonly #claimMs: number
  readonly #pollMs: number
  readonly #claim: string
  readonly #abort = new AbortController()
  readonly #running = new Map<string, Promise<void>>()
  #forget: () => void = () => undefined
  #round: Promise<void> | null = null
  #isWanted = false
  #timer: NodeJS.Timeout | undefined
  #asked: { at: number; answer: ReturnType<typeof readyScanners> } | null = null
  #downSince: number | null = null

  constructor(hub: Hub, options: ScanQueueOptions) {
    this.#hub = hub
    this.#set = options.set ?? openScanners(hub.config)
    this.#claimMs = options.claimMs ?? 60_000
    this.#pollMs = options.pollMs ?? 5_000
    this.#claim = hub.clock.id()
  }

  start(): void {
    this.#forget = onQueued(() => this.#look())
    this.#timer = setTimeout(() => this.#look(), 0)
    // Later, and only once: a hub that starts has better to do than to start a sandbox.
    setTimeout(() => this.#tellMissing(), tellAfterMs).unref()
  }

  #tellMissing(): void {
    if (this.#abort.signal.aborted) return
    this.#set.missing().then(
      (missing) => missing !== null && this.#hub.log.warn({ missing }, 'A scanner is missing'),
      (error: unknown) => {
        if (!this.#abort.signal.aborted)
          this.#hub.log.error({ err: error }, 'The sandbox of the scanners does not start')
      },
    )
  }

  async stop(): Promise<void> {
    this.#forget()
    clearTimeout(this.#timer)
    this.#abort.abort(new Error('The program stops.'))
    await this.#round
    await Promise.all([this.#set.close(), stopProtecting(this.#hub)])
    await Promise.all(this.#running.values())
  }

  #look(): void {
    if (this.#abort.signal.aborted) return
    if (this.#round !== null) {
      this.#isWanted = true
      return
    }
    clearTimeout(this.#timer)
    this.#round = this.#takeDue()
      .catch((error: unknown) =>
        this.#hub.log.error({ err: error }, 'Contents to scan could not be taken; trying again'),
      )
      .then(() => {
        this.#round = null
        if (this.#abort.signal.aborted) return
        const isWanted = this.#isWanted
        this.#isWanted = false
        if (isWanted) this.#look()
        else this.#timer = setTimeout(() => this.#look(), this.#pollMs)
      })
  }

  async #takeDue(): Promise<void> {
    const { db, clock } = this.#hub
    const free = lanes - this.#running.size
    if (free <= 0) return
    for (const queued of await selectDue(db, clock.now(), free * 2)) {
      if (this.#running.size >= lanes || this.#abort.signal.aborted) return
      if (this.#running.has(queued.content)) continue
      const now = clock.now()
      const isOurs = await this.#hub.transaction((tx) =>
        claimContent(tx, queued, this.#claim, now, now + this.#claimMs),
      )
      if (!isOurs) continue
      const run = this.#perform(queued)
        .catch((error: unknown) =>
          this.#hub.log.error(
            { err: error, content: queued.content },
            'The end of a scan could not be written; it will run again',
          ),
        )
        .finally(() => {
          this.#running.delete(queued.content)
          this.#look()
        })
      this.#running.set(queued.content, run)
    }
  }

  async #perform(queued: QueuedContent): Promise<void> {
    const { content } = queued
    if (queued.attempts >= mostAttempts) {
      // It was begun that often, and nobody lived to tell.
      await this.#giveUp(queued, 'Each scan of it ended together with the hub.')
      return
    }
    const renewal = setInterval(() => {
      const until = this.#hub.clock.now() + this.#claimMs
      this.#hub
        .transaction((tx) => renewClaim(tx, content, this.#claim, until))
        .catch((error: unknown) => this.#hub.log.error({ err: error }, 'The claim of a scan could not be renewed'))
    }, this.#claimMs / 3)
    try {
      await this.#scan(queued)
    } catch (error) {
      const words = blot(error instanceof Error ? error.message : String(error)).slice(0, 1_000)
      if (this.#abort.signal.aborted) await this.#putBack(queued, queued.attempts, this.#hub.clock.now(), null)
      else if (error instanceof ScannerDown) await this.#putBackDown(queued, words)
      else if (queued.attempts + 1 >= mostAttempts) await this.#giveUp(queued, words)
      else
        await this.#putBack(queued, queued.attempts + 1, this.#hub.clock.now() + backoffMs(queued.attempts + 1), words)
    } finally {
      clearInterval(renewal)
    }
  }

  /** Every scanner that answers says what it has not said yet. Throws `ScannerDown` at the end where one does not answer. */
  async #scan(queued: QueuedContent): Promise<void> {
    const { db } = this.#hub
    const { content } = queued
    const { ready, down } = await this.#ready()
    const earlier = await selectResults(db, [content])
    const left = ready.filter(
      ({ scanner, version }) => !earlier.some((one) => one.scanner === scanner.name && one.version === version),
    )
    if (left.length > 0) {
      const source = await openContent(this.#hub, content)
      if (source === 'nowhere') {
        await this.#hub.transaction((tx) => deleteContent(tx, content))
        return
      }
      try {
        let failure: unknown = null
        for (const one of left) {
          // One scanner that fails on a file does not keep the others from looking at it.
          try {
            const report = await one.scanner.scan(source, this.#abort.signal)
            // Before the result stands, so that a hub that is killed here looks again.
            if (report.tokenPlaces !== undefined) await trapStored(this.#hub, content, source, report.tokenPlaces)
            await this.#keep(content, one, report)
          } catch (error) {
            if (this.#abort.signal.aborted) throw error
            if (error instanceof ScannerDown) down.push(error.message)
            else failure ??= new Error(`${one.scanner.name}: ${error instanceof Error ? error.message : String(error)}`)
          }
        }
        if (failure !== null) throw failure
      } finally {
        source.close()
      }
    }
    if (down.length > 0) throw new ScannerDown(down.join(' '))
    this.#downSince = null
    const level = levelOfAll(await selectResults(db, [content])) ?? 'error'
    const now = this.#hub.clock.now()
    await this.#settle(content, {
      state: 'done',
      level,
      scanners: fingerprintOf(ready),
      reason: null,
      attempts: 0,
      dueAt: now,
      scannedAt: now,
    })
  }

  async #keep(content: string, { scanner, version }: Ready, report: ScanReport): Promise<void> {
    const { level, message, imports = [], importSet, secrets = [] } = report
    const scannedAt = this.#hub.clock.now()
    const result = {
      content,
      scanner: scanner.name,
      version,
      level,
      message,
      details: JSON.stringify({ imports, secrets }),
      scannedAt,
    }
    await this.#hub.transaction(async (tx) => {
      await upsertResult(tx, result)
      await deleteOldResults(tx, content, scanner.name, version)
      if (importSet !== undefined) await setImportSet(tx, content, importSetRow(importSet), scannedAt)
    })
  }

  /** What has been found already counts, whatever is still to come. */
  async #foundSoFar(content: string): Promise<{ level?: 'caution' | 'suspicious' | 'unsafe' }> {
    const level = levelOfAll(await selectResults(this.#hub.db, [content]))
    return level === null || level === 'safe' ? {} : { level }
  }

  async #putBack(queued: QueuedContent, attempts: number, dueAt: number, reason: string | null): Promise<void> {
    await this.#settle(queued.content, {
      state: 'queued',
      attempts,
      dueAt,
      reason,
      ...(await this.#foundSoFar(queued.content)),
    })
  }

  /** The longer a scanner is away, the more seldom it is asked for; the file is not to blame, so this is no attempt. */
  async #putBackDown(queued: QueuedContent, reason: string): Promise<void> {
    const now = this.#hub.clock.now()
    if (this.#downSince === null) this.#hub.log.warn({ reason }, 'A scanner is down; what waits for it stays queued')
    this.#downSince ??= now
    const waitMs = Math.min(longestDownMs, Math.max(1_000, (now - this.#downSince) / 2))
    await this.#putBack(queued, queued.attempts, now + waitMs, reason)
  }

  async #giveUp(queued: QueuedContent, reason: string): Promise<void> {
    this.#hub.log.warn({ content: queued.content, reason }, 'A file cannot be scanned')
    const found = await this.#foundSoFar(queued.content)
    await this.#settle(queued.content, {
      state: 'error',
      reason,
      level: found.level ?? 'error',
      scannedAt: this.#hub.clock.now(),
    })
  }

  async #settle(content: string, outcome: Parameters<typeof settleContent>[3]): Promise<void> {
    await this.#hub.transaction((tx) => settleContent(tx, content, this.#claim, outcome, this.#hub.clock.now()))
  }

  #ready(): ReturnType<typeof readyScanners> {
    const now = this.#hub.clock.now()
    if (this.#asked === null || now - this.#asked.at > versionsMs) {
      const answer = readyScanners(this.#set)
      this.#asked = { at: now, answer }
      answer.then(
        ({ ready, down }) => down.length === 0 && known.set(this.#hub, fingerprintOf(ready)),
        () => undefined,
      )
    }
    return this.#asked.answer.then(({ ready, down }) => ({ ready, down: [...down] }))
  }
}

function importSetRow(set: ImportSet | null): ImportSetTable | null {
  if (set === null) return null
  const imports = JSON.stringify(set.imports.toSorted((one, other) => (`${one}` < `${other}` ? -1 : 1)))
  const id = createHash('sha256').update(`${set.barred}\n${imports}`).digest('hex')
  return { id, imports, barred: set.barred }
}
