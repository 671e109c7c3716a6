/** For how long an address into the object storage is given, where nothing is looked up again. Null: the bytes go through the hub. */
import type { Hub } from '../../hub.ts'
import { type Place, policyOf } from './quarantine.ts'
import { selectVerdicts } from './quarantine-queries.ts'

const usualMs = 5 * 60_000
/** Where what is found later is held: a client follows at once, and asks again for each range. */
const shortMs = 60_000

/**
 * `content`: what the bytes are of; null where that is not known. Where something may be held, what scanners have not seen yet gets no address: the verdict that
 * is about to come could not take it back.
 */
export async function redirectTime(hub: Hub, repo: Place, content: string | null): Promise<number | null> {
  if (hub.config.s3?.isRedirecting !== true) return null
  const { scan, signedSince, refusesPickles } = await policyOf(hub, repo)
  if (scan === 'warn' && !refusesPickles) return signedSince === null ? usualMs : shortMs
  if (content === null) return null
  const [verdict] = await selectVerdicts(hub.db, [content])
  return verdict !== undefined && (verdict.isScanned || verdict.isReleased) ? shortMs : null
}
