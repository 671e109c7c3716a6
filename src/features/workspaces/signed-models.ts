/** Whether only signed models are handed out from a workspace. What counts as signed is said by the features of model signatures, above this one. */
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { holdWorkspace } from './held.ts'
import { updateWorkspaceRow } from './queries.ts'

/** Throws `workspace_not_found`. */
export async function setSignedModels(
  hub: Hub,
  allowed: Allowed<'resource_group.signed_models'>,
  origin: Origin,
  only: boolean,
): Promise<void> {
  const { id, organization } = allowed.resource
  await hub.transaction(async (tx) => {
    const before = await holdWorkspace(hub, tx, id)
    if (before.signedModelsSince > 0 === only) return
    await updateWorkspaceRow(tx, id, { signedModelsSince: only ? hub.clock.now() : 0 })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'resource-group', id, name: before.name },
      ownerId: organization.id,
      data: { only },
    })
  })
}
