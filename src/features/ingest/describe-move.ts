/** The audit event of a ref move. */
import type { EventData, Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { EventTable } from '../../platform/db/schema.ts'
import type { RefMove } from '../../platform/git/refs.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { describeEvent } from '../audit/service.ts'

export function describeMove(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  move: RefMove,
  data: EventData,
): EventTable {
  const repo = allowed.resource
  return describeEvent(hub, allowed, origin, {
    resource: { kind: repo.kind, id: repo.id, name: `${repo.owner.name}/${repo.name}` },
    ownerId: repo.owner.id,
    data: { ...data, ref: move.ref, old: nullable(move.oldOid), new: nullable(move.newOid) },
  })
}

function nullable(oid: string): string | null {
  return oid === zeroOid ? null : oid
}
