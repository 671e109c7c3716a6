/** Files as they are shown, read and drawn by a confined process for one view after the other, and remembered by content. */
import type { Logger } from 'pino'
import { type Fault, type Heard, InTurn } from '../../platform/confined/in-turn.ts'
import { Remembered } from '../../platform/remembered.ts'
import { type FromWorker, fromWorker, type Job, mostAtOnce, type ToWorker } from './job.ts'
import type { Shown } from './shown.ts'

export type Viewed =
  | { readonly kind: 'shown'; readonly shown: Shown; readonly read: number }
  /** In a sentence. `read`: bytes of the file that were read all the same. */
  | { readonly kind: 'not shown'; readonly why: string; readonly read: number }

/** The bytes from `from` up to `to`; rejects where they are gone. */
export type ReadRange = (from: number, to: number) => Promise<Uint8Array>

interface Asked {
  readonly job: Job
  readonly read: ReadRange
}

/** Code without its colours is nearly as good, so nobody waits long for them. */
const limitsMs: Readonly<Record<Job['do'], number>> = { read: 4_000, highlight: 1_200 }
/** Characters that are remembered. */
const remembered = 24_000_000
const faultKeptMs = 10 * 60_000

const faultWords: Readonly<Record<Fault, string>> = {
  busy: 'This hub is busy, so the file is not shown now. Reload the page in a moment.',
  slow: 'Showing this file takes too long. It can be downloaded.',
  broken: 'This file needs more memory to be shown than a page may use. It can be downloaded.',
  unanswered: 'Its storage did not hand out this file in time. Reload the page in a moment.',
}
const isPassing: ReadonlySet<string> = new Set([faultWords.busy, faultWords.unanswered])

const program = new InTurn<Asked, FromWorker, Viewed>({
  does: 'that shows files',
  module: new URL(import.meta.url.endsWith('.ts') ? './viewer-process.ts' : './viewer-process.js', import.meta.url),
  heapMiB: 320,
  mostMemory: 1 << 30,
  says: fromWorker,
  message: ({ job }) => ({ job }) satisfies ToWorker,
  limitMs: ({ job }) => limitsMs[job.do],
  hear,
})

const views = new Remembered<Viewed>({
  most: remembered,
  sizeOf,
  keptMs: (viewed) =>
    viewed.kind === 'shown' ? Number.POSITIVE_INFINITY : isPassing.has(viewed.why) ? 0 : faultKeptMs,
})

/** `key` names the content and all that is asked of it. */
export async function view(log: Logger, key: string, job: Job, read: ReadRange): Promise<Viewed> {
  return await views.get(key, async () => {
    const outcome = await program.run(log, { job, read })
    return outcome.kind === 'done' ? outcome.result : { kind: 'not shown', why: faultWords[outcome.fault], read: 0 }
  })
}

function hear(said: FromWorker, { job, read }: Asked): Heard<Viewed> {
  if (said.say === 'shown') return { kind: 'done', result: { kind: 'shown', shown: said.shown, read: said.read } }
  if (said.say === 'not shown') return { kind: 'done', result: { kind: 'not shown', why: said.why, read: said.read } }
  const { from, to } = said
  if (job.do !== 'read' || from >= to || to > job.size || to - from > mostAtOnce) return { kind: 'out of line' }
  return {
    kind: 'asked',
    answer: async () => {
      const bytes = await read(from, to)
      const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
      return { bytes: base64 } satisfies ToWorker
    },
  }
}

function sizeOf(viewed: Viewed): number {
  if (viewed.kind === 'not shown') return 500
  const { shown } = viewed
  if (shown.kind === 'notebook') return 2_000 + JSON.stringify(shown.cells).length
  const metadata = shown.kind === 'tensors' ? JSON.stringify(shown.metadata).length : 0
  return 2_000 + shown.bodyHtml.length + metadata
}
