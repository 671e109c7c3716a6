/**
 * Reads cards and other YAML without holding up the event loop: short ones at once, long ones in a worker that is started when one comes
 * and ended when idle. What takes too long counts as broken, and its worker is replaced.
 */
import { Worker } from 'node:worker_threads'
import { type CardReading, cardOf, frontMatter, parseYaml, type YamlReading } from './card.ts'

const atOnceLimit = 4096
const timeLimitMs = 5000
const idleMs = 30_000

interface Waiting {
  readonly resolve: (reading: YamlReading) => void
  readonly timer: NodeJS.Timeout
}

let worker: Worker | null = null
let lastId = 0
let idleTimer: NodeJS.Timeout | undefined
const waiting = new Map<number, Waiting>()

export async function readCard(readme: string): Promise<CardReading> {
  const yaml = frontMatter(readme)
  return yaml === null ? { kind: 'none' } : cardOf(await readYaml(yaml))
}

export async function readYaml(yaml: string): Promise<YamlReading> {
  if (yaml.length <= atOnceLimit) return parseYaml(yaml)
  clearTimeout(idleTimer)
  worker ??= startWorker()
  const id = ++lastId
  const parsed = new Promise<YamlReading>((resolve) => {
    waiting.set(id, { resolve, timer: setTimeout(giveUp, timeLimitMs, 'it takes too long to read') })
  })
  worker.postMessage({ id, yaml })
  return await parsed
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './card-worker.ts' : './card-worker.js'
  const started = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 256 } })
  started.unref()
  started.on('message', ({ id, reading }: { id: number; reading: YamlReading }) => settle(id, reading))
  // Out of memory, or a fault of ours: whoever waits gets an answer, the next card a new worker.
  started.on('error', () => giveUp('it could not be read'))
  return started
}

function settle(id: number, reading: YamlReading): void {
  const entry = waiting.get(id)
  if (entry === undefined) return
  waiting.delete(id)
  clearTimeout(entry.timer)
  entry.resolve(reading)
  if (waiting.size === 0) idleTimer = setTimeout(endWorker, idleMs).unref()
}

function giveUp(reason: string): void {
  endWorker()
  for (const id of [...waiting.keys()]) settle(id, { kind: 'broken', reason })
}

function endWorker(): void {
  void worker?.terminate()
  worker = null
}
