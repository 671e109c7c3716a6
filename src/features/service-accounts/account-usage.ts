/** What tokens of service accounts touched, and how they are narrowed to that (idea 5). */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { serviceAccountName } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { findStored, type Proposal, proposeShrink, refuseChild, type UsageReport, usageOf } from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import { updateAccountToken } from './account-tokens.ts'

/** Throws `not_found`. */
export async function accountUsage(
  hub: Hub,
  allowed: Allowed<'org.service_account.read'>,
  account: ServiceAccount,
  id: string,
): Promise<UsageReport> {
  const found = await findStored(hub.db.read, account.id, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  return await usageOf(hub, allowed, found.token)
}

/** Throws `not_found`, `child_token` and `shrink_impossible`. */
export async function proposeAccountShrink(
  hub: Hub,
  allowed: Allowed<'org.service_account.read' | 'org.service_account.token.update'>,
  account: ServiceAccount,
  id: string,
): Promise<Proposal> {
  const found = await findStored(hub.db.read, account.id, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  refuseChild(found.token)
  const { id: organizationId, name } = allowed.resource
  const principal = {
    kind: 'service-account',
    id: account.id,
    name: serviceAccountName(account.id),
    fullname: account.name,
    organization: { id: organizationId, name },
  } as const
  return await proposeShrink(hub, { principal, credential: null }, found.token)
}

/** Throws as `updateAccountToken` does, too. */
export async function shrinkAccountToken(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.update'>,
  origin: Origin,
  account: ServiceAccount,
  id: string,
): Promise<Proposal> {
  const proposal = await proposeAccountShrink(hub, allowed, account, id)
  await updateAccountToken(hub, allowed, origin, account.id, id, { mode: 'scoped', scoped: proposal.grants })
  return proposal
}
