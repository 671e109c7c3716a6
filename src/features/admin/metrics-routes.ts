/** What Prometheus reads. Of this process alone: of several each is asked for itself. */
import { type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import { metricsType, type Reading } from '../../platform/metrics/metrics.ts'
import { type QueueState, selectQueues } from './queries.ts'

/** `queues`: the name of each that has a handler. */
export function metricsRoutes(queues: (hub: Hub) => readonly string[]): Route[] {
  return [
    route({
      method: 'GET',
      path: '/metrics',
      surface: 'api',
      action: 'instance.metrics.read',
      target: { on: 'instance' },
      summary: 'How this process does, in the text format of Prometheus: for administrators of the hub.',
      handle: async ({ hub }) => ({
        kind: 'body',
        status: 200,
        type: metricsType,
        body: hub.metrics.write([jobs(await selectQueues(hub.db, queues(hub)))]),
        headers: { 'cache-control': 'no-store' },
      }),
    }),
  ]
}

/** The same from each process: they share the queues. */
function jobs(states: readonly QueueState[]): Reading {
  return {
    name: 'holdfast_jobs',
    help: 'Jobs by queue, at most 1001 of each: waiting (some of them for their time), running, and failed for good.',
    type: 'gauge',
    samples: () =>
      states.flatMap(({ queue, waiting, running, failed }) =>
        Object.entries({ waiting, running, failed }).map(([state, value]) => ({ labels: { queue, state }, value })),
      ),
  }
}
