/**
 * The main thread's end of one Xet thread: calls are answered in order. When the thread dies, every call under way is rejected and each
 * later one refused; the pool then makes a new one. An idle thread does not keep the process alive.
 */
import { Worker } from 'node:worker_threads'
import { XetFormatError } from './errors.ts'
import { buffersOf, isWhole, type JobFault, type JobName, type JobReply, type XetJobs } from './xet-jobs.ts'

interface Pending {
  readonly settle: (reply: JobReply) => void
  readonly reject: (error: Error) => void
}

/** The heaps hold small things only: what is large lies outside them. */
const memoryLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 }

export class ThreadLink {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #failure: Error | null = null
  /** Sessions whose state this thread keeps. */
  sessions = 0
  /** When it last had something to do. */
  idleSince = performance.now()

  constructor() {
    const file = import.meta.url.endsWith('.ts') ? './xet-worker.ts' : './xet-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), { name: 'xet', resourceLimits: memoryLimits })
    this.#worker.unref()
    this.#worker.on('message', (reply: JobReply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#fail(`A thread that works on Xet bytes stopped: ${error.message}`))
    this.#worker.on('exit', () => this.#fail('A thread that works on Xet bytes stopped.'))
  }

  get isAlive(): boolean {
    return this.#failure === null
  }

  get load(): number {
    return this.#pending.size
  }

  /** Buffers that the input holds as a whole are gone afterwards. */
  call<Name extends JobName>(name: Name, input: XetJobs[Name]['input']): Promise<XetJobs[Name]['output']> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure)
        return
      }
      const id = ++this.#lastId
      const message = { id, name, input: inOwnMemory(input) }
      this.#worker.postMessage(message, buffersOf(message.input))
      if (this.#pending.size === 0) this.#worker.ref()
      const settle = (reply: JobReply<Name>): void => {
        if ('output' in reply) resolve(reply.output)
        else reject(errorOf(reply.fault))
      }
      this.#pending.set(id, { settle, reject })
    })
  }

  /** Rejects what is under way and ends the thread. */
  async end(reason: Error): Promise<void> {
    this.#failure ??= reason
    this.#rejectAll()
    // Else the process could end before the thread has.
    this.#worker.ref()
    await this.#worker.terminate()
  }

  #settle(reply: JobReply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    this.idleSince = performance.now()
    if (this.#pending.size === 0) this.#worker.unref()
    pending?.settle(reply)
  }

  #fail(message: string): void {
    this.#failure ??= new Error(message)
    this.#rejectAll()
  }

  #rejectAll(): void {
    const failure = this.#failure ?? new Error('A thread that works on Xet bytes stopped.')
    const calls = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of calls) reject(failure)
    this.#worker.unref()
  }
}

/** A view would take all of the memory along that it looks at. */
function inOwnMemory<Input extends object>(input: Input): Input {
  const views = Object.entries(input).filter(([, value]) => value instanceof Uint8Array && !isWhole(value))
  return views.length === 0
    ? input
    : { ...input, ...Object.fromEntries(views.map(([name, value]) => [name, Uint8Array.from(value)])) }
}

function errorOf(fault: JobFault): Error {
  if (fault.isFormat) return new XetFormatError(fault.message)
  const error = new Error(fault.message)
  return fault.code === undefined ? error : Object.assign(error, { code: fault.code })
}
