/** Part of the hourly cleaning: codes and refresh tokens whose time is over. */
import type { Hub } from '../../hub.ts'
import { deleteExpired } from './queries.ts'

const batch = 1_000
/** A used code is noticed when it comes again within a day. */
const codesKeptMs = 86_400_000

export async function cleanOauth(hub: Hub, signal: AbortSignal): Promise<void> {
  const now = hub.clock.now()
  while (!signal.aborted && (await hub.transaction((tx) => deleteExpired(tx, now, now - codesKeptMs, batch))));
}
