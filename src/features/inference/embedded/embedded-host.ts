/**
 * Models that this hub runs by itself: each is loaded once, however many callers wait for it, and calls are handed to the process that has it. Kept in
 * memory, for this process of the hub.
 */
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { HoldfastError } from '../../../domain/errors.ts'
import { busy } from '../gateway.ts'
import { Held, HeldModels, type ModelState, type Source } from './held-models.ts'
import type { FromProcess, Job } from './job.ts'
import { type ModelPlan, notRunnable } from './model-files.ts'
import { LibraryMissing, ModelProcess, ProcessEnded } from './model-process.ts'
import { Turns } from './turns.ts'

export interface Ran {
  readonly result: unknown
  readonly tokensIn: number
  readonly tokensOut: number
}

export interface Waiting {
  readonly signal: AbortSignal
  /** How long a call waits for its model to be loaded. */
  readonly patienceMs: number
  onText?(text: string): void
  /** Where it had to wait: right before it is run. What it throws ends the call. */
  onTurn?(): Promise<unknown>
}

export interface HostOptions {
  readonly folder: string
  /** Bytes that models take together. */
  readonly memory: number
  /** Calls that wait. */
  readonly mostWaiting: number
  /** Without a word of the process. */
  readonly timeLimitMs: number
  readonly log: Logger
  readonly library?: string
}

interface Running {
  readonly held: Held
  heard(): void
  onText(text: string): void
  resolve(ran: Ran): void
  reject(error: unknown): void
}

export const libraryName = '@huggingface/transformers'
/** Calls that the process has at once: it goes from one to the other between two steps of each. */
const atOnce = 4
/** Beside the models: the program itself, and what calls take while they run. */
const besideModels = 1 << 30
const loadLimitMs = 300_000
const turnLimitMs = 30_000
/** For a call to end that nobody waits for any more. */
const stopLimitMs = 15_000
const failedKeptMs = 20_000
/** So long it is told afterwards that a model failed, and why. */
const toldMs = 600_000
/** Models that are remembered at once; those that failed go first. */
const mostRemembered = 1_000
/** A model with which the process ended so often in a row is left alone. */
const mostCrashes = 3
const crashedKeptMs = 300_000

export class EmbeddedHost {
  readonly #options: HostOptions
  readonly #process: ModelProcess
  readonly #models: HeldModels
  readonly #running = new Map<number, Running>()
  readonly #turns: Turns
  readonly #crashes = new Map<string, { count: number; until: number }>()
  #loadTurn: Promise<unknown> = Promise.resolve()
  /** Models on their way into memory, also such as were removed meanwhile. */
  #underLoad = 0
  #asked: { readonly held: Held; resolve(memory: number): void; reject(error: unknown): void } | null = null
  #lastId = 0
  #loads = 0

  constructor(options: HostOptions) {
    this.#options = options
    this.#turns = new Turns(atOnce, options.mostWaiting, turnLimitMs)
    this.#models = new HeldModels(options.memory, (key) => this.#process.send({ do: 'unload', key }))
    this.#process = new ModelProcess({
      library: options.library ?? libraryName,
      folder: options.folder,
      mostMemory: options.memory + besideModels,
      log: options.log,
      hear: (message) => this.#hear(message),
      onEnd: (error) => this.#lose(error),
    })
  }

  get pid(): number | null {
    return this.#process.pid
  }

  /** How often a model was loaded. */
  get loads(): number {
    return this.#loads
  }

  /** Calls that the process works on. */
  get underWay(): number {
    return this.#running.size
  }

  /** Bytes of what is loaded. */
  get memory(): number {
    return this.#models.memory
  }

  /** What is in memory, or on its way there. */
  get sources(): readonly Source[] {
    return this.#models.all().map(({ source }) => source)
  }

  statesOf(repoId: string): ModelState[] {
    const ofRepo = this.#models.all().filter(({ source }) => source.repoId === repoId)
    return ofRepo.map((held) => held.present())
  }

  /**
   * Throws `embedded_missing`, `embedded_failed`, `model_not_runnable`, `model_loading`, `inference_busy`, `bad_request`, `backend_failed`, and what
   * `signal` was aborted with.
   */
  async run(source: Source, job: Job, waiting: Waiting): Promise<Ran> {
    const { signal } = waiting
    signal.throwIfAborted()
    const held = this.#heldOf(source)
    if (held.users >= this.#options.mostWaiting + atOnce) throw busy()
    held.enter()
    try {
      const isCold = held.state === 'loading'
      if (isCold) await this.#loaded(held, waiting)
      const turn = await this.#turns.take(signal)
      let isHandedOver = false
      try {
        if (isCold || turn.waited) await waiting.onTurn?.()
        signal.throwIfAborted()
        isHandedOver = true
        return await this.#perform(held, job, waiting, turn.release)
      } finally {
        if (!isHandedOver) turn.release()
      }
    } catch (error) {
      throw asTold(error)
    } finally {
      held.leave()
    }
  }

  /** Takes a repo's models out of memory; `keep`: but those of this commit. */
  unload(repoId: string, keep?: string): void {
    for (const held of this.#models.all()) {
      if (held.source.repoId !== repoId || held.source.commit === keep) continue
      // One that is being loaded leaves when it is.
      if (held.state === 'loading') held.loading.then(() => this.#models.evict(held), ignored)
      else if (held.state === 'loaded') void this.#models.evict(held)
      this.#models.remove(held)
    }
  }

  /** Forgets what failed long ago; and without a model there is no process. */
  tidy(): void {
    const now = Date.now()
    for (const held of this.#models.all())
      if (held.state === 'failed' && held.until < now - toldMs) this.#models.remove(held)
    for (const [key, { until }] of this.#crashes) if (until < now) this.#crashes.delete(key)
    const isIdle = this.#models.all().every(({ state }) => state === 'failed') && this.#running.size === 0
    if (isIdle && this.#underLoad === 0 && this.#models.memory === 0) this.#process.rest()
  }

  async stop(): Promise<void> {
    await this.#process.stop()
    await rm(this.#options.folder, { recursive: true, force: true })
  }

  #heldOf(source: Source): Held {
    const key = `${source.repoId} ${source.commit} ${source.head}`
    const crashed = this.#crashes.get(key)
    if (crashed !== undefined && crashed.count >= mostCrashes && crashed.until > Date.now()) {
      throw notRunnable(
        `the process that runs models ended with it ${crashed.count} times. It is tried again in some minutes.`,
      )
    }
    const known = this.#models.get(key)
    if (known?.state === 'failed' && known.until > Date.now()) throw asTold(known.error)
    if (known !== null && known.state !== 'failed') return known
    if (this.#models.all().length >= mostRemembered) this.#forgetFailed()
    const held = new Held(key, source)
    this.#models.add(held)
    // One after the other: each needs the memory that those before it left.
    this.#underLoad++
    held.loading = this.#loadTurn.then(() => this.#load(held)).finally(() => this.#underLoad--)
    this.#loadTurn = held.loading.catch(ignored)
    return held
  }

  #forgetFailed(): void {
    for (const held of this.#models.all()) if (held.state === 'failed') this.#models.remove(held)
  }

  /** Waits as long as the caller does. */
  async #loaded(held: Held, { signal, patienceMs }: Waiting): Promise<void> {
    let leave: () => void = () => undefined
    const left = new Promise<never>((_resolve, reject) => {
      const timer = setTimeout(() => reject(stillLoading(held)), patienceMs)
      const onAbort = (): void => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      leave = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
    })
    try {
      await Promise.race([held.loading, left])
    } finally {
      leave()
    }
  }

  async #load(held: Held): Promise<void> {
    const { source } = held
    try {
      const plan = await source.plan()
      held.of = plan.bytes
      await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
      await this.#process.start()
      await this.#models.makeRoom(plan.weights, held)
      held.memory = plan.weights
      const grown = await this.#laidOut(held, plan, (folder) => this.#askToLoad(held, plan, folder))
      held.memory = Math.max(plan.weights, grown)
      held.state = 'loaded'
      this.#loads++
    } catch (error) {
      held.state = 'failed'
      held.memory = 0
      held.error = error
      held.until = Date.now() + (error instanceof ProcessEnded ? 0 : failedKeptMs)
      throw error
    }
    // What it was before is not called any more.
    for (const other of this.#models.all()) {
      const { repoId, head } = other.source
      if (repoId === source.repoId && head === source.head && other !== held && other.state === 'loaded')
        void this.#models.evict(other)
    }
    await this.#models.makeRoom(0, held)
  }

  /** Copies lie there only while they are read: what is held or removed later has none. */
  async #laidOut<T>(held: Held, plan: ModelPlan, use: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(path.join(this.#options.folder, 'model-'))
    try {
      for (const file of plan.files) {
        const to = path.join(folder, file.path)
        await mkdir(path.dirname(to), { recursive: true })
        const pieces = await held.source.open(file)
        await pipeline(pieces, noted(held), createWriteStream(to, { flags: 'wx', mode: 0o600 }))
      }
      return await use(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #askToLoad(held: Held, plan: ModelPlan, folder: string): Promise<number> {
    await this.#process.start()
    const timer = setTimeout(() => this.#process.kill('a model took too long to load'), loadLimitMs).unref()
    try {
      return await new Promise<number>((resolve, reject) => {
        this.#asked = { held, resolve, reject }
        const { dtype, subfolder, pooling } = plan
        this.#process.send({ do: 'load', key: held.key, folder, head: held.source.head, dtype, subfolder, pooling })
      })
    } finally {
      clearTimeout(timer)
      this.#asked = null
    }
  }

  /** Settles when the process has answered, or the caller has left; its place is free when the process is done with it. */
  #perform(held: Held, job: Job, { signal, onText }: Waiting, release: () => void): Promise<Ran> {
    const id = ++this.#lastId
    const { timeLimitMs } = this.#options
    // The process may have ended while it waited.
    if (held.state !== 'loaded') {
      release()
      return Promise.reject(held.error)
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout
      const leave = (reason: unknown): void => {
        clearTimeout(timer)
        this.#process.send({ do: 'cancel', id })
        timer = setTimeout(() => this.#process.kill('a call did not end when it was told to'), stopLimitMs).unref()
        reject(reason)
      }
      const onAbort = (): void => leave(signal.reason)
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        this.#running.delete(id)
        release()
      }
      const heard = (): void => {
        clearTimeout(timer)
        timer = setTimeout(() => leave(late()), timeLimitMs).unref()
      }
      heard()
      signal.addEventListener('abort', onAbort, { once: true })
      this.#running.set(id, {
        held,
        heard: () => !signal.aborted && heard(),
        onText: (text) => onText?.(text),
        resolve: (ran) => {
          end()
          resolve(ran)
        },
        reject: (error) => {
          end()
          reject(error)
        },
      })
      this.#process.send({ do: 'run', id, key: held.key, job })
    })
  }

  #hear(message: FromProcess): void {
    if (message.say === 'loaded' || message.say === 'not loaded') {
      if (this.#asked?.held.key !== message.key) return
      if (message.say === 'loaded') this.#asked.resolve(message.memory)
      else this.#asked.reject(notRunnable(message.why))
    } else if (message.say === 'part' || message.say === 'done' || message.say === 'refused') {
      const running = this.#running.get(message.id)
      if (running === undefined) return
      if (message.say === 'part') {
        running.heard()
        running.onText(message.text)
        return
      }
      this.#process.worked()
      this.#crashes.delete(running.held.key)
      if (message.say === 'done') {
        const { result, tokensIn, tokensOut } = message
        running.resolve({ result, tokensIn, tokensOut })
      } else running.reject(refusal(message.why, message.isCallers))
    }
  }

  /** The process ended: what it had to do fails, and nothing is loaded. */
  #lose(error: ProcessEnded): void {
    this.#models.clear(error)
    const suspects = new Set([...this.#running.values()].map(({ held }) => held.key))
    if (this.#asked !== null) suspects.add(this.#asked.held.key)
    for (const key of suspects) {
      const count = (this.#crashes.get(key)?.count ?? 0) + 1
      this.#crashes.set(key, { count, until: Date.now() + crashedKeptMs })
    }
    this.#asked?.reject(error)
    for (const running of [...this.#running.values()]) running.reject(error)
  }
}

const ignored = (): void => undefined

function noted(held: Held): (pieces: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (pieces) {
    for await (const piece of pieces) {
      held.bytes += piece.length
      yield piece
    }
  }
}

function stillLoading(held: Held): HoldfastError {
  const seconds = held.secondsLeft()
  return new HoldfastError(
    'model_loading',
    { model: held.source.name },
    { body: { estimated_time: seconds }, headers: { 'retry-after': String(seconds) } },
  )
}

function late(): HoldfastError {
  return new HoldfastError('backend_failed', { reason: 'it did not answer in time.' })
}

function refusal(why: string, isCallers: boolean): HoldfastError {
  return isCallers
    ? new HoldfastError('bad_request', { reason: why })
    : new HoldfastError('backend_failed', { reason: why })
}

function asTold(error: unknown): unknown {
  if (error instanceof LibraryMissing)
    return new HoldfastError('embedded_missing', { library: libraryName }, { cause: error })
  if (error instanceof ProcessEnded)
    return new HoldfastError('embedded_failed', {}, { headers: { 'retry-after': '2' }, cause: error })
  return error
}
