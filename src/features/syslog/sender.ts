/**
 * Tells a syslog receiver what happens on this hub, from the sealed audit log: in its order, at least once. The log is the queue, so that
 * neither a receiver that is away nor a crash loses anything, and nothing is gathered in memory: each connection sends what there is, and
 * the cursor moves when the receiver has read it (`confirm`). While nothing happens there is no connection and nothing is written.
 */
import type { Hub } from '../../hub.ts'
import {
  connectSyslog,
  type SyslogConnection,
  SyslogFault,
  type SyslogTarget,
} from '../../platform/syslog/connection.ts'
import { framed } from '../../platform/syslog/rfc5424.ts'
import { readLogEnds } from '../audit/service.ts'
import { type Batch, nextMessages } from './next-messages.ts'
import { type Cursor, findState, insertState, replaceState, type Stored, type SyslogState } from './queries.ts'

const lookEveryMs = 1_000
/** A connection sends for so long, and so many messages; then it is confirmed. */
const sendForMs = 3_000
const messagesPerConnection = 5_000
/** Longer than connecting, sending, one stall and the confirmation take together. */
const leaseMs = 60_000
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** The place of a reader that nobody is told of: written so seldom. */
const skipEveryMs = 60_000
/** For what is left when the hub stops. */
const drainMs = 5_000

export interface Sender {
  /** Sends what is sealed, within five seconds, and ends. */
  stop(): Promise<void>
}

export function startSyslog(hub: Hub): Sender {
  const { syslog: target } = hub.config
  if (target === null) return { stop: () => Promise.resolve() }
  const work = new Sending(hub, target)
  let timer: NodeJS.Timeout | undefined
  let isStopping = false
  let current: Promise<unknown> = Promise.resolve()
  const turn = (): Promise<boolean> =>
    work.turn().catch((error: unknown) => {
      hub.log.error({ err: error }, 'Syslog could not be served; trying again')
      return false
    })
  const next = (inMs: number): void => {
    if (isStopping) return
    timer = setTimeout(() => {
      current = turn().then((isMore) => next(isMore ? 0 : lookEveryMs))
    }, inMs)
  }
  // The first look at once: what happens from now on is told.
  next(0)
  return {
    async stop() {
      isStopping = true
      clearTimeout(timer)
      const late = setTimeout(() => work.cut(), drainMs)
      work.hurry()
      await current
      while (!work.isCut && (await turn())) {
        // Until nothing is left.
      }
      clearTimeout(late)
    },
  }
}

class Sending {
  readonly #hub: Hub
  readonly #target: SyslogTarget
  readonly #holder: string
  #connection: SyslogConnection | null = null
  #isHurried = false
  #wake: (() => void) | null = null
  /** Behind the stored cursor lies nothing that anybody asked for, up to here. */
  #ahead: { readonly text: string; readonly cursor: Cursor } | null = null
  #skippedAt = 0
  isCut = false

  constructor(hub: Hub, target: SyslogTarget) {
    this.#hub = hub
    this.#target = target
    this.#holder = hub.clock.id()
  }

  /** No more waiting for what may come. */
  hurry(): void {
    this.#isHurried = true
    this.#wake?.()
  }

  cut(): void {
    this.isCut = true
    this.#connection?.close('The hub stopped.')
  }

  /** True: there is more to do at once. */
  async turn(): Promise<boolean> {
    const { db, clock } = this.#hub
    const stored = await findState(db)
    if (stored === null) {
      await this.#begin()
      return false
    }
    const now = clock.now()
    const { state } = stored
    if (state.nextAt > now || (state.leaseUntil > now && state.holder !== this.#holder)) return false
    const from = this.#ahead?.text === stored.text ? this.#ahead.cursor : state.cursor
    const batch = await nextMessages(this.#hub, from)
    if (batch.messages.length === 0) {
      await this.#skip(stored, batch.cursor, now)
      return batch.isFull
    }
    const held = await this.#replace(stored, { ...state, holder: this.#holder, leaseUntil: now + leaseMs })
    return held !== null && (await this.#serve(held, batch))
  }

  /** The first time: what was before is in the log, and is not told. */
  async #begin(): Promise<void> {
    const { seal, position, downloadSeal } = await readLogEnds(this.#hub.db)
    const cursor = { seal, position, downloadSeal: downloadSeal + 1, downloadId: '' }
    const idle = { holder: null, leaseUntil: 0, nextAt: 0, failures: 0 }
    const state: SyslogState = { cursor, ...idle, failingSince: null, lastError: null, lastSentAt: null }
    await this.#hub.transaction((tx) => insertState(tx, state))
  }

  async #skip(stored: Stored, cursor: Cursor, now: number): Promise<void> {
    const { seal, position } = stored.state.cursor
    if (cursor.seal === seal && cursor.position === position) return
    this.#ahead = { text: stored.text, cursor }
    if (now - this.#skippedAt < skipEveryMs) return
    this.#skippedAt = now
    await this.#replace(stored, { ...stored.state, cursor })
  }

  async #replace(stored: Stored, state: SyslogState): Promise<Stored | null> {
    return await this.#hub.transaction((tx) => replaceState(tx, stored, state))
  }

  async #serve(held: Stored, batch: Batch): Promise<boolean> {
    const { log, clock, config } = this.#hub
    const { state } = held
    const free = { holder: null, leaseUntil: 0 }
    try {
      this.#connection = await connectSyslog(this.#target, config.syslogCa)
      if (this.isCut) this.cut()
      const cursor = await this.#sendAll(this.#connection, batch)
      const fine = { failures: 0, failingSince: null, lastError: null, nextAt: 0, lastSentAt: clock.now() }
      if ((await this.#replace(held, { ...state, ...free, ...fine, cursor })) === null) return false
      if (state.failures > 0) log.info({ since: state.failingSince }, 'The syslog receiver takes messages again')
      return true
    } catch (error) {
      if (!(error instanceof SyslogFault)) {
        await this.#replace(held, { ...state, ...free })
        throw error
      }
      const now = clock.now()
      const failures = state.failures + 1
      const nextAt = now + Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 10))
      const failed = { failures, failingSince: state.failingSince ?? now, lastError: error.reason, nextAt }
      if (!this.isCut) {
        const level = failures === 1 ? 'error' : 'debug'
        log[level]({ reason: error.reason }, 'The syslog receiver takes nothing; what happens waits in the audit log')
      }
      await this.#replace(held, this.isCut ? { ...state, ...free } : { ...state, ...free, ...failed })
      return false
    } finally {
      this.#connection?.close('It is done.')
      this.#connection = null
    }
  }

  /** Gives the place that the receiver has read up to. */
  async #sendAll(connection: SyslogConnection, first: Batch): Promise<Cursor> {
    const until = performance.now() + sendForMs
    let batch = first
    let { cursor } = first
    let count = 0
    for (;;) {
      for (const message of batch.messages) {
        await connection.send(framed(message.bytes))
        count++
        cursor = message.cursor
        // A slow reader may not outlast the lease.
        if (performance.now() >= until) return await confirmed(connection, cursor)
      }
      cursor = batch.cursor
      if (count >= messagesPerConnection || performance.now() >= until) break
      if (!batch.isFull) {
        if (this.#isHurried) break
        await this.#pause(Math.min(500, until - performance.now()))
      }
      batch = await nextMessages(this.#hub, cursor)
    }
    return await confirmed(connection, cursor)
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }
}

async function confirmed(connection: SyslogConnection, cursor: Cursor): Promise<Cursor> {
  await connection.confirm()
  return cursor
}
