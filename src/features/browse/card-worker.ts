/** Turns cards into HTML off the event loop. Says when it is ready; then one message in, one out. */
import { parentPort } from 'node:worker_threads'
import type { CardPlace } from './card-address.ts'
import { cardHtml } from './card-html.ts'

export interface CardJob {
  readonly markdown: string
  readonly place: CardPlace
}

export type CardAnswer = { readonly html: string } | { readonly fault: 'deep' } | 'ready'

function answer({ markdown, place }: CardJob): CardAnswer {
  try {
    return { html: cardHtml(markdown, place) }
  } catch (error) {
    // Out of stack, or longer than a page may be. Any other fault is ours and ends the worker.
    if (error instanceof RangeError) return { fault: 'deep' }
    throw error
  }
}

parentPort?.on('message', (job: CardJob) => parentPort?.postMessage(answer(job)))
parentPort?.postMessage('ready' satisfies CardAnswer)
