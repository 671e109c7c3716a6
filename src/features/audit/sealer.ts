/**
 * Seals committed events: orders them, hashes them into the chain, and signs checkpoints, outside of the transactions that write events.
 * One sealer at a time, by a lease that is prolonged by work (an idle hub writes nothing); should two work at once, the number of a seal
 * and the id of an event can be taken only once. Every event is found: new ones at once, those that committed late by looking back, and
 * whatever has an old id (a ref move that was settled after a crash) by rounds over the whole log.
 */
import { firstIdAt } from '../../domain/ids.ts'
import type { Hub } from '../../hub.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import type { AuditCheckpointTable, AuditSealTable, EventTable } from '../../platform/db/schema.ts'
import { findRemembered, remember } from './remembered.ts'
import {
  canonicalEvent,
  checkpointEveryMs,
  checkpointText,
  eventsPerSeal,
  hashEvent,
  hashSeal,
  isCheckpointDue,
  noHash,
} from './seal-format.ts'
import {
  dropLease,
  findLease,
  findNewestEventId,
  findSeal,
  type Head,
  insertCheckpoint,
  insertSeal,
  insertSealedEvents,
  type Lease,
  readHead,
  selectEventsById,
  selectUnsealedIds,
  writeLease,
} from './seal-queries.ts'

export interface Sealer {
  /** Seals what is committed, signs it, and ends. */
  stop(): Promise<void>
}

const tickMs = 500
const afterErrorMs = 5000
const leaseMs = 10_000
/** How far a look reaches back, and how often one does: most transactions are short, one may be open for ten seconds, clocks of replicas differ. */
const shortLookMs = 1000
const looks = [
  { reachMs: 15_000, everyMs: 5000 },
  { reachMs: 15 * 60_000, everyMs: 5 * 60_000 },
]
const longLookMs = 15 * 60_000
const roundEveryMs = 3_600_000
/** Rows that may be looked through on the event loop, and in one query of a worker. */
const rowsAtOnce = 1000
const rowsOfPage = 5000

/** For as long as the server runs. */
export function startSealer(hub: Hub): Sealer {
  const work = new Sealing(hub)
  let timer: NodeJS.Timeout | undefined
  let isStopping = false
  let current: Promise<void> = Promise.resolve()
  const next = (inMs: number): void => {
    if (!isStopping) timer = setTimeout(turn, inMs)
  }
  const turn = (): void => {
    current = work.tick().then(
      () => next(tickMs),
      (error: unknown) => {
        hub.log.error({ err: error }, 'The audit log could not be sealed; trying again')
        next(afterErrorMs)
      },
    )
  }
  next(tickMs)
  return {
    async stop() {
      isStopping = true
      clearTimeout(timer)
      await current
      await work.end().catch((error: unknown) => hub.log.error({ err: error }, 'The audit log could not be sealed'))
    },
  }
}

/** Seals and signs all that is committed now, for whoever cannot wait for the sealer. */
export async function sealNow(hub: Hub): Promise<void> {
  const work = new Sealing(hub)
  while (!(await work.sealAfter(''))) await new Promise((resolve) => setTimeout(resolve, 20))
  await work.sign()
  await work.end()
}

class Sealing {
  readonly #hub: Hub
  readonly #holder: string
  #lease: Lease | null = null
  #newest = ''
  #lookedAt: number
  readonly #reachedAt: number[] = []
  #activeAt = Number.NEGATIVE_INFINITY
  /** Where the round over all events goes on; null between rounds. */
  #round: string | null = ''
  #roundAt: number
  /** Null before the first look, and where all is signed. */
  #unsignedSince: number | null = 0
  #last: AuditSealTable | null = null

  constructor(hub: Hub) {
    this.#hub = hub
    this.#holder = hub.clock.id()
    this.#lookedAt = hub.clock.now()
    this.#roundAt = hub.clock.now()
  }

  async tick(): Promise<void> {
    const { db, clock } = this.#hub
    const now = clock.now()
    const lease = await findLease(db)
    if (lease !== null && lease.holder !== this.#holder && lease.until > now) return
    // An id of the far future, by a wrong clock or an evil hand, must not hide what comes before it.
    const newest = await findNewestEventId(db, firstIdAt(now + longLookMs))
    let from = Number.POSITIVE_INFINITY
    if (newest !== this.#newest) {
      this.#activeAt = now
      from = this.#lookedAt - shortLookMs
    }
    for (const [index, { reachMs, everyMs }] of looks.entries()) {
      // Once more after the last event: then nothing can be under way any more.
      if (now - this.#activeAt > reachMs + everyMs || now - (this.#reachedAt[index] ?? 0) < everyMs) continue
      this.#reachedAt[index] = now
      from = Math.min(from, now - reachMs)
    }
    if (from < now - longLookMs) this.#round ??= ''
    if (from <= now && !(await this.sealAfter(firstIdAt(Math.max(from, now - longLookMs))))) return
    this.#newest = newest
    this.#lookedAt = now
    await this.#continueRound(now)
    if (this.#unsignedSince !== null && now - this.#unsignedSince >= checkpointEveryMs) await this.sign()
  }

  async end(): Promise<void> {
    const lease = await findLease(this.#hub.db)
    const isOthers = lease !== null && lease.holder !== this.#holder && lease.until > this.#hub.clock.now()
    if (!isOthers) {
      await this.sealAfter(firstIdAt(this.#lookedAt - longLookMs))
      await this.sign()
    }
    const held = this.#lease
    if (held !== null) await this.#hub.transaction((tx) => dropLease(tx, held))
  }

  /** Seals what is unsealed after this id. False where another sealer was faster: the rest is its work. */
  async sealAfter(id: string): Promise<boolean> {
    let after: string | null = id
    while (after !== null) {
      const page: string | null | false = await this.#sealPage(after)
      if (page === false) return false
      after = page
    }
    return true
  }

  /** Gives the id up to which it has looked, null at the end. */
  async #sealPage(from: string): Promise<string | null | false> {
    const { db } = this.#hub
    // Few are read here, in a millisecond; of many the rest is read elsewhere, so that the event loop is not held up.
    const first = await selectUnsealedIds(db.read, from, rowsAtOnce)
    if (!(await this.#sealAll(first.ids))) return false
    if (first.until === null) return null
    const page = await selectUnsealedIds(db.list, first.until, rowsOfPage)
    return (await this.#sealAll(page.ids)) ? page.until : false
  }

  async #sealAll(ids: readonly string[]): Promise<boolean> {
    const { db } = this.#hub
    for (let at = 0; at < ids.length; at += eventsPerSeal) {
      const events = await selectEventsById(db.read, db.dialect, ids.slice(at, at + eventsPerSeal))
      if (events.length > 0 && !(await this.#seal(events))) return false
    }
    return true
  }

  async #continueRound(now: number): Promise<void> {
    if (this.#round === null) {
      if (now - this.#roundAt < roundEveryMs) return
      this.#round = ''
    }
    if (this.#round === '') this.#roundAt = now
    const page = await this.#sealPage(this.#round)
    if (page !== false) this.#round = page
  }

  async #seal(events: readonly EventTable[]): Promise<boolean> {
    const { db, clock, keys } = this.#hub
    const head = await readHead(db)
    await this.#watch(head)
    const base = {
      number: (head.seal?.number ?? 0) + 1,
      sealedAt: clock.now(),
      total: (head.seal?.total ?? 0) + events.length,
      previous: head.seal?.hash ?? noHash,
    }
    const sum = hashSeal(base)
    const entries = events.map((event): [string, string] => [event.id, hashEvent(canonicalEvent(event))])
    for (const [id, hash] of entries) sum.add(id, hash)
    const seal = { ...base, hash: sum.digest() }
    const unsigned = { count: (head.unsigned?.count ?? 0) + 1, firstAt: head.unsigned?.firstAt ?? seal.sealedAt }
    const checkpoint = isCheckpointDue(unsigned, seal.sealedAt) ? signed(keys, seal, seal.sealedAt) : null
    const lease = { holder: this.#holder, until: seal.sealedAt + leaseMs }
    try {
      const isMine = await this.#hub.transaction(async (tx) => {
        if (!(await insertSeal(tx, seal))) return false
        await insertSealedEvents(tx, db.dialect, seal.number, entries)
        if (checkpoint !== null) await insertCheckpoint(tx, checkpoint)
        await writeLease(tx, lease)
        return true
      })
      if (!isMine) return false
    } catch (error) {
      // Another one sealed these events in the seal before.
      if (isUniqueViolation(error)) return false
      throw error
    }
    this.#lease = lease
    this.#last = seal
    this.#unsignedSince = checkpoint === null ? unsigned.firstAt : null
    if (checkpoint !== null) await this.#remember(checkpoint)
    return true
  }

  /** A checkpoint of the last seal, unless it has one. */
  async sign(): Promise<void> {
    const { db, clock, keys } = this.#hub
    const head = await readHead(db)
    await this.#watch(head)
    this.#unsignedSince = null
    if (head.seal === null || head.unsigned === null) return
    const checkpoint = signed(keys, head.seal, clock.now())
    await this.#hub.transaction((tx) => insertCheckpoint(tx, checkpoint))
    await this.#remember(checkpoint)
  }

  async #remember(checkpoint: AuditCheckpointTable): Promise<void> {
    const { db, config, log } = this.#hub
    const { number, hash, total } = checkpoint
    // Where logs are kept elsewhere, this line is a checkpoint that nobody can take back.
    log.info({ number, hash, total }, 'Signed the audit log')
    const before = await findRemembered(config.dataFolder)
    if (before !== null) {
      const seal = before === 'unreadable' ? null : await findSeal(db, before.number)
      if (before === 'unreadable' || seal?.hash !== before.hash) {
        log.error('The audit log does not continue what this hub has signed before. Run "holdfast audit verify".')
        return
      }
      if (before.number >= number) return
    }
    await remember(config.dataFolder, checkpoint)
  }

  /** Says so when the end of the chain is not where this sealer left it. */
  async #watch(head: Head): Promise<void> {
    const last = this.#last
    if (last === null || (head.seal?.number === last.number && head.seal.hash === last.hash)) return
    this.#last = head.seal
    if ((await findSeal(this.#hub.db, last.number))?.hash === last.hash) return
    this.#hub.log.error({ seal: last.number, hash: last.hash }, 'A seal of the audit log is gone or was replaced')
  }
}

function signed(keys: Hub['keys'], { number, hash, total }: AuditSealTable, madeAt: number): AuditCheckpointTable {
  const [key] = keys.signingKeys('audit-checkpoint')
  const facts = { number, hash, total, madeAt }
  return { ...facts, keyId: key.id, signature: key.sign(checkpointText(facts)) }
}
