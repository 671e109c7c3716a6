/** Jobs and queues of the hub: how they stand, and what failed for good tried again or dropped. */
import { z } from 'zod'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import { afterCommit } from '../../platform/db/database.ts'
import { dropDeadJob, listDeadJobs, retryDeadJob } from '../../platform/jobs/queries.ts'
import { wakeWorkers } from '../../platform/jobs/wake.ts'
import { recordEvent } from '../audit/service.ts'
import { JobsPage, jobsHref, jobsPath } from './jobs-page.tsx'
import { selectQueues } from './queries.ts'

const instance = { on: 'instance' } as const
const perPage = 25
const body = z.object({ id: z.string().max(100) })
const about = { resource: { kind: 'instance', id: null, name: null }, ownerId: null } as const
const isGone = () => redirectWithNotice(jobsPath, 'info', 'This job is not among the failed ones any more.')

/** `queues`: the name of each that has a handler. */
export function jobsRoutes(queues: (hub: Hub) => readonly string[]): Route[] {
  return [
    route({
      method: 'GET',
      path: jobsPath,
      surface: 'page',
      action: 'instance.manage.read',
      target: instance,
      query: z.object({ after: z.string().max(100).optional() }),
      handle: async ({ hub, facts, query, request }) => {
        const after = query.after ?? null
        const [context, states, rows] = await Promise.all([
          pageContext(hub, facts, request),
          selectQueues(hub.db, queues(hub)),
          listDeadJobs(hub.db, { after, limit: perPage + 1 }),
        ])
        const shown = rows.slice(0, perPage)
        const last = shown.at(-1)
        return pageReply(
          context,
          <JobsPage
            context={context}
            queues={states}
            failed={shown.map(({ id, queue, attempts, lastError, createdAt }) => ({
              id,
              queue,
              attempts,
              error: lastError,
              createdAt,
            }))}
            olderHref={rows.length > perPage && last !== undefined ? jobsHref(last.id) : null}
            firstHref={after === null ? null : jobsHref(null)}
          />,
        )
      },
    }),
    route({
      method: 'POST',
      path: `${jobsPath}/retry`,
      surface: 'page',
      action: 'job.retry',
      target: instance,
      body,
      handle: async ({ hub, allowed, body: { id }, request }) => {
        const queue = await hub.transaction(async (tx) => {
          const retried = await retryDeadJob(tx, id, hub.clock.now())
          if (retried === null) return null
          await recordEvent(hub, tx, allowed, request.origin, { ...about, data: { queue: retried } })
          afterCommit(tx, wakeWorkers)
          return retried
        })
        return queue === null ? isGone() : redirectWithNotice(jobsPath, 'success', 'The job runs again.')
      },
    }),
    route({
      method: 'POST',
      path: `${jobsPath}/drop`,
      surface: 'page',
      action: 'job.retry',
      target: instance,
      body,
      handle: async ({ hub, allowed, body: { id }, request }) => {
        const queue = await hub.transaction(async (tx) => {
          const dropped = await dropDeadJob(tx, id)
          if (dropped === null) return null
          await recordEvent(hub, tx, allowed, request.origin, { ...about, data: { queue: dropped, dropped: true } })
          return dropped
        })
        return queue === null ? isGone() : redirectWithNotice(jobsPath, 'success', 'The job is dropped.')
      },
    }),
  ]
}
