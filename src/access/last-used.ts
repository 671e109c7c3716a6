/**
 * When and from where each credential was last used (AUTH-11). Gathered in memory and written in one transaction every minute, so that a
 * busy token costs one row a minute and reading never waits for a write. Lost for at most a minute by a crash.
 */
import type { Logger } from 'pino'
import type { Origin } from '../domain/event.ts'
import type { Credential } from '../domain/facts.ts'
import type { Db } from '../platform/db/database.ts'

interface Use {
  readonly id: string
  readonly kind: 'session' | 'token' | 'former-value'
  readonly at: number
  readonly ip: string | null
  readonly userAgent: string | null
}

export interface LastUsed {
  note(credential: Credential, origin: Origin, now: number): void
  /** Writes what is gathered; called by the timer and on stop. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const flushEveryMs = 60_000
const mostGathered = 10_000

/** `sessionLifetime` (ms): each use moves a session's end that far ahead. */
export function trackLastUsed(db: Db, log: Logger, sessionLifetime: number): LastUsed {
  let uses = new Map<string, Use>()
  const flush = async (): Promise<void> => {
    const batch = uses
    uses = new Map()
    if (batch.size === 0) return
    await db.transaction(async (tx) => {
      for (const use of batch.values()) {
        const { id } = use
        if (use.kind === 'former-value') {
          await tx
            .updateTable('formerTokenValue')
            .set({ lastUsedAt: use.at, lastIp: use.ip, lastUserAgent: use.userAgent })
            .where('tokenId', '=', id)
            // The one that was valid then: another refresh ends the older one.
            .where('validUntil', '>', use.at)
            .where('endedAt', '<=', use.at)
            .execute()
        } else if (use.kind === 'token') {
          await tx
            .updateTable('accessToken')
            .set({ lastUsedAt: use.at, lastIp: use.ip, lastUserAgent: use.userAgent })
            .where('id', '=', id)
            // What used the old value says nothing of the new one (SA-25).
            .where((q) => q.or([q('rotatedAt', 'is', null), q('rotatedAt', '<=', use.at)]))
            .execute()
        } else {
          await tx
            .updateTable('session')
            .set({ lastUsedAt: use.at, lastIp: use.ip, expiresAt: use.at + sessionLifetime })
            .where('id', '=', id)
            .execute()
        }
      }
    })
  }
  const timer = setInterval(() => {
    flush().catch((error: unknown) => log.error({ error }, 'The last use of credentials could not be written'))
  }, flushEveryMs)
  timer.unref()
  return {
    note: (credential, origin, now) => {
      const { id } = credential
      const kind = credential.kind === 'token' && credential.former !== null ? 'former-value' : credential.kind
      const key = `${kind} ${id}`
      if (uses.size >= mostGathered && !uses.has(key)) return
      uses.set(key, { id, kind, at: now, ip: origin.ip, userAgent: origin.userAgent })
    },
    flush,
    stop: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}
