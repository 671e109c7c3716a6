/** Turns cards into HTML, in a process of its own. Says when it is ready; then one message in, one out. */
import { cardHtml } from './card-html.ts'
import type { CardJob, CardSaid } from './card-job.ts'

function said({ markdown, place }: CardJob): CardSaid {
  try {
    return { say: 'html', html: cardHtml(markdown, place) }
  } catch (error) {
    // Out of stack, or longer than a page may be. Any other fault is ours and ends the process.
    if (error instanceof RangeError) return { say: 'deep' }
    throw error
  }
}

process.on('message', (job: CardJob) => process.send?.(said(job)))
// Nobody is left to render anything for.
process.on('disconnect', () => process.exit())
process.send?.({ say: 'ready' })
