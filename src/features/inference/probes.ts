/**
 * Looks at the servers of models, beside the calls: a server that is there again is used without a caller who tries it, and one that went away while
 * nobody called is known. Only servers that were called in the last hour, and that no call has shown to be well since the look before.
 */
import type { Hub } from '../../hub.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import { BackendFault, faultWords, secretOf } from './ask-backend.ts'
import { probeAddress } from './backend.ts'
import { gatewayOf } from './gateway.ts'
import { selectBackends } from './probe-queries.ts'
import type { Backend } from './queries.ts'

/** In one round; the others come in the next. */
const mostInRound = 100
const atOnce = 8
const probeLimitMs = 5_000
const answerLimit = 65_536
/** Processes that were started together do not look together. */
const jitter = 0.25

/** As long as the server runs. */
export function startProbes(hub: Hub): { stop(): Promise<void> } {
  const everyMs = hub.config.inferenceProbe * 1_000
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | null = null
  let round: Promise<void> = Promise.resolve()
  const next = (): void => {
    if (stopping.signal.aborted) return
    const waitMs = everyMs * (1 - jitter + 2 * jitter * Math.random())
    timer = setTimeout(() => {
      round = probeServers(hub, stopping.signal)
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) hub.log.error({ error }, 'The servers of models could not be looked at')
        })
        .then(next)
    }, waitMs).unref()
  }
  if (everyMs > 0) next()
  return {
    stop: async () => {
      stopping.abort()
      if (timer !== null) clearTimeout(timer)
      await round
    },
  }
}

/** One round. */
async function probeServers(hub: Hub, signal: AbortSignal): Promise<void> {
  const gateway = gatewayOf(hub)
  const wanted = gateway.toProbe(hub.config.inferenceProbe * 1_000, mostInRound)
  const known = new Map((await selectBackends(hub.db, wanted)).map((backend) => [backend.id, backend]))
  for (const id of wanted) if (!known.has(id)) gateway.forget(id)
  const left = wanted.flatMap((id) => known.get(id) ?? [])
  const look = async (): Promise<void> => {
    for (let backend = left.shift(); backend !== undefined; backend = left.shift()) {
      gateway.probed(backend, await faultOf(hub, backend, signal))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, look))
}

/** Null: it is well. One that takes no such question, or not with this key, is there. Throws what `signal` was aborted with. */
async function faultOf(hub: Hub, backend: Backend, signal: AbortSignal): Promise<string | null> {
  try {
    const secret = secretOf(hub, backend)
    const { status } = await hub.outbound.send({
      url: probeAddress(backend),
      headers: { accept: 'application/json', ...(secret === null ? {} : { authorization: `Bearer ${secret}` }) },
      timeLimitMs: probeLimitMs,
      sizeLimit: answerLimit,
      signal,
    })
    return status >= 500 ? `it answered ${status}.` : null
  } catch (error) {
    if (error instanceof BackendFault) return error.message
    if (!(error instanceof OutboundRefusal)) throw error
    const isThere = error.fault === 'wrong answer' || error.fault === 'redirects'
    return isThere ? null : faultWords[error.fault]
  }
}
