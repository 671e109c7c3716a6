/** The sealed log of a database as one flow: each seal, its events in their order, its checkpoint. What lacks its seal comes where it would be. */
import type { Db } from '../../platform/db/database.ts'
import type { AuditCheckpointTable, AuditSealTable } from '../../platform/db/schema.ts'
import type { LogItem, SealedEntry } from './chain-check.ts'
import { type LogView, selectCheckpoints, selectEntries, selectSeals } from './log-queries.ts'
import { canonicalEvent } from './seal-format.ts'
import { selectEventsById } from './seal-queries.ts'

const rowsOfPage = 1000

/** All after the seal of the anchor; all there is where it is null. `view` is of one moment. */
export async function* readLog(view: LogView, dialect: Db['dialect'], anchor: number | null): AsyncGenerator<LogItem> {
  // A forger may have numbered below 1 too.
  const after = anchor ?? Number.MIN_SAFE_INTEGER
  const seals = await ahead(readSeals(view, after))
  const entries = await ahead(readEntries(view, dialect, after))
  const checkpoints = await ahead(readCheckpoints(view, after))
  for (;;) {
    const number = Math.min(
      seals.head?.number ?? Number.POSITIVE_INFINITY,
      entries.head?.seal ?? Number.POSITIVE_INFINITY,
      checkpoints.head?.number ?? Number.POSITIVE_INFINITY,
    )
    if (number === Number.POSITIVE_INFINITY) return
    for (; seals.head?.number === number; await seals.next()) yield { type: 'seal', seal: seals.head }
    for (; entries.head?.seal === number; await entries.next()) yield { type: 'entry', entry: entries.head }
    for (; checkpoints.head?.number === number; await checkpoints.next()) {
      yield { type: 'checkpoint', checkpoint: checkpoints.head }
    }
  }
}

async function* readSeals(view: LogView, from: number): AsyncGenerator<AuditSealTable> {
  for (let after = from; ; ) {
    const page = await selectSeals(view, after, rowsOfPage)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < rowsOfPage) return
    after = last.number
  }
}

async function* readCheckpoints(view: LogView, from: number): AsyncGenerator<AuditCheckpointTable> {
  for (let after = from; ; ) {
    const page = await selectCheckpoints(view, after, rowsOfPage)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < rowsOfPage) return
    after = last.number
  }
}

async function* readEntries(view: LogView, dialect: Db['dialect'], from: number): AsyncGenerator<SealedEntry> {
  for (let after = { seal: from, position: Number.MAX_SAFE_INTEGER, eventId: '' }; ; ) {
    const page = await selectEntries(view, after, rowsOfPage)
    const events = await selectEventsById(
      view,
      dialect,
      page.map(({ eventId }) => eventId),
    )
    const byId = new Map(events.map((event) => [event.id, event]))
    for (const row of page) {
      const event = byId.get(row.eventId)
      yield { ...row, event: event === undefined ? null : canonicalEvent(event) }
    }
    const last = page.at(-1)
    if (last === undefined || page.length < rowsOfPage) return
    after = last
  }
}

interface Ahead<T> {
  /** The item that comes next; undefined at the end. */
  readonly head: T | undefined
  next(): Promise<void>
}

async function ahead<T>(items: AsyncGenerator<T>): Promise<Ahead<T>> {
  let head: T | undefined
  const next = async (): Promise<void> => {
    const step = await items.next()
    head = step.done === true ? undefined : step.value
  }
  await next()
  return {
    get head() {
      return head
    },
    next,
  }
}
