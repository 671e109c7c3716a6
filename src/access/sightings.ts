/**
 * Uses of tokens that their owner has to hear of, although the request is refused like any other. A sighting only leaves a note in memory, which is
 * handed to a job a moment later: neither the answer nor its time tells whoever tries values that one of them was known.
 */
import type { Logger } from 'pino'
import { type ErrorCode, type ErrorExtras, HoldfastError } from '../domain/errors.ts'
import type { Origin } from '../domain/event.ts'
import { withoutTokens } from '../domain/token.ts'
import type { Db } from '../platform/db/database.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'

/** `dead`: a value that its token no longer has. `fenced`: outside of its fence. */
export type SightingKind = 'dead' | 'fenced'

export interface Sighting {
  readonly kind: SightingKind
  readonly tokenId: string
  /** Of the value that was sent. */
  readonly last4: string
}

/** A refusal of a token that is known here. On the wire it is what its code says. */
export class RefusedToken extends HoldfastError {
  readonly sighting: Sighting

  constructor(code: ErrorCode, sighting: Sighting, extras: ErrorExtras) {
    super(code, {}, extras)
    this.sighting = sighting
  }
}

export interface Sightings {
  note(sighting: Sighting, origin: Origin, now: number): void
  /** Hands over what is gathered. */
  stop(): Promise<void>
}

/** Takes `SightingReport`s. */
export const sightingQueue = 'token-sighting'

export interface SightingReport extends Sighting {
  readonly at: number
  readonly ip: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}

/** How long a token is not reported again for the same. */
export const quietMs: Readonly<Record<SightingKind, number>> = { dead: 86_400_000, fenced: 3_600_000 }

const flushMs = 500
const mostRemembered = 10_000

export function watchTokens(db: Db, log: Logger): Sightings {
  /** When each was last reported. The rows remember it over a restart. */
  const reported = new Map<string, number>()
  let gathered: SightingReport[] = []
  let timer: NodeJS.Timeout | null = null
  let flushing: Promise<void> = Promise.resolve()

  async function handOver(): Promise<void> {
    const reports = gathered
    gathered = []
    if (reports.length === 0) return
    try {
      await db.transaction(async (tx) => {
        for (const report of reports) await enqueue(tx, sightingQueue, { ...report })
      })
    } catch (error) {
      // The next use is reported in place of this one.
      for (const report of reports) reported.delete(keyOf(report))
      log.error({ error }, 'Uses of refused tokens could not be reported')
    }
  }
  function flush(): Promise<void> {
    timer = null
    flushing = flushing.then(handOver)
    return flushing
  }
  return {
    note: (sighting, origin, now) => {
      const key = keyOf(sighting)
      const last = reported.get(key)
      if (last !== undefined && now - last < quietMs[sighting.kind]) return
      reported.delete(key)
      reported.set(key, now)
      const [oldest] = reported.keys()
      if (reported.size > mostRemembered && oldest !== undefined) reported.delete(oldest)
      const { ip, userAgent, requestId } = origin
      gathered.push({ ...sighting, at: now, ip, userAgent: withoutTokens(userAgent), requestId })
      timer ??= setTimeout(() => void flush(), flushMs)
    },
    stop: async () => {
      if (timer !== null) clearTimeout(timer)
      await flush()
    },
  }
}

const keyOf = ({ kind, tokenId }: Sighting): string => `${kind} ${tokenId}`
