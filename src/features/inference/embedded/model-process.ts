/**
 * The life of the process that runs models: started when it is needed, watched while it works, and started again after it ended, later each time.
 * A thread would not do: native code that crashes takes its whole process with it.
 */
import type { Logger } from 'pino'
import { type ConfinedProcess, startConfined, watchMemory } from '../../../platform/confined/confined.ts'
import { type FromProcess, fromProcess, type ToProcess } from './job.ts'

/** The library is not installed, or does not run on this machine. */
export class LibraryMissing extends Error {}
/** It ended, or does not start. */
export class ProcessEnded extends Error {}

export interface ProcessOptions {
  /** The package that runs models. */
  readonly library: string
  /** What it reads models from. */
  readonly folder: string
  /** Resident bytes of the whole process. */
  readonly mostMemory: number
  readonly log: Logger
  hear(message: FromProcess): void
  /** Whatever it worked on is lost. */
  onEnd(error: ProcessEnded): void
}

const startLimitMs = 30_000
const heapMiB = 1_024
const watchMs = 250
const firstPauseMs = 500
const longestPauseMs = 60_000
/** A library that was not there is looked for again. */
const missingKeptMs = 30_000

export class ModelProcess {
  readonly #options: ProcessOptions
  #child: ConfinedProcess | null = null
  #ready: Promise<void> | null = null
  /** In a row, without a call that worked in between. */
  #failures = 0
  #notBefore = 0
  #missing: { readonly error: LibraryMissing; readonly until: number } | null = null
  #isStopped = false

  constructor(options: ProcessOptions) {
    this.#options = options
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Until when it is not started, after it ended too often; 0 where it may be. */
  get pausedUntil(): number {
    return this.#child === null && this.#notBefore > Date.now() ? this.#notBefore : 0
  }

  /** Settles when it can work. Throws `LibraryMissing` and `ProcessEnded`. */
  async start(): Promise<void> {
    if (this.#missing !== null && this.#missing.until > Date.now()) throw this.#missing.error
    if (this.#isStopped) throw new ProcessEnded('The hub is stopping.')
    if (this.pausedUntil > 0) throw new ProcessEnded('It ended several times, and is started again in a moment.')
    this.#ready ??= this.#begin()
    await this.#ready
  }

  send(message: ToProcess): void {
    const child = this.#child
    if (child?.connected !== true) return
    child.send(message, (error) => error && this.#end(child, `it cannot be reached (${error.message})`))
  }

  /** A call worked: what went wrong before counts no more. */
  worked(): void {
    this.#failures = 0
  }

  /** It is of no more use. */
  kill(why: string): void {
    if (this.#child !== null) this.#end(this.#child, why)
  }

  /** Nobody needs it now. */
  rest(): void {
    const child = this.#child
    this.#child = null
    this.#ready = null
    child?.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const child = this.#child
    if (child === null) return
    child.ref()
    const ended = new Promise((resolve) => child.once('exit', resolve))
    this.#end(child, 'the hub is stopping')
    if (child.exitCode === null && child.signalCode === null) await ended
  }

  #begin(): Promise<void> {
    const { library, folder, mostMemory, log, hear } = this.#options
    const file = import.meta.url.endsWith('.ts') ? './embedded-process.ts' : './embedded-process.js'
    const module = new URL(file, import.meta.url)
    const child = startConfined({ module, arguments: [library], heapMiB, isNative: true, folder })
    this.#child = child
    watchMemory(child, mostMemory, watchMs, () =>
      this.#end(child, `it took more than ${mostMemory >> 20} MiB of memory`),
    )
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(child, 'it did not start in time'), startLimitMs).unref()
      child.on('message', (said: unknown) => {
        const { data: message } = fromProcess.safeParse(said)
        if (child !== this.#child) return
        if (message === undefined) this.#end(child, 'it said what no such process says')
        else if (message.say === 'ready') {
          clearTimeout(timer)
          resolve()
        } else if (message.say === 'missing') {
          const error = new LibraryMissing(message.why)
          this.#missing = { error, until: Date.now() + missingKeptMs }
          log.warn({ reason: message.why }, 'The library that runs models cannot be used')
          clearTimeout(timer)
          reject(error)
          this.rest()
        } else hear(message)
      })
      const ended = (how: string): void => {
        clearTimeout(timer)
        this.#end(child, how)
        reject(new ProcessEnded(`It does not start: ${how}.`))
      }
      child.once('error', (error) => ended(error.message))
      child.once('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`))
    })
  }

  #end(child: ConfinedProcess, how: string): void {
    child.kill('SIGKILL')
    if (child !== this.#child) return
    this.#child = null
    this.#ready = null
    if (!this.#isStopped) {
      const pauseMs = this.#failures === 0 ? 0 : Math.min(firstPauseMs * 2 ** (this.#failures - 1), longestPauseMs)
      this.#failures++
      this.#notBefore = Date.now() + pauseMs
      this.#options.log.error({ how, failures: this.#failures, pauseMs }, 'The process that runs models ended')
    }
    this.#options.onEnd(new ProcessEnded(`It ended: ${how}.`))
  }
}
