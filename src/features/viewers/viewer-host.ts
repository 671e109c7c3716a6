/**
 * The one process that reads and draws files, for one view after the other. A file that takes it too long or too much memory costs that process, not
 * the hub: it is replaced, and the page says so. A thread would not do: V8 ends its whole process where one allocation of a thread is too large, and 500
 * bytes of Parquet can ask for that. What was drawn is remembered by content. The process ends when nobody has needed it for a while.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { confinedArguments, residentBytes } from '../../platform/confined/confined.ts'
import { type FromWorker, fromWorker, type Job, mostAtOnce, type ToWorker } from './job.ts'
import type { Shown } from './shown.ts'

export type Viewed =
  | { readonly kind: 'shown'; readonly shown: Shown; readonly read: number }
  /** In a sentence. `read`: bytes of the file that were read all the same. */
  | { readonly kind: 'not shown'; readonly why: string; readonly read: number }

/** The bytes from `from` up to `to`; rejects where they are gone. */
export type ReadRange = (from: number, to: number) => Promise<Uint8Array>

/** Of work; waiting for storage is counted apart. Code without its colours is nearly as good, so nobody waits long for them. */
const timeLimitsMs = { read: 4_000, highlight: 1_200 } as const
const storageLimitMs = 15_000
const startLimitMs = 10_000
const mostWaiting = 40
/** A view does not wait longer for its turn than this. */
const patienceMs = 8_000
const idleMs = 60_000
const heapMiB = 320
/** Of the process as a whole: what lies outside of its heap counts too. */
const mostMemory = 1 << 30
const watchMs = 100
/** Characters that are remembered. */
const remembered = 24_000_000
const faultKeptMs = 10 * 60_000

const busy = 'This hub is busy, so the file is not shown now. Reload the page in a moment.'
const slow = 'Showing this file takes too long. It can be downloaded.'
const broken = 'This file needs more memory to be shown than a page may use. It can be downloaded.'
const unread = 'Its storage did not hand out this file in time. Reload the page in a moment.'

interface Turn {
  readonly key: string
  readonly job: Job
  readonly read: ReadRange
  readonly log: Logger
  readonly settle: (viewed: Viewed) => void
}

const cache = new Map<string, { readonly viewed: Viewed; readonly until: number }>()
let cachedCharacters = 0
const underWay = new Map<string, Promise<Viewed>>()
const queue: Turn[] = []

let worker: ChildProcess | null = null
let isReady = false
let current: Turn | null = null
let timer: NodeJS.Timeout | undefined
let workedMs = 0
let waitedMs = 0
let since = 0

/** `key` names the content and all that is asked of it. */
export async function view(log: Logger, key: string, job: Job, read: ReadRange): Promise<Viewed> {
  const known = cache.get(key)
  if (known !== undefined && known.until > Date.now()) {
    cache.delete(key)
    cache.set(key, known)
    return known.viewed
  }
  let viewing = underWay.get(key)
  if (viewing === undefined) {
    viewing = inTurn({ key, job, read, log }).finally(() => underWay.delete(key))
    underWay.set(key, viewing)
  }
  return await viewing
}

async function inTurn(asked: Omit<Turn, 'settle'>): Promise<Viewed> {
  if (queue.length >= mostWaiting) return { kind: 'not shown', why: busy, read: 0 }
  const { promise, resolve } = Promise.withResolvers<Viewed>()
  const turn: Turn = { ...asked, settle: resolve }
  queue.push(turn)
  const patience = setTimeout(() => {
    const place = queue.indexOf(turn)
    if (place === -1) return
    queue.splice(place, 1)
    resolve({ kind: 'not shown', why: busy, read: 0 })
  }, patienceMs)
  next()
  return await promise.finally(() => clearTimeout(patience))
}

function next(): void {
  // One that is starting has a limit of its own, which who comes meanwhile does not put off.
  if (current !== null || (worker !== null && !isReady)) return
  clearTimeout(timer)
  if (worker === null) {
    worker = start(queue[0]?.log ?? null)
    timer = setTimeout(giveUp, startLimitMs, busy)
    return
  }
  current = queue.shift() ?? null
  if (current === null) {
    timer = setTimeout(endWorker, idleMs).unref()
    return
  }
  workedMs = 0
  waitedMs = 0
  goOn({ job: current.job })
}

/** The process works from now on, for what is left of its time. */
function goOn(message: ToWorker): void {
  clearTimeout(timer)
  since = performance.now()
  const limitMs = timeLimitsMs[current?.job.do ?? 'read']
  timer = setTimeout(giveUp, Math.max(1, limitMs - workedMs), slow)
  worker?.send(message)
}

function start(log: Logger | null): ChildProcess {
  const file = import.meta.url.endsWith('.ts') ? './viewer-process.ts' : './viewer-process.js'
  const started = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    // Not `advanced`: the hub must not feed V8's deserializer with what a hostile file may have written.
    serialization: 'json',
    execArgv: confinedArguments({ heapMiB, isNative: false }),
    // It needs no setting of the hub, and none of its secrets.
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  started.unref()
  started.channel?.unref()
  // Out of memory, or a fault of ours: this file is not shown, the next one has a new process.
  const ended = (how: unknown): void => {
    if (started !== worker) return
    log?.warn({ how }, 'The process that shows files ended')
    giveUp(broken)
  }
  started.on('message', (said: unknown) => {
    if (started !== worker) return
    const { data: message } = fromWorker.safeParse(said)
    if (message === undefined) ended('it said what no viewer says')
    else hear(message)
  })
  const watch = setInterval(async () => {
    if (current === null || started.pid === undefined) return
    if ((await memoryOf(started.pid)) > mostMemory && started === worker && current !== null) giveUp(broken)
  }, watchMs).unref()
  started.on('exit', () => clearInterval(watch))
  started.on('error', ended)
  started.on('exit', (code, signal) => ended({ code, signal }))
  return started
}

/** Where the system does not say, the heap alone is bounded. */
async function memoryOf(pid: number): Promise<number> {
  try {
    return await residentBytes(pid)
  } catch (error) {
    // It ended meanwhile, or this is no Linux.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return 0
    throw error
  }
}

function hear(message: FromWorker): void {
  if (message.say === 'ready') isReady = true
  else if (message.say === 'read') {
    void fetchBytes(message.from, message.to)
    return
  } else if (message.say === 'shown') finish({ kind: 'shown', shown: message.shown, read: message.read })
  else finish({ kind: 'not shown', why: message.why, read: message.read })
  next()
}

async function fetchBytes(from: number, to: number): Promise<void> {
  const turn = current
  if (turn === null) return
  if (turn.job.do !== 'read' || from >= to || to > turn.job.size || to - from > mostAtOnce) return giveUp(broken)
  clearTimeout(timer)
  workedMs += performance.now() - since
  const asked = performance.now()
  timer = setTimeout(giveUp, Math.max(1, storageLimitMs - waitedMs), unread)
  let bytes: Uint8Array
  try {
    bytes = await turn.read(from, to)
  } catch (error) {
    turn.log.warn({ error }, 'A file could not be read to be shown')
    if (current === turn) giveUp(unread)
    return
  }
  if (current !== turn) return
  waitedMs += performance.now() - asked
  goOn({ bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') })
}

function finish(viewed: Viewed): void {
  const done = current
  current = null
  clearTimeout(timer)
  if (done === null) return
  remember(done.key, viewed)
  done.settle(viewed)
}

/** The file in work is at fault; where there is none, the process never came up, and whoever waits is told to come again. */
function giveUp(why: string): void {
  endWorker()
  const isPassing = why === unread
  if (current !== null && isPassing) {
    current.settle({ kind: 'not shown', why, read: 0 })
    current = null
  } else if (current !== null) finish({ kind: 'not shown', why, read: 0 })
  else for (const turn of queue.splice(0)) turn.settle({ kind: 'not shown', why: busy, read: 0 })
  if (queue.length > 0) next()
}

function endWorker(): void {
  clearTimeout(timer)
  const ending = worker
  worker = null
  ending?.kill('SIGKILL')
  isReady = false
}

function remember(key: string, viewed: Viewed): void {
  forget(key)
  cache.set(key, { viewed, until: viewed.kind === 'shown' ? Number.POSITIVE_INFINITY : Date.now() + faultKeptMs })
  cachedCharacters += sizeOf(viewed)
  for (const oldest of cache.keys()) {
    if (cachedCharacters <= remembered) break
    forget(oldest)
  }
}

function forget(key: string): void {
  const entry = cache.get(key)
  if (entry === undefined) return
  cache.delete(key)
  cachedCharacters -= sizeOf(entry.viewed)
}

function sizeOf(viewed: Viewed): number {
  if (viewed.kind === 'not shown') return 500
  const { shown } = viewed
  if (shown.kind === 'notebook') return 2_000 + JSON.stringify(shown.cells).length
  const metadata = shown.kind === 'tensors' ? JSON.stringify(shown.metadata).length : 0
  return 2_000 + shown.bodyHtml.length + metadata
}
