/**
 * Which server gets the next call: by weight among those that are well, one that has room before one that has none. Kept in memory, for this
 * process: what is known of a server is forgotten with it.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { Backend } from './queries.ts'

/** A server that failed so often in a row is left alone for a while. */
const failuresToSkip = 3
const firstSkipMs = 5_000
const longestSkipMs = 300_000
/** Who was not called for as long is not looked at any more. */
const probedForMs = 3_600_000
/** How long a call waits for its turn. */
const turnLimitMs = 30_000
/** Servers that are remembered; those on which nothing goes on, and which are well, are forgotten first. */
const mostServers = 5_000

interface Waiting {
  take(): void
}

interface State {
  inUse: number
  readonly queue: Waiting[]
  failures: number
  /** Not asked before, unless there is no other. */
  skippedUntil: number
  /** Nobody answered there the last time that it failed: once somebody does, that is over. */
  isGone: boolean
  calledAt: number
  /** When it last began to answer a call. */
  workedAt: number
  probe: Probe | null
}

/** What a server said when it was asked whether it is well. */
export interface Probe {
  readonly at: number
  /** As part of a sentence about the server; null: it is well. */
  readonly fault: string | null
}

export interface Lease {
  readonly backend: Backend
  /** Whether it waited for others to end. */
  readonly waited: boolean
  release(): void
}

export interface Health {
  readonly failures: number
  readonly skippedUntil: number | null
  readonly probe: Probe | null
}

class Gateway {
  readonly #states = new Map<string, State>()
  readonly #most: number
  readonly #now: () => number

  constructor(most: number, now: () => number) {
    this.#most = most
    this.#now = now
  }

  /** The order in which servers are asked: drawn by weight; those that are left alone come last, whose time is over soonest first. */
  order(backends: readonly Backend[], random: () => number = Math.random): Backend[] {
    const now = this.#now()
    const until = ({ id }: Backend) => this.#states.get(id)?.skippedUntil ?? 0
    const well = backends.filter((backend) => until(backend) <= now)
    const skipped = backends.filter((backend) => until(backend) > now).sort((a, b) => until(a) - until(b))
    const drawn = well
      .map((backend) => ({ backend, draw: -Math.log(1 - random()) / backend.weight }))
      .sort((a, b) => a.draw - b.draw)
    return [...drawn.map(({ backend }) => backend), ...skipped]
  }

  /**
   * A place at the first of these that has room, else at the one with the shortest queue, once it is its turn. Throws `inference_busy` where the
   * queues are full, or the turn does not come; and what `signal` was aborted with.
   */
  async lease(ordered: readonly Backend[], signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted()
    const now = this.#now()
    const states = ordered.map((backend) => ({ backend, state: this.#stateOf(backend.id) }))
    const isWell = ({ state }: { state: State }) => state.skippedUntil <= now
    const candidates = states.some(isWell) ? states.filter(isWell) : states.slice(0, 1)
    const free = candidates.find(({ state }) => state.inUse < this.#most)
    if (free !== undefined) return this.#taken(free.backend, free.state, false)
    const [shortest] = candidates.toSorted((a, b) => a.state.queue.length - b.state.queue.length)
    if (shortest === undefined || shortest.state.queue.length >= this.#most) throw busy()
    await this.#turn(shortest.state, signal)
    return this.#taken(shortest.backend, shortest.state, true)
  }

  /** `isGone`: nobody answered there, as far as a server can be told from its address. */
  failed({ id }: Pick<Backend, 'id'>, { isGone }: { isGone: boolean }): void {
    const state = this.#stateOf(id)
    state.failures++
    state.isGone = isGone
    if (state.failures < failuresToSkip) return
    const skipMs = Math.min(firstSkipMs * 2 ** Math.min(state.failures - failuresToSkip, 20), longestSkipMs)
    state.skippedUntil = this.#now() + skipMs
  }

  worked({ id }: Pick<Backend, 'id'>): void {
    const state = this.#stateOf(id)
    state.failures = 0
    state.skippedUntil = 0
    state.isGone = false
    state.workedAt = this.#now()
  }

  /**
   * The servers that want to be looked at: called in the last hour, and none that answered a call in the last `quietMs`. Those that are left alone
   * come first, then those that were looked at longest ago.
   */
  toProbe(quietMs: number, limit: number): string[] {
    const now = this.#now()
    return [...this.#states]
      .filter(([, { calledAt, workedAt }]) => calledAt > now - probedForMs && workedAt <= now - quietMs)
      .map(([id, { skippedUntil, probe }]) => ({ id, isSkipped: skippedUntil > now, at: probe?.at ?? 0 }))
      .sort((a, b) => Number(b.isSkipped) - Number(a.isSkipped) || a.at - b.at)
      .slice(0, limit)
      .map(({ id }) => id)
  }

  /** A server that failed by wrong answers, and says that it is well, waits its time all the same. */
  probed(backend: Pick<Backend, 'id'>, fault: string | null): void {
    const state = this.#stateOf(backend.id)
    state.probe = { at: this.#now(), fault }
    if (fault !== null) this.failed(backend, { isGone: true })
    else if (state.isGone) {
      state.failures = 0
      state.skippedUntil = 0
      state.isGone = false
    }
  }

  /** It is a server of a model no more. */
  forget(id: string): void {
    const state = this.#states.get(id)
    if (state?.inUse === 0 && state.queue.length === 0) this.#states.delete(id)
  }

  healthOf({ id }: Backend): Health {
    const state = this.#states.get(id)
    const isSkipped = state !== undefined && state.skippedUntil > this.#now()
    const { failures = 0, probe = null } = state ?? {}
    return { failures, skippedUntil: isSkipped ? state.skippedUntil : null, probe }
  }

  /** For who watches over the hub: calls at servers, calls that wait, and servers that are left alone. */
  load(): { readonly running: number; readonly waiting: number; readonly skipped: number } {
    const now = this.#now()
    const states = [...this.#states.values()]
    const sum = (of: (state: State) => number): number => states.reduce((before, state) => before + of(state), 0)
    return {
      running: sum(({ inUse }) => inUse),
      waiting: sum(({ queue }) => queue.length),
      skipped: sum(({ skippedUntil }) => (skippedUntil > now ? 1 : 0)),
    }
  }

  #taken(backend: Backend, state: State, waited: boolean): Lease {
    // Whoever waited was handed the place of another.
    if (!waited) state.inUse++
    state.calledAt = this.#now()
    let isHeld = true
    return {
      backend,
      waited,
      release: () => {
        if (!isHeld) return
        isHeld = false
        const next = state.queue.shift()
        if (next === undefined) state.inUse--
        else next.take()
      },
    }
  }

  #turn(state: State, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown): void => {
        end()
        const at = state.queue.indexOf(waiting)
        if (at >= 0) state.queue.splice(at, 1)
        reject(reason)
      }
      const onAbort = (): void => leave(signal.reason)
      const timer = setTimeout(() => leave(busy()), turnLimitMs)
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      const waiting: Waiting = {
        take: () => {
          end()
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      state.queue.push(waiting)
    })
  }

  #stateOf(id: string): State {
    const known = this.#states.get(id)
    if (known !== undefined) return known
    if (this.#states.size >= mostServers) this.#forget()
    const state: State = {
      ...{ inUse: 0, queue: [], failures: 0, skippedUntil: 0 },
      ...{ isGone: false, calledAt: 0, workedAt: 0, probe: null },
    }
    this.#states.set(id, state)
    return state
  }

  #forget(): void {
    const now = this.#now()
    for (const [id, { inUse, queue, skippedUntil }] of this.#states) {
      if (inUse === 0 && queue.length === 0 && skippedUntil <= now) this.#states.delete(id)
    }
  }
}

export function busy(cause?: unknown): HoldfastError {
  return new HoldfastError('inference_busy', {}, { headers: { 'retry-after': '5' }, cause })
}

const gateways = new WeakMap<Hub, Gateway>()

/** One for each open hub. */
export function gatewayOf(hub: Hub): Gateway {
  const known = gateways.get(hub)
  if (known !== undefined) return known
  const gateway = new Gateway(hub.config.inferenceConcurrency, hub.clock.now)
  gateways.set(hub, gateway)
  return gateway
}
