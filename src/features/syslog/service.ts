/** Syslog of the whole hub: HOLDFAST_SYSLOG. */
import type { Hub } from '../../hub.ts'
import { connectSyslog, SyslogFault } from '../../platform/syslog/connection.ts'
import { nextMessages } from './next-messages.ts'
import { findState, type SyslogState } from './queries.ts'

export { startSyslog } from './sender.ts'

export interface SyslogHealth {
  /** Null before the first start with a receiver. */
  readonly state: SyslogState | null
  /** Messages that wait; `isMore`: at least. */
  readonly waiting: number
  readonly isMore: boolean
  /** Why the receiver cannot be reached now; null: it can. */
  readonly fault: string | null
}

/** Null where no receiver is set. Connects to it and sends nothing. */
export async function glanceAtSyslog(hub: Hub): Promise<SyslogHealth | null> {
  const { syslog: target, syslogCa } = hub.config
  if (target === null) return null
  const state = (await findState(hub.db))?.state ?? null
  const batch = state === null ? null : await nextMessages(hub, state.cursor)
  const waiting = { waiting: batch?.messages.length ?? 0, isMore: batch?.isFull ?? false }
  try {
    const connection = await connectSyslog(target, syslogCa)
    connection.close('It was looked at.')
    return { state, ...waiting, fault: null }
  } catch (error) {
    if (!(error instanceof SyslogFault)) throw error
    return { state, ...waiting, fault: error.reason }
  }
}
