/**
 * What was called: a call leaves a note in memory, and the notes of a second are written together, so that no caller waits. A crash loses the last
 * second. What was asked and what was answered is in none of them.
 */
import { firstIdAt } from '../../domain/ids.ts'
import { monthOf } from '../../domain/inference-limits.ts'
import type { Hub } from '../../hub.ts'
import type { InferenceUsageTable } from '../../platform/db/schema.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { Flusher } from '../downloads/service.ts'
import { inferenceMetricsOf } from './inference-metrics.ts'
import { addToMonths, deleteMonthsBefore } from './limit-queries.ts'
import { deleteUsageBefore, insertUsage } from './queries.ts'
import { type Counted, monthsIn, spendingOf, tokensOf } from './spending.ts'

const flushMs = 1_000
/** Written at once when as many have gathered; and as many at once, which keeps a statement within what PostgreSQL takes. */
const manyNotes = 500
/** While the database cannot be written. Beyond that calls are not recorded, and the log says how many. */
const mostNotes = 50_000
const dayMs = 86_400_000
const rowsAtOnce = 1_000
const queue = 'forget-inference-usage'

class UsageBook {
  readonly #hub: Hub
  #notes: Counted[] = []
  #lost = 0
  readonly #flusher: Flusher

  constructor(hub: Hub) {
    this.#hub = hub
    const tell = (error: unknown): void =>
      hub.log.error({ error, waiting: this.#notes.length }, 'Calls of models could not be written down')
    this.#flusher = new Flusher(() => this.#write(), tell, flushMs)
  }

  /** `heldTokens`: what is held against limits of tokens, where it is not what the server told. */
  note(call: InferenceUsageTable, heldTokens = tokensOf(call)): void {
    const counted = { call, heldTokens }
    spendingOf(this.#hub).ended(counted)
    inferenceMetricsOf(this.#hub).ended(call)
    if (this.#notes.length >= mostNotes) this.#lost++
    else this.#notes.push(counted)
    this.#flusher.soon(this.#notes.length === manyNotes ? 0 : flushMs)
  }

  /** Throws where it cannot be written, and keeps it. */
  flush(): Promise<void> {
    return this.#flusher.now()
  }

  async #write(): Promise<void> {
    while (this.#notes.length > 0) {
      const batch = this.#notes.slice(0, manyNotes)
      const added = monthsIn(batch)
      const sums = await this.#hub.transaction(async (tx) => {
        await insertUsage(
          tx,
          batch.map(({ call }) => call),
        )
        return await addToMonths(tx, added)
      })
      this.#notes.splice(0, batch.length)
      spendingOf(this.#hub).written(added, sums)
    }
    if (this.#lost === 0) return
    this.#hub.log.error(
      { lost: this.#lost },
      'Calls of models were not recorded: the database could not be written for too long',
    )
    this.#lost = 0
  }

  async stop(): Promise<void> {
    await this.#flusher.stop().catch((error: unknown) => {
      this.#hub.log.error(
        { error, lost: this.#notes.length },
        'Calls of models in the last moments could not be written down',
      )
    })
  }
}

const books = new WeakMap<Hub, UsageBook>()

/** One for each open hub. */
export function usageBookOf(hub: Hub): UsageBook {
  const known = books.get(hub)
  if (known !== undefined) return known
  const book = new UsageBook(hub)
  books.set(hub, book)
  return book
}

/** As long as the server runs; `stop` writes what is left. */
export function startUsageRecords(hub: Hub): { stop(): Promise<void> } {
  // Also what nobody called yet is told.
  inferenceMetricsOf(hub)
  return { stop: () => usageBookOf(hub).stop() }
}

export function usageJobs(hub: Hub): JobHandlers {
  return { [queue]: (_payload, signal) => forgetUsage(hub, signal) }
}

/** Once at start: a job that waits already is left as it is. */
export async function scheduleForgettingUsage(hub: Hub): Promise<void> {
  await ensureEnqueued(hub.db, queue, null, { dedupKey: 'next', runAt: hub.clock.now() + dayMs })
}

/** A thousand at a time, so that no writer waits long for it. */
async function forgetUsage(hub: Hub, signal: AbortSignal): Promise<void> {
  await scheduleForgettingUsage(hub)
  const { inferenceUsageDays } = hub.config
  if (inferenceUsageDays === 0) return
  const oldest = hub.clock.now() - inferenceUsageDays * dayMs
  const before = firstIdAt(oldest)
  await inParts(signal, () => hub.transaction((tx) => deleteUsageBefore(tx, before, rowsAtOnce)))
  // The sums of this month stay, however short records are kept: limits are held against them.
  const month = Math.min(monthOf(oldest).key, monthOf(hub.clock.now()).key)
  await inParts(signal, () => hub.transaction((tx) => deleteMonthsBefore(tx, month, rowsAtOnce)))
}

async function inParts(signal: AbortSignal, remove: () => Promise<number>): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    if ((await remove()) < rowsAtOnce) return
  }
}
