/**
 * The job that tidies up after temporary roles. Nothing depends on when it runs: a role that has ended counts no more from that moment. It takes
 * away what is left of the row, and writes the event that the history of the organization would lack.
 */
import { z } from 'zod'
import { systemOrigin } from '../../domain/event.ts'
import { plainOrganization, serviceAccountName } from '../../domain/facts.ts'
import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { recordEvent } from '../audit/service.ts'
import { clearTemporary, deleteGrant, endingQueue, type GrantRow, lockGrant } from '../temporary-roles/service.ts'
import { settleMembership } from './membership.ts'
import { nameOfPrincipal, placeOfGrant } from './temporary-queries.ts'

const payloadShape = z.object({ targetId: z.string(), principalId: z.string() })

export function temporaryRoleJobs(hub: Hub): JobHandlers {
  return {
    [endingQueue]: async (payload) => {
      const { targetId, principalId } = payloadShape.parse(payload)
      await hub.transaction(async (tx) => {
        const row = await lockGrant(tx, hub.db.dialect, targetId, principalId)
        // Extended, ended early, or taken away: nothing is left to do.
        if (row?.temporaryUntil == null || row.temporaryUntil > hub.clock.now()) return
        await settle(hub, tx, row)
      })
    },
  }
}

async function settle(hub: Hub, tx: Tx, row: GrantRow): Promise<void> {
  const place = await placeOfGrant(tx, row)
  const name = await nameOfPrincipal(tx, row)
  const isPerson = row.principalKind === 'user'
  if (row.targetKind === 'organization' && isPerson) await settleMembership(tx, row)
  else await (row.endsWhole === 1 ? deleteGrant : clearTemporary)(tx, row.targetId, row.principalId)
  if (place === null) return
  const { organization, workspace } = place
  const change = { from: row.temporaryRole ?? 'none', to: row.endsWhole === 1 ? 'none' : row.role, ended: 'in time' }
  const facts = { on: 'organization', name: organization.name, organization: plainOrganization(organization) } as const
  const allowed = systemGrant('org.change_role', facts, 'a temporary role ended')
  await recordEvent(hub, tx, allowed, systemOrigin, {
    ...(workspace === null
      ? {
          resource: { kind: row.principalKind, id: row.principalId, name },
          data: { organization: organization.name, ...change },
        }
      : {
          action: 'resource_group.change_role',
          resource: { kind: 'resource-group', id: workspace.id, name: workspace.name },
          data: {
            member: isPerson || row.principalKind === 'group' ? name : serviceAccountName(row.principalId),
            memberId: row.principalId,
            kind: row.principalKind,
            ...change,
          },
        }),
    ownerId: organization.id,
  })
}
