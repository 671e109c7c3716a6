/**
 * Up to so many Xet threads, each started when there is more to do than those at work, and ended when idle. Jobs that are under way, of all
 * callers together, are bounded: who comes later waits in turn, holding what it has and no more.
 */
import { Slots } from '../blobs/slots.ts'
import { BatchBuffers } from './batch-buffers.ts'
import { ThreadLink } from './thread-link.ts'
import type { JobName, SessionKind, XetJobs } from './xet-jobs.ts'
import { mostXorbsAtOnce } from './xet-workers.ts'

/** One at work, and what it goes on with while its answers are read. */
const jobsPerThread = 3
/** The scrub and the move of objects read xorbs too. */
const ownReaders = 2

export interface ThreadPoolOptions {
  readonly threads: number
  /** How long a thread is kept that nobody needs. */
  readonly idleMs: number
}

type SessionJob = {
  [Name in JobName]: XetJobs[Name]['input'] extends { readonly session: number } ? Name : never
}[JobName]
type WithoutSession<Input> = Omit<Input, 'session'>

export class ThreadPool {
  readonly #options: ThreadPoolOptions
  readonly #slots: Slots
  readonly #links = new Set<ThreadLink>()
  readonly buffers: BatchBuffers
  #sweeper: NodeJS.Timeout | null = null
  #lastSession = 0
  #isClosed = false

  constructor(options: ThreadPoolOptions) {
    this.#options = options
    const jobs = options.threads * jobsPerThread
    this.#slots = new Slots(jobs)
    this.buffers = new BatchBuffers(mostXorbsAtOnce + ownReaders + jobs)
  }

  get threads(): number {
    return this.#options.threads
  }

  /** Buffers that the input holds as a whole are gone afterwards. */
  run<Name extends JobName>(name: Name, input: XetJobs[Name]['input']): Promise<XetJobs[Name]['output']> {
    return this.#inTurn(() => this.#leastBusy().call(name, input))
  }

  /** Work with state, all of it in one thread. If the thread dies, so does the session. */
  openSession(kind: SessionKind): ThreadSession {
    const link = this.#leastBusy()
    const session = ++this.#lastSession
    link.sessions += 1
    // A thread that died is told by the next call.
    link.call('open', { session, kind }).catch(() => undefined)
    const turn: Turn = (job) => this.#inTurn(job)
    return new ThreadSession(link, session, turn)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    const links = [...this.#links]
    this.#links.clear()
    this.buffers.forget()
    await Promise.all(links.map((link) => link.end(new Error('The server is stopping.'))))
  }

  async #inTurn<Result>(job: () => Promise<Result>): Promise<Result> {
    await this.#slots.take()
    try {
      return await job()
    } finally {
      this.#slots.give()
    }
  }

  #leastBusy(): ThreadLink {
    if (this.#isClosed) throw new Error('The server is stopping.')
    let best: ThreadLink | null = null
    for (const link of this.#links) {
      if (!link.isAlive) this.#links.delete(link)
      else if (best === null || weight(link) < weight(best)) best = link
    }
    const isFull = this.#links.size >= this.#options.threads
    return best !== null && (weight(best) === 0 || isFull) ? best : this.#start()
  }

  #start(): ThreadLink {
    const link = new ThreadLink()
    this.#links.add(link)
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#options.idleMs / 2).unref()
    return link
  }

  #sweep(): void {
    const before = performance.now() - this.#options.idleMs
    for (const link of this.#links) {
      if (link.isAlive && (weight(link) > 0 || link.idleSince > before)) continue
      this.#links.delete(link)
      void link.end(new Error('This thread had nothing to do.'))
    }
    if (this.#links.size > 0 || this.#sweeper === null) return
    this.buffers.forget()
    clearInterval(this.#sweeper)
    this.#sweeper = null
  }
}

type Turn = <Result>(job: () => Promise<Result>) => Promise<Result>

/** A piece of work that keeps state in a thread. Always `close()` it. */
export class ThreadSession {
  readonly #link: ThreadLink
  readonly #session: number
  readonly #turn: Turn
  #isClosed = false

  constructor(link: ThreadLink, session: number, turn: Turn) {
    this.#link = link
    this.#session = session
    this.#turn = turn
  }

  call<Name extends SessionJob>(
    name: Name,
    input: WithoutSession<XetJobs[Name]['input']>,
  ): Promise<XetJobs[Name]['output']> {
    return this.#turn(() => this.#link.call(name, { ...input, session: this.#session }))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#link.sessions -= 1
    this.#link.call('close', { session: this.#session }).catch(() => undefined)
  }
}

function weight(link: ThreadLink): number {
  return link.load + link.sessions
}
