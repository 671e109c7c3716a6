/** Requests by who speaks at their address and the class of their answer, for Prometheus. */
import type { ServerResponse } from 'node:http'
import type { Hub } from '../hub.ts'
import type { Surface } from './route.ts'

const labels = {
  surface: ['api', 'resolve', 'git', 'lfs', 'xet', 'oauth', 'openai', 'page'],
  // `none`: the connection ended before the answer began.
  status: ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'],
} as const satisfies { readonly surface: readonly Surface[]; readonly status: readonly string[] }

type Count = (surface: Surface, response: ServerResponse) => void

const all = new WeakMap<Hub, Count>()

/** One for each open hub. */
export function requestCountOf(hub: Hub): Count {
  const known = all.get(hub)
  if (known !== undefined) return known
  const requests = hub.metrics.counter('holdfast_http_requests_total', 'Requests that ended.', labels)
  const count: Count = (surface, { headersSent, statusCode }) =>
    requests.add({ surface, status: headersSent ? `${Math.floor(statusCode / 100)}xx` : 'none' })
  all.set(hub, count)
  return count
}
