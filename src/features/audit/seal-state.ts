/** How far the log is sealed, for those who read it. `verifyLog` checks everything; this only looks. */
import type { Hub } from '../../hub.ts'
import { readHead } from './seal-queries.ts'
import { glanceAtLog } from './verify.ts'

export interface SealState {
  /** The last seal, and how many events are sealed with it; null before the first. */
  readonly seal: { readonly number: number; readonly total: number } | null
  /** When the last checkpoint was signed, in milliseconds. */
  readonly signedAt: number | null
  /** What does not hold, in one sentence. */
  readonly fault: string | null
}

export async function readSealState(hub: Hub): Promise<SealState> {
  const [{ seal }, glance] = await Promise.all([readHead(hub.db), glanceAtLog(hub)])
  return { seal, signedAt: glance.lastCheckpoint?.madeAt ?? null, fault: glance.fault }
}
