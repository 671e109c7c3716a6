/**
 * Judges bundles without holding up the event loop: short ones at once where few keys count, others in a thread that is started when one comes and
 * ended when idle. One that takes too long is given up, and its thread replaced.
 */
import { Worker } from 'node:worker_threads'
import { type JudgedBundle, judgeBundle, type Trusted } from './judge-bundle.ts'
import type { SignedFile } from './manifest.ts'

export interface BundleQuestion {
  readonly id: number
  readonly bytes: Uint8Array
  readonly trusted: readonly Trusted[]
  readonly at: number
}

export type BundleReply =
  | { readonly id: number; readonly files: readonly SignedFile[] }
  /** Its files have come before. */
  | { readonly id: number; readonly judged: JudgedBundle }

/** Bytes that are judged at once: a millisecond or two. */
const atOnceLimit = 32_768
/** A file that does not say by which key it is signed is tried with each of them, at a millisecond or two for the longest. */
const atOnceKeys = 2
const timeLimitMs = 60_000
const idleMs = 30_000

interface Waiting {
  readonly files: SignedFile[]
  readonly resolve: (judged: JudgedBundle) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

let worker: Worker | null = null
let lastId = 0
let idleTimer: NodeJS.Timeout | undefined
const waiting = new Map<number, Waiting>()

/** Like `judgeBundle`. Throws where the thread failed: another try may go well. */
export async function judgeAside(bytes: Uint8Array, trusted: readonly Trusted[], at: number): Promise<JudgedBundle> {
  if (bytes.length <= atOnceLimit && trusted.length <= atOnceKeys) return judgeBundle(bytes, trusted, at)
  clearTimeout(idleTimer)
  worker ??= startWorker()
  const id = ++lastId
  const judged = new Promise<JudgedBundle>((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error('A model signature takes too long to judge.')), timeLimitMs)
    waiting.set(id, { files: [], resolve, reject, timer })
  })
  const question: BundleQuestion = { id, bytes, trusted, at }
  worker.postMessage(question)
  return await judged
}

function startWorker(): Worker {
  const file = import.meta.url.endsWith('.ts') ? './bundle-worker.ts' : './bundle-worker.js'
  const started = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 512 } })
  started.unref()
  started.on('message', settle)
  started.on('error', (error) => fail(new Error(`A model signature could not be judged: ${error.message}`)))
  return started
}

function settle(reply: BundleReply): void {
  const entry = waiting.get(reply.id)
  if (entry === undefined) return
  if ('files' in reply) {
    for (const file of reply.files) entry.files.push(file)
    return
  }
  waiting.delete(reply.id)
  clearTimeout(entry.timer)
  const { judged } = reply
  entry.resolve('reason' in judged ? judged : { ...judged, manifest: { ...judged.manifest, files: entry.files } })
  if (waiting.size === 0) idleTimer = setTimeout(endWorker, idleMs).unref()
}

function fail(error: Error): void {
  endWorker()
  for (const [id, entry] of [...waiting]) {
    waiting.delete(id)
    clearTimeout(entry.timer)
    entry.reject(error)
  }
}

function endWorker(): void {
  void worker?.terminate()
  worker = null
}
