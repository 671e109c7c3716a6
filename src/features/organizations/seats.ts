/**
 * Seats: how many people an organization has and may have. Service accounts take none (SEAT-2), open invitations neither. Whoever takes a
 * seat does so under the organization's lock, so that two who come at once do not share the last one.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { OwnerFacts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { countInvitations } from './invitation-queries.ts'
import { countMembers } from './member-queries.ts'
import type { OrganizationRow } from './queries.ts'
import { getSettings } from './settings.ts'
import { countServiceAccounts, lockOrganization, updateOrganization } from './settings-queries.ts'

export interface Seats {
  /** Members, any role; null for as many as come. */
  readonly used: number
  readonly limit: number | null
  /** Invitations that somebody may still accept. */
  readonly invited: number
  readonly serviceAccounts: { readonly total: number; readonly active: number }
}

export async function seatsOf(hub: Hub, organizationId: string): Promise<Seats> {
  const now = hub.clock.now()
  const [settings, used, invited, serviceAccounts] = await Promise.all([
    getSettings(hub, organizationId),
    countMembers(hub.db.list, organizationId),
    countInvitations(hub.db, organizationId, now),
    countServiceAccounts(hub.db, organizationId, now),
  ])
  return { used, limit: settings.seatLimit, invited, serviceAccounts }
}

/** Holds the organization and throws `seats_full` where no seat is left, or `organization_not_found`. */
export async function holdSeat(
  hub: Hub,
  tx: Tx,
  organization: Pick<OwnerFacts, 'id' | 'name'>,
): Promise<OrganizationRow> {
  const row = await lockOrganization(tx, hub.db.dialect, organization.id)
  if (row === null) throw new HoldfastError('organization_not_found')
  if (row.seatLimit !== null && (await countMembers(tx, organization.id)) >= row.seatLimit) {
    throw new HoldfastError('seats_full', { organization: organization.name, limit: row.seatLimit })
  }
  return row
}

/** A limit below the number of members removes nobody: it only lets nobody in. Null: any number. */
export async function setSeatLimit(
  hub: Hub,
  allowed: Allowed<'org.set_seat_limit'>,
  origin: Origin,
  organization: Pick<OwnerFacts, 'id' | 'name'>,
  limit: number | null,
): Promise<void> {
  await hub.transaction(async (tx) => {
    const before = await lockOrganization(tx, hub.db.dialect, organization.id)
    if (before === null) throw new HoldfastError('organization_not_found')
    if (before.seatLimit === limit) return
    await updateOrganization(tx, organization.id, { seatLimit: limit })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id: organization.id, name: organization.name },
      ownerId: organization.id,
      data: { from: before.seatLimit, to: limit },
    })
  })
}

/** The limit where it is reached; null where there is room. */
export function fullAt({ used, limit }: Pick<Seats, 'used' | 'limit'>): number | null {
  return limit !== null && used >= limit ? limit : null
}
