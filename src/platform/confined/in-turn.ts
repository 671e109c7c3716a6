/**
 * One confined process that works on what strangers wrote, for one job after the other. A job that takes it too long or too much memory costs that
 * process, not the hub: it is replaced, and whoever asked is told. A thread would not do: V8 ends its whole process where one allocation of a thread
 * is too large, and 500 bytes of Parquet can ask for that. The process ends when nobody has needed it for a while.
 */
import type { Logger } from 'pino'
import { z } from 'zod'
import { type ConfinedProcess, startConfined, watchMemory } from './confined.ts'

/** `busy`: not begun, come again; `slow` and `broken`: the job is at fault; `unanswered`: what it asked the hub for did not come in time. */
export type Fault = 'busy' | 'slow' | 'broken' | 'unanswered'

/** What comes of something that the process said. */
export type Heard<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  /** It waits for this, which is sent to it; of that time not the job is at fault. */
  | { readonly kind: 'asked'; answer(): Promise<object> }
  /** It asked for what it may not have, as one that a file has taken over would. */
  | { readonly kind: 'out of line' }

export interface Program<Job, Said, Result> {
  /** For the log: `that shows files`. */
  readonly does: string
  /** Its module. It says `{say: 'ready'}` once it can be sent jobs. */
  readonly module: URL
  readonly heapMiB: number
  /** Bytes of the process as a whole: what lies outside of its heap counts too. */
  readonly mostMemory: number
  /** What it may say beside that it is ready. A process that a file has taken over may say anything: the rest is not listened to. */
  readonly says: z.ZodType<Said>
  /** What it is sent to begin. */
  message(job: Job): object
  /** Milliseconds of work; waiting for answers is counted apart. */
  limitMs(job: Job): number
  hear(said: Said, job: Job): Heard<Result>
}

export type Outcome<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly fault: Fault }

const startLimitMs = 10_000
const answersLimitMs = 15_000
const mostWaiting = 40
/** Nobody waits longer for their turn than this. */
const patienceMs = 8_000
const idleMs = 60_000
const watchMs = 100

interface Turn<Job, Result> {
  readonly job: Job
  readonly log: Logger
  settle(outcome: Outcome<Result>): void
}

const readyMessage = z.strictObject({ say: z.literal('ready') })

export class InTurn<Job, Said, Result> {
  readonly #program: Program<Job, Said, Result>
  readonly #queue: Turn<Job, Result>[] = []
  #worker: ConfinedProcess | null = null
  #isReady = false
  #current: Turn<Job, Result> | null = null
  #timer: NodeJS.Timeout | undefined
  #workedMs = 0
  #waitedMs = 0
  #since = 0

  constructor(program: Program<Job, Said, Result>) {
    this.#program = program
  }

  async run(log: Logger, job: Job): Promise<Outcome<Result>> {
    if (this.#queue.length >= mostWaiting) return { kind: 'failed', fault: 'busy' }
    const { promise, resolve } = Promise.withResolvers<Outcome<Result>>()
    const turn: Turn<Job, Result> = { job, log, settle: resolve }
    this.#queue.push(turn)
    const patience = setTimeout(() => {
      const place = this.#queue.indexOf(turn)
      if (place === -1) return
      this.#queue.splice(place, 1)
      resolve({ kind: 'failed', fault: 'busy' })
    }, patienceMs)
    this.#next()
    return await promise.finally(() => clearTimeout(patience))
  }

  #next(): void {
    // One that is starting has a limit of its own, which who comes meanwhile does not put off.
    if (this.#current !== null || (this.#worker !== null && !this.#isReady)) return
    clearTimeout(this.#timer)
    if (this.#worker === null) {
      this.#worker = this.#start(this.#queue[0]?.log ?? null)
      this.#limit(startLimitMs, 'busy')
      return
    }
    this.#current = this.#queue.shift() ?? null
    if (this.#current === null) {
      this.#timer = setTimeout(() => this.#end(), idleMs).unref()
      return
    }
    this.#workedMs = 0
    this.#waitedMs = 0
    this.#goOn(this.#current.job, this.#program.message(this.#current.job))
  }

  #limit(milliseconds: number, fault: Fault): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#giveUp(fault), Math.max(1, milliseconds))
  }

  /** The process works from now on, for what is left of its time. */
  #goOn(job: Job, message: object): void {
    this.#since = performance.now()
    this.#limit(this.#program.limitMs(job) - this.#workedMs, 'slow')
    this.#worker?.send(message)
  }

  #start(log: Logger | null): ConfinedProcess {
    const { does, module, heapMiB, mostMemory, says } = this.#program
    const started = startConfined({ module, heapMiB, isNative: false })
    // Out of memory, or a fault of ours: this job fails, the next one has a new process.
    const ended = (how: unknown): void => {
      if (started !== this.#worker) return
      log?.warn({ how }, `The process ${does} ended`)
      this.#giveUp('broken')
    }
    started.on('message', (message: unknown) => {
      if (started !== this.#worker) return
      if (readyMessage.safeParse(message).success) {
        this.#isReady = true
        this.#next()
        return
      }
      const { data: said } = says.safeParse(message)
      if (said === undefined) ended('it said what it never says')
      else this.#hear(said)
    })
    watchMemory(started, mostMemory, watchMs, () => {
      if (started === this.#worker && this.#current !== null) this.#giveUp('broken')
    })
    started.on('error', ended)
    started.on('exit', (code, signal) => ended({ code, signal }))
    return started
  }

  #hear(said: Said): void {
    const turn = this.#current
    if (turn === null) return
    const heard = this.#program.hear(said, turn.job)
    if (heard.kind === 'asked') void this.#answer(turn, heard.answer)
    else if (heard.kind === 'done') this.#finish(heard)
    else this.#giveUp('broken')
  }

  async #answer(turn: Turn<Job, Result>, answer: () => Promise<object>): Promise<void> {
    this.#workedMs += performance.now() - this.#since
    const asked = performance.now()
    this.#limit(answersLimitMs - this.#waitedMs, 'unanswered')
    let message: object
    try {
      message = await answer()
    } catch (error) {
      turn.log.warn({ error }, `The process ${this.#program.does} was not given what it asked for`)
      if (this.#current === turn) this.#giveUp('unanswered')
      return
    }
    if (this.#current !== turn) return
    this.#waitedMs += performance.now() - asked
    this.#goOn(turn.job, message)
  }

  #finish(outcome: Outcome<Result>): void {
    const done = this.#current
    this.#current = null
    done?.settle(outcome)
    this.#next()
  }

  /** The job in work has failed; where there is none, the process never came up, and whoever waits is told to come again. */
  #giveUp(fault: Fault): void {
    this.#end()
    const failed = this.#current === null ? this.#queue.splice(0) : [this.#current]
    const outcome = { kind: 'failed', fault: this.#current === null ? 'busy' : fault } as const
    this.#current = null
    for (const turn of failed) turn.settle(outcome)
    if (this.#queue.length > 0) this.#next()
  }

  #end(): void {
    clearTimeout(this.#timer)
    const ending = this.#worker
    this.#worker = null
    this.#isReady = false
    ending?.kill('SIGKILL')
  }
}
