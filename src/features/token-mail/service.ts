/**
 * The weekly mail about tokens that need attention (idea 8): one for each person, of their own tokens and of those that reach the organizations
 * that they administer. A run only marks people and leaves a job for each, in one transaction: repeated after a crash it finds them marked. What
 * the mail says is gathered by that job, by what the person may see when it is written.
 */
import { z } from 'zod'
import { radarDayMs } from '../../domain/token-radar.ts'
import type { Hub } from '../../hub.ts'
import { enqueue, enqueueEach, ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { composeTokenMail } from './compose.ts'
import { endOfWindow, listCandidates, markTold } from './queries.ts'

const runQueue = 'token-mail-run'
const mailQueue = 'token-mail'
const weekMs = 7 * radarDayMs
/** Less than a week, so that a run that starts late does not skip the next one. */
const pauseMs = 6 * radarDayMs
/** The first Monday of 1970, 06:00 UTC. */
const firstRunAt = 4 * radarDayMs + 6 * 3_600_000
/** Accounts that one transaction goes through. */
const windowSize = 500

const runSchema = z.object({ after: z.string() })
const mailSchema = z.object({ userId: z.string() })

export function tokenMailJobs(hub: Hub): JobHandlers {
  return {
    [runQueue]: (payload, signal) => run(hub, runSchema.parse(payload).after, signal),
    [mailQueue]: async (payload) => {
      const mail = await composeTokenMail(hub, mailSchema.parse(payload).userId)
      if (mail !== null) await hub.mailer.send(mail)
    },
  }
}

/** The next Monday morning, for all processes alike. */
export async function scheduleTokenMail(hub: Hub): Promise<void> {
  const weeks = Math.floor((hub.clock.now() - firstRunAt) / weekMs) + 1
  const runAt = firstRunAt + weeks * weekMs
  await ensureEnqueued(hub.db, runQueue, { after: '' }, { dedupKey: 'next', runAt })
}

async function run(hub: Hub, start: string, signal: AbortSignal): Promise<void> {
  await scheduleTokenMail(hub)
  // Nobody is marked as told by a hub that sends nothing.
  if (!hub.mailer.isConfigured) return
  let after = start
  for (;;) {
    // Aborted between two windows: the rest is for another run.
    if (signal.aborted) return await hub.transaction((tx) => enqueue(tx, runQueue, { after }))
    const last = await endOfWindow(hub.db, after, windowSize)
    if (last === null) return
    const now = hub.clock.now()
    const people = await listCandidates(hub.db, { after, last }, now, now - pauseMs)
    if (people.length > 0) {
      await hub.transaction(async (tx) => {
        const marked = await markTold(tx, people, now, now - pauseMs)
        await enqueueEach(
          tx,
          mailQueue,
          marked.map((userId) => ({ userId })),
        )
      })
    }
    after = last
  }
}
