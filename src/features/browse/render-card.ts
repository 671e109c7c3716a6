/**
 * Cards as HTML, rendered by one worker thread in turn and remembered by blob. A card that takes too long costs its worker, not the hub: the
 * worker is replaced and the card is shown as plain text. The worker ends when nobody has needed it for a while.
 */
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { markSanitized, type SafeHtml } from '../../web/raw-html.tsx'
import type { CardPlace } from './card-address.ts'
import type { CardAnswer, CardJob } from './card-worker.ts'

export type RenderedCard =
  | { readonly kind: 'html'; readonly html: SafeHtml }
  /** `busy`: try again later; `slow` and `deep`: the text itself is at fault. */
  | { readonly kind: 'plain'; readonly why: 'busy' | 'slow' | 'deep' }

/** Bytes of markdown that are rendered; what is longer is not given to the renderer. */
export const markdownLimit = 1_048_576

const timeLimitMs = 3_000
const startLimitMs = 10_000
const mostWaiting = 50
/** A view does not wait longer for its turn than this. */
const patienceMs = 8_000
const idleMs = 60_000
/** Characters of HTML that are remembered. */
const remembered = 16_000_000
const faultKeptMs = 10 * 60_000

interface Waiting {
  readonly key: string
  readonly job: CardJob
  readonly log: Logger
  readonly settle: (card: RenderedCard) => void
}

interface Entry {
  readonly card: RenderedCard
  readonly until: number
}

const cache = new Map<string, Entry>()
let cachedCharacters = 0
const underWay = new Map<string, Promise<RenderedCard>>()
const queue: Waiting[] = []

let worker: Worker | null = null
let isReady = false
let current: Waiting | null = null
let timer: NodeJS.Timeout | undefined

/** The card with this object id at this place; `read` gives its markdown where it is not remembered. */
export async function renderCard(
  log: Logger,
  oid: string,
  place: CardPlace,
  read: () => Promise<string>,
): Promise<RenderedCard> {
  const key = `${place.origin} ${place.repoPath} ${place.revision} ${place.folder ?? ''}\n${oid}`
  const known = cache.get(key)
  if (known !== undefined && known.until > Date.now()) {
    cache.delete(key)
    cache.set(key, known)
    return known.card
  }
  let rendering = underWay.get(key)
  if (rendering === undefined) {
    rendering = read()
      .then((markdown) => inTurn(log, key, { markdown, place }))
      .finally(() => underWay.delete(key))
    underWay.set(key, rendering)
  }
  return await rendering
}

function inTurn(log: Logger, key: string, job: CardJob): Promise<RenderedCard> {
  if (queue.length >= mostWaiting) return Promise.resolve({ kind: 'plain', why: 'busy' })
  return new Promise((settle) => {
    const waiting: Waiting = { key, job, log, settle }
    queue.push(waiting)
    setTimeout(leaveQueue, patienceMs, waiting).unref()
    next()
  })
}

function leaveQueue(waiting: Waiting): void {
  const place = queue.indexOf(waiting)
  if (place === -1) return
  queue.splice(place, 1)
  waiting.settle({ kind: 'plain', why: 'busy' })
}

function next(): void {
  // One that is starting has a limit of its own, which who comes meanwhile does not put off.
  if (current !== null || (worker !== null && !isReady)) return
  clearTimeout(timer)
  if (worker === null) {
    worker = startWorker(queue[0]?.log ?? null)
    timer = setTimeout(giveUp, startLimitMs, 'busy')
    return
  }
  current = queue.shift() ?? null
  if (current === null) {
    timer = setTimeout(endWorker, idleMs).unref()
    return
  }
  timer = setTimeout(giveUp, timeLimitMs, 'slow')
  worker.postMessage(current.job)
}

function startWorker(log: Logger | null): Worker {
  const file = import.meta.url.endsWith('.ts') ? './card-worker.ts' : './card-worker.js'
  const started = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 256 } })
  started.unref()
  started.on('message', (answer: CardAnswer) => {
    if (started !== worker) return
    if (answer === 'ready') isReady = true
    else finish('html' in answer ? { kind: 'html', html: markSanitized(answer.html) } : { kind: 'plain', why: 'deep' })
    next()
  })
  // Out of memory, or a fault of ours: this card is plain text, the next one has a new worker.
  started.on('error', (error) => {
    log?.warn({ error }, 'The worker that renders cards ended')
    if (started === worker) giveUp('deep')
  })
  return started
}

function finish(card: RenderedCard): void {
  const done = current
  current = null
  clearTimeout(timer)
  if (done === null) return
  remember(done.key, card)
  done.settle(card)
}

/** The card in work is at fault; where there is none, the worker never came up, and whoever waits sees plain text. */
function giveUp(why: 'busy' | 'slow' | 'deep'): void {
  endWorker()
  if (current !== null) finish({ kind: 'plain', why })
  else for (const waiting of queue.splice(0)) waiting.settle({ kind: 'plain', why: 'busy' })
  if (queue.length > 0) next()
}

function endWorker(): void {
  clearTimeout(timer)
  void worker?.terminate()
  worker = null
  isReady = false
}

function remember(key: string, card: RenderedCard): void {
  const before = cache.get(key)
  if (before !== undefined) cachedCharacters -= sizeOf(before.card)
  cache.delete(key)
  cache.set(key, { card, until: card.kind === 'html' ? Number.POSITIVE_INFINITY : Date.now() + faultKeptMs })
  cachedCharacters += sizeOf(card)
  for (const [oldest, entry] of cache) {
    if (cachedCharacters <= remembered) break
    cache.delete(oldest)
    cachedCharacters -= sizeOf(entry.card)
  }
}

function sizeOf(card: RenderedCard): number {
  return 500 + (card.kind === 'html' ? card.html.length : 0)
}
