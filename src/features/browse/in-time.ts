/** Looks that may take long on an old, large history: a page waits for them a moment, not longer, and shows what it has. */
import type { Logger } from 'pino'
import { GitFailure } from '../../platform/git/run.ts'

/** What a page waits for facts that it can do without. */
const patienceMs = 1_500
/** Each look may be a process that reads history: so many at once, over all pages, and so many of them that no page waits for any more. */
const mostLooks = 32
const mostLate = 4

let looks = 0
let late = 0

/**
 * The answer, or null where it is not there in time or git gave up. What was begun goes on, and walks through history are remembered by
 * platform/git: the next view of the page has them.
 */
export async function inTime<T>(log: Logger, look: () => Promise<T>, waitMs = patienceMs): Promise<T | null> {
  if (looks >= mostLooks || late >= mostLate) return null
  looks++
  let isLate = false
  const answer = look()
    .catch((error: unknown) => {
      if (!(error instanceof GitFailure)) throw error
      log.warn({ error }, 'A look into the history did not end')
      return null
    })
    .finally(() => {
      looks--
      if (isLate) late--
    })
  // Before, the race below reports a fault; after the page has gone only the log can.
  answer.catch((error: unknown) => {
    if (isLate) log.error({ error }, 'A look into the history failed after its page had gone')
  })
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      isLate = true
      late++
      resolve(null)
    }, waitMs)
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
