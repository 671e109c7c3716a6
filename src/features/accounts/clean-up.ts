/** The hourly cleaning of what has expired: sessions, links, invitations, counters. Each run leaves the next one behind before it begins. */
import type { Hub } from '../../hub.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import { deleteExpiredInvitations } from '../organizations/service.ts'
import { cleanSessions } from '../sessions/service.ts'
import { deleteExpiredLinks } from './queries.ts'

const queue = 'clean-accounts'
const everyMs = 3_600_000
// A spent link says so for a week, then it is only unknown; both read the same to whoever opens it.
const linksKeptMs = 7 * 24 * 3_600_000
// As long as an administrator may want to send it again.
const invitationsKeptMs = 30 * 24 * 3_600_000
const batch = 1_000

/** Once at start: a job that waits already is left as it is. */
export async function scheduleCleaning(hub: Hub): Promise<void> {
  await ensureEnqueued(hub.db, queue, null, { dedupKey: 'next', runAt: hub.clock.now() + everyMs })
}

export async function cleanAccounts(hub: Hub, signal: AbortSignal): Promise<void> {
  await scheduleCleaning(hub)
  while (!signal.aborted && (await cleanSessions(hub)));
  let removed = batch
  while (!signal.aborted && removed === batch) {
    removed = await hub.transaction((tx) => deleteExpiredLinks(tx, hub.clock.now() - linksKeptMs, batch))
  }
  removed = batch
  while (!signal.aborted && removed === batch) {
    removed = await hub.transaction((tx) => deleteExpiredInvitations(tx, hub.clock.now() - invitationsKeptMs, batch))
  }
}
