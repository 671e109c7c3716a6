/**
 * Comparisons for previews, by one worker thread in turn: they read and decide a hundred thousand times and more, and nobody else waits for
 * that. A comparison that takes too long, or too much memory, costs its thread and not the hub. The thread ends when nobody has needed it for a
 * while.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { DatabaseError } from '../../platform/db/errors.ts'
import type { Comparison, Difference, TokenDifference } from './compare.ts'
import type { Fault, FromThread, Job, Part, ToThread } from './thread-protocol.ts'
import type { Work } from './work.ts'

const timeLimitMs = 30_000
const startLimitMs = 10_000
const mostWaiting = 20
/** A preview does not wait longer for its turn than this. */
const patienceMs = 20_000
const idleMs = 60_000
const memoryLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 }

export interface Compared {
  readonly comparison: Comparison
  /** Of workspaces, by id. */
  readonly names: ReadonlyMap<string, string>
}

interface Waiting {
  readonly job: Job
  readonly found: Found
  settle(compared: Compared): void
  fail(error: Error): void
}

/** What has come so far. */
interface Found {
  readonly differences: Record<'gains' | 'loses', Difference[]>
  readonly tokens: Record<'gains' | 'loses', TokenDifference[]>
  readonly names: Map<string, string>
}

const queue: Waiting[] = []
let worker: Worker | null = null
let isReady = false
let current: Waiting | null = null
let timer: NodeJS.Timeout | undefined

/** Throws `busy` when too many wait for too long, and what the database throws. */
export async function compareInThread(hub: Hub, work: Work, most: number): Promise<Compared> {
  if (queue.length >= mostWaiting) throw busy()
  const { databaseUrl: url, dataFolder: folder } = hub.config
  return await new Promise((settle, fail) => {
    const found: Found = { differences: { gains: [], loses: [] }, tokens: { gains: [], loses: [] }, names: new Map() }
    const waiting: Waiting = { job: { database: { url, folder }, work, most }, found, settle, fail }
    queue.push(waiting)
    setTimeout(leaveQueue, patienceMs, waiting).unref()
    next()
  })
}

const busy = (): HoldfastError => new HoldfastError('busy', {}, { headers: { 'retry-after': '5' } })

function leaveQueue(waiting: Waiting): void {
  const place = queue.indexOf(waiting)
  if (place === -1) return
  queue.splice(place, 1)
  waiting.fail(busy())
}

function next(): void {
  // One that is starting has a limit of its own, which who comes meanwhile does not put off.
  if (current !== null || (worker !== null && !isReady)) return
  clearTimeout(timer)
  if (worker === null) {
    worker = startWorker()
    timer = setTimeout(giveUp, startLimitMs, busy())
    return
  }
  current = queue.shift() ?? null
  if (current === null) {
    worker.unref()
    timer = setTimeout(endWorker, idleMs).unref()
    return
  }
  worker.ref()
  timer = setTimeout(giveUp, timeLimitMs, new DatabaseError('timeout', 'A preview took too long.'))
  say({ kind: 'begin', job: current.job })
}

function say(message: ToThread): void {
  worker?.postMessage(message)
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './preview-worker.ts' : './preview-worker.js'
  const started = new Worker(new URL(file, import.meta.url), { name: 'preview', resourceLimits: memoryLimits })
  started.on('message', (message: FromThread) => {
    if (started === worker) void take(message)
  })
  // Out of memory, or a fault of ours: this preview fails, the next one has a new thread.
  started.on('error', (error) => {
    if (started === worker) giveUp(error)
  })
  return started
}

async function take(message: FromThread): Promise<void> {
  const waiting = current
  if (message.kind === 'ready') {
    isReady = true
    next()
  } else if (waiting === null) {
    return
  } else if (message.kind === 'part') {
    add(waiting.found, message.part)
    // Others come between two parts.
    await nextTurn()
    if (waiting === current) say({ kind: 'more' })
  } else if (message.kind === 'done') {
    const { names, ...lists } = waiting.found
    finish(() => waiting.settle({ comparison: { ...lists, counts: message.counts }, names }))
  } else {
    finish(() => waiting.fail(errorOf(message.fault)))
  }
}

function add({ differences, tokens, names }: Found, part: Part): void {
  if (part.of === 'differences') differences[part.side].push(...part.entries)
  else if (part.of === 'tokens') tokens[part.side].push(...part.entries)
  else for (const [id, name] of part.entries) names.set(id, name)
}

function finish(answer: () => void): void {
  current = null
  clearTimeout(timer)
  answer()
  next()
}

/** The preview in work is at fault; where there is none, the thread never came up, and whoever waits is told so. */
function giveUp(error: Error): void {
  endWorker()
  const failed = current === null ? queue.splice(0) : [current]
  current = null
  for (const waiting of failed) waiting.fail(error)
  if (queue.length > 0) next()
}

function endWorker(): void {
  clearTimeout(timer)
  void worker?.terminate()
  worker = null
  isReady = false
}

function errorOf({ database, message, code }: Fault): Error {
  if (database !== null) return new DatabaseError(database, message, code)
  return Object.assign(new Error(message), code === null ? {} : { code })
}
