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

  failed({ id }: Backend): void {
    const state = this.#stateOf(id)
    state.failures++
    if (state.failures < failuresToSkip) return
    const skipMs = Math.min(firstSkipMs * 2 ** Math.min(state.failures - failuresToSkip, 20), longestSkipMs)
    state.skippedUntil = this.#now() + skipMs
  }

  worked({ id }: Backend): void {
    const state = this.#stateOf(id)
    state.failures = 0
    state.skippedUntil = 0
  }

  healthOf({ id }: Backend): Health {
    const state = this.#states.get(id)
    const isSkipped = state !== undefined && state.skippedUntil > this.#now()
    return { failures: state?.failures ?? 0, skippedUntil: isSkipped ? state.skippedUntil : null }
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
    const state: State = { inUse: 0, queue: [], failures: 0, skippedUntil: 0 }
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
