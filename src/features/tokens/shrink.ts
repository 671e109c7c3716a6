/** "Shrink to what was used" (idea 5), for one's own tokens. A classic one becomes fine-grained by it. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { askForApproval } from '../organization-tokens/service.ts'
import { gist, refuseChild } from './derive.ts'
import { permissionsInWords, resolvePermissions } from './requested-permissions.ts'
import { changeStored, findStored } from './store.ts'
import { type Proposal, proposeShrink, type UsageReport, usageOf } from './usage.ts'

/** Throws `not_found`. */
export async function ownUsage(hub: Hub, allowed: Allowed<'token.read'>, id: string): Promise<UsageReport> {
  const found = await findStored(hub.db.read, personOf(allowed).id, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  return await usageOf(hub, allowed, found.token)
}

/** What it would be; throws as `shrinkOwnToken` does. */
export async function proposeOwnShrink(
  hub: Hub,
  allowed: Allowed<'token.read' | 'token.update'>,
  id: string,
): Promise<Proposal> {
  const found = await findStored(hub.db.read, personOf(allowed).id, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  refuseChild(found.token)
  return await proposeShrink(hub, { principal: allowed.principal, credential: null }, found.token)
}

/** Throws `not_found`, `child_token`, `shrink_impossible` and `token_changed_meanwhile`. */
export async function shrinkOwnToken(
  hub: Hub,
  allowed: Allowed<'token.update'>,
  origin: Origin,
  id: string,
): Promise<Proposal> {
  const owner = personOf(allowed)
  const found = await findStored(hub.db.read, owner.id, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  const before = found.token
  const proposal = await proposeOwnShrink(hub, allowed, id)
  const permissions = await resolvePermissions(hub, owner, {
    canReadGatedRepos: false,
    global: [],
    scoped: proposal.grants,
  })
  await hub.transaction(async (tx) => {
    const again = await findStored(tx, owner.id, id, hub.clock.now())
    if (again === null) throw new HoldfastError('not_found')
    if (gist(again.token) !== gist(before)) throw new HoldfastError('token_changed_meanwhile')
    await changeStored(tx, owner.id, id, { role: 'fineGrained', permissions })
    const { name, last4 } = before
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'token', id, name },
      ownerId: owner.id,
      data: {
        owner: owner.name,
        last4,
        shrunk: true,
        from: { role: before.role, permissions: permissionsInWords(before) },
        to: { role: 'fineGrained', permissions: permissionsInWords(permissions) },
      },
    })
    // What was approved was more than it is now.
    if (before.role !== 'fineGrained') await askForApproval(hub, tx, { id, name, last4 }, owner)
  })
  return proposal
}

function personOf({ principal }: Allowed<'token.read' | 'token.update'>) {
  if (principal.kind !== 'user') throw new Error('A token belongs to a person.')
  return principal
}
