/**
 * The hub's side of the starter (`starter-process.ts`). It is begun with the first process that is wanted and ends when none was wanted for
 * a while. Until it is ready, and if it cannot be had, the hub begins processes itself: slower for the event loop, the same in all else.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  directStarter,
  type ProcessExit,
  type ProcessOrder,
  type ProcessSignal,
  type ProcessStarter,
  type StartedProcess,
} from './process-start.ts'
import { type FromStarter, parseConnectionHead, type ToStarter } from './starter-protocol.ts'

export interface ProcessStarters extends ProcessStarter {
  /** From now on a starter begins them; before, this process does. */
  startApart(onFailure: (error: Error) => void): void
  close(): Promise<void>
}

const longestHead = 64
/** How long a connection may take to say what it is for, and a start to happen. */
const patienceMs = 10_000
/** After a failure the hub starts its processes itself for so long. */
const restMs = 60_000

export function openStarter(idleMs = 300_000): ProcessStarters {
  let onFailure: ((error: Error) => void) | null = null
  let link: StarterLink | null = null
  let failedAt = Number.NEGATIVE_INFINITY
  const makeLink = (): StarterLink =>
    new StarterLink(
      idleMs,
      (error) => {
        link = null
        failedAt = performance.now()
        onFailure?.(error)
      },
      () => {
        link = null
      },
    )
  return {
    startApart: (heard) => {
      onFailure = heard
    },
    start: async (order) => {
      if (onFailure !== null && link === null && performance.now() - failedAt > restMs) link = makeLink()
      return await (link?.isReady === true ? link : directStarter).start(order)
    },
    close: async () => {
      onFailure = null
      await link?.close()
    },
  }
}

interface Begun {
  readonly order: ProcessOrder
  readonly ends: (Socket | undefined)[]
  pid: number | null
  readonly resolve: (process: StartedProcess) => void
  readonly reject: (error: Error) => void
  readonly exit: PromiseWithResolvers<ProcessExit>
  hasExited: boolean
  readonly timer: NodeJS.Timeout
}

class StarterLink {
  isReady = false
  readonly #folder: string
  readonly #server: Server
  readonly #child: ChildProcess
  readonly #begun = new Map<number, Begun>()
  readonly #ended: Promise<void>
  readonly #idle: NodeJS.Timeout
  readonly #onFailure: (error: Error) => void
  readonly #onIdle: () => void
  #usedAt = performance.now()
  #next = 1
  #isClosing = false

  constructor(idleMs: number, onFailure: (error: Error) => void, onIdle: () => void) {
    this.#onFailure = onFailure
    this.#onIdle = onIdle
    // Not in the data folder: the path of a local socket has at most 100 characters or so. Only we may enter.
    this.#folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
    const path = join(this.#folder, 'starter')
    this.#server = createServer((socket) => this.#greet(socket))
    this.#server.on('error', (error) => this.#fail(error))
    const file = import.meta.url.endsWith('.ts') ? './starter-process.ts' : './starter-process.js'
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), [path], {
      execArgv: ['--max-old-space-size=64'],
      env: {},
      // Its own group: Ctrl-C in a terminal goes to the whole group, and it must start git until what is under way is finished.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.#child.on('message', (message: FromStarter) => this.#hear(message))
    this.#child.on('error', (error) => this.#fail(error))
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        if (!this.#isClosing) this.#fail(new Error('The process that starts git ended.'))
        resolve()
      })
    })
    this.#server.listen(path)
    this.#idle = setInterval(() => this.#endIfIdle(idleMs), Math.min(idleMs, 30_000))
    for (const held of [this.#idle, this.#child, this.#child.channel, this.#server]) held?.unref()
  }

  start(order: ProcessOrder): Promise<StartedProcess> {
    const id = this.#next++
    this.#usedAt = performance.now()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#refuse(id, new Error('The process did not start in time.')), patienceMs)
      const ends = new Array<Socket | undefined>(3 + order.extraPipes).fill(undefined)
      const exit = Promise.withResolvers<ProcessExit>()
      exit.promise.catch(() => undefined)
      this.#begun.set(id, { order, ends, pid: null, resolve, reject, exit, hasExited: false, timer })
      this.#tell({ kind: 'start', id, order })
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.isReady = false
    clearInterval(this.#idle)
    if (this.#child.connected) this.#child.disconnect()
    // Held until here so that it keeps no process alive; its end is waited for.
    this.#child.ref()
    await this.#ended
    this.#server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #hear(message: FromStarter): void {
    if (message.kind === 'ready') {
      this.isReady = true
      this.#usedAt = performance.now()
      return
    }
    const begun = this.#begun.get(message.id)
    if (begun === undefined) return
    if (message.kind === 'failed') this.#refuse(message.id, new Error(message.message))
    else if (message.kind === 'started') {
      begun.pid = message.pid
      this.#deliver(message.id, begun)
    } else {
      begun.hasExited = true
      begun.exit.resolve({ code: message.code, killedBy: message.killedBy })
      // One that ended before all its streams had arrived here is still delivered.
      if (begun.ends.every((end) => end !== undefined)) this.#begun.delete(message.id)
    }
  }

  #greet(socket: Socket): void {
    socket.on('error', () => undefined)
    const timer = setTimeout(() => socket.destroy(), patienceMs)
    let head = Buffer.alloc(0)
    // Not by 'data': that would leave the stream paused or flowing, and its user finds it as if nobody had read yet.
    const read = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read()) {
        head = Buffer.concat([head, chunk])
      }
      const end = head.indexOf(0x0a)
      if (end === -1 && head.length < longestHead) return
      socket.removeListener('readable', read)
      clearTimeout(timer)
      if (end !== -1 && end < head.length - 1) socket.unshift(head.subarray(end + 1))
      this.#place(socket, head.toString('latin1', 0, Math.max(0, end)))
    }
    socket.on('readable', read)
  }

  #place(socket: Socket, head: string): void {
    const place = parseConnectionHead(head)
    const begun = place === null ? undefined : this.#begun.get(place.id)
    if (place === null || begun === undefined || place.descriptor >= begun.ends.length) {
      socket.destroy()
      return
    }
    begun.ends[place.descriptor] = socket
    this.#deliver(place.id, begun)
  }

  #deliver(id: number, begun: Begun): void {
    const { pid, ends } = begun
    const [stdin, stdout, stderr, ...extra] = ends
    if (pid === null || !stdin || !stdout || !stderr || extra.includes(undefined)) return
    clearTimeout(begun.timer)
    if (begun.hasExited) this.#begun.delete(id)
    // Nothing is ever read from its input, but whether it is still open must be seen.
    stdin.resume()
    begun.resolve({
      pid,
      stdin,
      stdout,
      stderr,
      extra: extra.filter((end) => end !== undefined),
      exited: begun.exit.promise,
      signal: (signal: ProcessSignal) => {
        if (!begun.hasExited) this.#tell({ kind: 'signal', id, signal })
      },
    })
  }

  #refuse(id: number, error: Error): void {
    const begun = this.#begun.get(id)
    if (begun === undefined) return
    this.#begun.delete(id)
    clearTimeout(begun.timer)
    this.#tell({ kind: 'signal', id, signal: 'SIGKILL' })
    for (const end of begun.ends) end?.destroy()
    begun.reject(error)
  }

  /** What it began runs on unseen: its streams still come, but how it ends is not told to anybody. */
  #fail(error: Error): void {
    if (this.#isClosing) return
    this.isReady = false
    for (const [id, begun] of this.#begun) {
      if (begun.pid === null) this.#refuse(id, error)
      begun.exit.reject(error)
    }
    this.#begun.clear()
    this.close().catch(() => undefined)
    this.#onFailure(error)
  }

  #endIfIdle(idleMs: number): void {
    // One that has yet to come cannot be used: that is no reason to end it, however busy the machine is.
    const limit = this.isReady ? idleMs : Math.max(idleMs, patienceMs)
    if (this.#begun.size > 0 || performance.now() - this.#usedAt < limit) return
    this.#onIdle()
    this.close().catch((error: Error) => this.#onFailure(error))
  }

  #tell(message: ToStarter): void {
    if (this.#child.connected) this.#child.send(message)
  }
}
