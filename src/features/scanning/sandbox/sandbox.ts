/**
 * Runs scanners in a process of their own. A scan that takes too long, too much memory or crashes takes only that process with it; the next scan gets a new
 * one. Bytes go over a pipe as they are asked for.
 */
import { Socket } from 'node:net'
import { type ConfinedProcess, startConfined, watchMemory } from '../../../platform/confined/confined.ts'
import type { ByteSource } from '../byte-source.ts'
import { ScannerDown, type ScanReport } from '../scanner.ts'
import {
  askedBytes,
  bytesDescriptor,
  type FromSandbox,
  fromSandbox,
  type Sandboxed,
  type ToSandbox,
} from './protocol.ts'

export interface SandboxLimits {
  /** A scan has this long, and a second more for each `bytesPerSecond` of the file. */
  readonly timeMs: number
  readonly bytesPerSecond: number
  /** Resident bytes of the process. */
  readonly memoryBytes: number
}

export const usualLimits: SandboxLimits = { timeMs: 60_000, bytesPerSecond: 2_000_000, memoryBytes: 1 << 30 }

const startMs = 30_000
const memoryEveryMs = 200
/** A process that has seen so many files makes room for a new one, whatever they left behind. */
const mostScans = 500
/** Nothing to do for so long: its memory is better used elsewhere. */
const idleMs = 60_000

interface Running {
  readonly id: number
  readonly source: ByteSource
  resolve(report: ScanReport): void
  reject(error: Error): void
}

/** The way that bytes take: files of any size pass through one buffer, so that no scan leaves them in memory as garbage. */
interface BytesWay {
  readonly pipe: Socket
  readonly buffer: Buffer
  /** The end of the last answer, which the next waits for. */
  turn: Promise<void>
}

export class Sandbox {
  readonly #limits: SandboxLimits
  #child: ConfinedProcess | null = null
  #way: BytesWay | null = null
  #ready: Promise<{ yara: string | null; reason: string | null }> | null = null
  #running: Running | null = null
  #scans = 0
  #turn: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #idle: NodeJS.Timeout | undefined

  constructor(limits: SandboxLimits = usualLimits) {
    this.#limits = limits
  }

  /** The version of the YARA rules, or why they cannot be used here. Throws `ScannerDown` where no process starts. */
  async yara(): Promise<{ yara: string | null; reason: string | null }> {
    return await this.#start()
  }

  /** One after the other. Throws what went wrong on these bytes; `ScannerDown` where no process starts. */
  run(scanner: Sandboxed, source: ByteSource, signal: AbortSignal): Promise<ScanReport> {
    const run = this.#turn.then(async () => {
      signal.throwIfAborted()
      if (this.#scans >= mostScans) await this.#end()
      await this.#start()
      return await this.#perform(scanner, source, signal)
    })
    // The next scan waits for the end of this one, not for its success, which is its caller's.
    this.#turn = run.catch(() => undefined)
    return run
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idle)
    this.#running?.reject(new Error('The sandbox is closed.'))
    await this.#end()
  }

  #start(): Promise<{ yara: string | null; reason: string | null }> {
    if (this.#isClosed) return Promise.reject(new ScannerDown('The sandbox is closed.'))
    if (this.#ready !== null) return this.#ready
    const file = import.meta.url.endsWith('.ts') ? './sandbox-process.ts' : './sandbox-process.js'
    const module = new URL(file, import.meta.url)
    // Native code: YARA-X is some.
    const child = startConfined({ module, heapMiB: 512, isNative: true, hasPipe: true })
    const pipe = child.stdio[bytesDescriptor]
    if (!(pipe instanceof Socket)) throw new Error('A process was started without its pipe.')
    // Its end is told by the end of the process, too.
    pipe.on('error', (error) => this.#lose(child, error))
    this.#child = child
    this.#way = { pipe, buffer: Buffer.allocUnsafeSlow(askedBytes), turn: Promise.resolve() }
    this.#scans = 0
    pipe.unref()
    const ready = new Promise<{ yara: string | null; reason: string | null }>((resolve, reject) => {
      const timer = setTimeout(() => fail('it did not start in time'), startMs)
      const fail = (reason: string): void => {
        clearTimeout(timer)
        reject(new ScannerDown(`The sandbox of the scanners cannot work: ${reason}.`))
        this.#lose(child, new Error(`The scanner ended: ${reason}.`))
      }
      child.on('message', (said: unknown) => {
        const { data: message } = fromSandbox.safeParse(said)
        if (message === undefined) fail('it said what no scanner says')
        else if (message.kind === 'ready') {
          clearTimeout(timer)
          resolve({ yara: message.yara, reason: message.reason })
        } else this.#hear(child, message)
      })
      child.once('error', (error) => fail(error.message))
      child.once('exit', (code, killedBy) => fail(killedBy === null ? `exit code ${code}` : `signal ${killedBy}`))
    })
    // Told to whoever waits for the start; the process may also end when nobody does.
    ready.catch(() => undefined)
    this.#ready = ready
    return ready
  }

  async #perform(scanner: Sandboxed, source: ByteSource, signal: AbortSignal): Promise<ScanReport> {
    const child = this.#child
    if (child === null) throw new ScannerDown('The sandbox ended before the scan began.')
    clearTimeout(this.#idle)
    const id = ++this.#scans
    const timeMs = this.#limits.timeMs + (source.size / this.#limits.bytesPerSecond) * 1_000
    const done = Promise.withResolvers<ScanReport>()
    // Awaited below; it can fail before that, while the order is being sent.
    done.promise.catch(() => undefined)
    this.#running = { id, source, resolve: done.resolve, reject: done.reject }
    const giveUp = (error: Error): void => {
      done.reject(error)
      this.#lose(child, error)
    }
    const timer = setTimeout(
      () => giveUp(new Error(`The scan took longer than ${Math.round(timeMs / 1_000)} s.`)),
      timeMs,
    )
    const { memoryBytes } = this.#limits
    const unwatch = watchMemory(child, memoryBytes, memoryEveryMs, () =>
      giveUp(new Error(`The scan took more than ${memoryBytes >> 20} MiB of memory.`)),
    )
    const abort = (): void => giveUp(signal.reason instanceof Error ? signal.reason : new Error('The scan was ended.'))
    signal.addEventListener('abort', abort, { once: true })
    child.ref()
    child.channel?.ref()
    try {
      this.#tell(child, { kind: 'scan', id, scanner, size: source.size })
      return await done.promise
    } finally {
      clearTimeout(timer)
      unwatch()
      signal.removeEventListener('abort', abort)
      this.#running = null
      child.unref()
      child.channel?.unref()
      this.#idle = setTimeout(() => this.#endIfIdle(), idleMs).unref()
    }
  }

  #hear(child: ConfinedProcess, message: Exclude<FromSandbox, { kind: 'ready' }>): void {
    const running = this.#running
    if (running === null || running.id !== message.id || child !== this.#child) return
    if (message.kind === 'done') running.resolve(message.report)
    else if (message.kind === 'failed') running.reject(new Error(message.message))
    else {
      const way = this.#way
      const { from, length } = message
      if (way !== null) way.turn = way.turn.then(() => this.#answer(child, way, running, from, length))
    }
  }

  async #answer(child: ConfinedProcess, way: BytesWay, running: Running, from: number, length: number): Promise<void> {
    const { id, source } = running
    try {
      // The sandbox is not trusted with what it asks for.
      if (!(from >= 0 && length > 0 && length <= askedBytes && from + length <= source.size))
        throw new Error('asked for what is not there')
      let filled = 0
      for await (const piece of source.read(from, from + length)) {
        way.buffer.set(piece, filled)
        filled += piece.length
      }
      this.#tell(child, { kind: 'bytes', id, length: filled })
      await send(way.pipe, way.buffer.subarray(0, filled))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      running.reject(new Error(`Its bytes cannot be read: ${message}`))
      this.#tell(child, { kind: 'unreadable', id, message })
    }
  }

  #tell(child: ConfinedProcess, message: ToSandbox): void {
    if (child.connected) child.send(message, (error) => error && this.#lose(child, error))
  }

  /** The process is of no more use. */
  #lose(child: ConfinedProcess, error: Error): void {
    child.kill('SIGKILL')
    if (child !== this.#child) return
    this.#child = null
    this.#way?.pipe.destroy()
    this.#way = null
    this.#ready = null
    this.#running?.reject(error)
  }

  #endIfIdle(): void {
    if (this.#running === null && this.#child !== null)
      this.#lose(this.#child, new Error('The sandbox had nothing to do.'))
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (child === null) return
    // Its end is waited for, so until then it keeps this process going.
    child.ref()
    const ended = new Promise((resolve) => child.once('exit', resolve))
    this.#lose(child, new Error('The sandbox was ended.'))
    if (child.exitCode === null && child.signalCode === null) await ended
  }
}

/** Settles when the bytes have left the buffer. */
function send(pipe: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    pipe.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}
