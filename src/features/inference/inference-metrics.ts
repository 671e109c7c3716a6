/** What Prometheus sees of calls: by kind of server, kind of call and class of answer. Never by model, account or anything else that callers choose. */
import { limitNames } from '../../domain/inference-limits.ts'
import type { Hub } from '../../hub.ts'
import type { InferenceUsageTable } from '../../platform/db/schema.ts'
import { backendKinds } from './backend.ts'
import { embeddedTasks } from './embedded/job.ts'
import { gatewayOf } from './gateway.ts'
import { classicTasks, openAiPaths } from './wire-names.ts'

/** `none`: no server was asked, or none answered. */
const kinds = [...backendKinds, 'embedded', 'none']
const tasks = [...openAiPaths, ...classicTasks, ...embeddedTasks]
const statuses = ['2xx', '4xx', '5xx', '499']
const scopes = ['organization', 'workspace', 'account', 'token', 'person']
const secondsToFirst = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const secondsToLast = [...secondsToFirst, 300, 600]

interface InferenceMetrics {
  /** A call ended. */
  ended(call: InferenceUsageTable): void
  /** A call was not let through. */
  limited(scope: string, limit: string): void
}

function makeMetrics(hub: Hub): InferenceMetrics {
  const { metrics } = hub
  const calls = metrics.counter('holdfast_inference_calls_total', 'Calls of models that ended.', {
    kind: kinds,
    task: tasks,
    status: statuses,
  })
  const first = metrics.histogram(
    'holdfast_inference_first_byte_seconds',
    'From a call to the first byte of its answer.',
    { kind: kinds },
    secondsToFirst,
  )
  const last = metrics.histogram(
    'holdfast_inference_call_seconds',
    'From a call to the last byte of its answer.',
    { kind: kinds },
    secondsToLast,
  )
  const tokens = metrics.counter('holdfast_inference_tokens_total', 'Tokens, as far as servers told.', {
    kind: kinds,
    direction: ['in', 'out'],
  })
  const refused = metrics.counter('holdfast_inference_limited_total', 'Calls that a limit did not let through.', {
    scope: scopes,
    limit: limitNames,
  })
  const gateway = gatewayOf(hub)
  metrics.gauge('holdfast_inference_running', 'Calls that servers of models work on.', () => gateway.load().running)
  metrics.gauge(
    'holdfast_inference_waiting',
    'Calls that wait for their turn at a server.',
    () => gateway.load().waiting,
  )
  metrics.gauge(
    'holdfast_inference_servers_skipped',
    'Servers that failed and are left alone for a while.',
    () => gateway.load().skipped,
  )
  return {
    ended: ({ backend, route, status, tokensIn, tokensOut, firstByteMs, tookMs }) => {
      const kind = backend?.split(' ')[0] ?? 'none'
      calls.add({ kind, task: route, status: status === 499 ? '499' : `${Math.floor(status / 100)}xx` })
      if (firstByteMs !== null) first.observe({ kind }, firstByteMs / 1_000)
      last.observe({ kind }, tookMs / 1_000)
      if (tokensIn !== null) tokens.add({ kind, direction: 'in' }, tokensIn)
      if (tokensOut !== null) tokens.add({ kind, direction: 'out' }, tokensOut)
    },
    limited: (scope, limit) => refused.add({ scope, limit }),
  }
}

const all = new WeakMap<Hub, InferenceMetrics>()

/** One for each open hub. */
export function inferenceMetricsOf(hub: Hub): InferenceMetrics {
  const known = all.get(hub)
  if (known !== undefined) return known
  const made = makeMetrics(hub)
  all.set(hub, made)
  return made
}
