/**
 * The main thread's end of one SQLite worker. Requests are answered in order. When the worker dies, or is abandoned,
 * every call under way is rejected; the owner then makes a new link. An idle worker does not keep the process alive.
 */
import { Worker } from 'node:worker_threads'
import { DatabaseError } from './errors.ts'
import type { WorkerReply, WorkerRequest, WorkerStart } from './sqlite-protocol.ts'
import type { StatementResult } from './sqlite-session.ts'

interface Pending {
  readonly resolve: (result: StatementResult) => void
  readonly reject: (error: Error) => void
}

// A result beyond this ends its worker instead of the process; such lists must be streamed.
const memoryLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 }

export class SqliteWorkerLink {
  readonly #worker: Worker
  readonly #pending: Pending[] = []
  #failure: DatabaseError | null = null
  /** Resolves when the thread has ended, which a query in native code can delay. */
  readonly ended: Promise<void>
  /** Resolves when the worker listens, or has failed: its start does not count as a query's time. */
  readonly started: Promise<void>

  constructor(start: WorkerStart) {
    const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: start,
      name: `sqlite-${start.role}`,
      resourceLimits: memoryLimits,
    })
    this.#worker.unref()
    this.started = new Promise((resolve) => {
      this.#worker.once('message', () => {
        this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply))
        resolve()
      })
      this.#worker.once('exit', resolve)
    })
    this.#worker.on('error', (error) => this.#fail(`The database worker stopped: ${error.message}`))
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail('The database worker stopped.')
        resolve()
      })
    })
  }

  /** False once the worker died or was abandoned. */
  get isAlive(): boolean {
    return this.#failure === null
  }

  get isBusy(): boolean {
    return this.#pending.length > 0
  }

  call(request: WorkerRequest): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure)
        return
      }
      if (this.#pending.length === 0) this.#worker.ref()
      this.#pending.push({ resolve, reject })
      this.#worker.postMessage(request)
    })
  }

  /**
   * Rejects what is under way and lets the thread go. SQLite cannot be interrupted from outside: a query in native
   * code runs to its end first, but nobody waits for it.
   */
  abandon(error: DatabaseError): void {
    this.#failure ??= error
    this.#rejectAll()
    void this.#worker.terminate()
  }

  /** Lets the worker finish its requests, close its file and end. */
  async end(): Promise<void> {
    if (this.#failure !== null) return
    try {
      await this.call({ kind: 'end' })
    } catch {
      // It died meanwhile, which ends it as well.
    }
    this.#failure ??= new DatabaseError('unavailable', 'The database is closed.')
    this.#worker.ref()
    await this.ended
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.shift()
    if (this.#pending.length === 0) this.#worker.unref()
    if ('error' in reply) pending?.reject(new DatabaseError(reply.error.fault, reply.error.message, reply.error.code))
    else pending?.resolve(reply)
  }

  #fail(message: string): void {
    this.#failure ??= new DatabaseError('unavailable', message)
    this.#rejectAll()
  }

  #rejectAll(): void {
    const failure = this.#failure ?? new DatabaseError('unavailable', 'The database worker stopped.')
    for (const pending of this.#pending.splice(0)) pending.reject(failure)
    this.#worker.unref()
  }
}
