/**
 * The part of the address below which a repo's Xet endpoints lie: its dedup scope and, once this hub was restored from a backup, the epoch
 * since then. Clients keep what they remember of a store by this address.
 */
import type { Hub } from '../../hub.ts'
import { dedupScope } from '../storage/service.ts'

type Scoped = Parameters<typeof dedupScope>[1]

export function scopeSegment(hub: Hub, repo: Scoped): string {
  const scope = dedupScope(hub.config, repo)
  return hub.xetEpoch === null ? scope : `${scope}-${hub.xetEpoch}`
}

/** Absolute, no slash at the end: clients put paths behind it. */
export function casUrl(hub: Hub, repo: Scoped): string {
  return `${hub.config.publicUrl}/cas/${scopeSegment(hub, repo)}`
}
