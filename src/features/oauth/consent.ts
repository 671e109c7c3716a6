/** What a person allowed an application, remembered so that the same or less needs no second question. */
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { findConsent, putConsent } from './queries.ts'
import { type ScopeName, scopeNames, scopesOf } from './scopes.ts'

/** Scopes add up; of organizations the last answer counts. */
export async function mergeConsent(
  hub: Hub,
  tx: Tx,
  userId: string,
  clientId: string,
  scopes: readonly ScopeName[],
  organizationIds: readonly string[],
): Promise<void> {
  const before = await findConsent(tx, userId, clientId)
  const known = before === null ? [] : scopesOf(before.scope)
  await putConsent(tx, {
    userId,
    clientId,
    scope: scopeNames.filter((name) => known.includes(name) || scopes.includes(name)).join(' '),
    organizationIds: JSON.stringify(organizationIds),
    grantedAt: hub.clock.now(),
  })
}
