/** Who has to ask before they get a repo's files, and whom new requests are told to. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { lockRepo, updateSettings } from './queries.ts'

/** What is left out stays as it is. */
export interface GateSettings {
  readonly gated?: RepoFacts['gated'] | undefined
  readonly orgMembersGated?: boolean | undefined
  /** Null: the owner, or the first administrators of the organization. */
  readonly gatedNotificationsEmail?: string | null | undefined
  readonly gatedNotificationsMode?: 'bulk' | 'real-time' | undefined
}

/** Throws `repo_not_found` where it was deleted meanwhile, `bad_request` where there is no organization whose members could be gated. */
export async function updateGate(
  hub: Hub,
  allowed: Allowed<'repo.update_gate'>,
  origin: Origin,
  settings: GateSettings,
): Promise<void> {
  const repo = allowed.resource
  const { gated, orgMembersGated, gatedNotificationsEmail: email, gatedNotificationsMode: mode } = settings
  if (orgMembersGated === true && repo.owner.kind !== 'organization') {
    throw new HoldfastError('bad_request', { reason: 'Only the repository of an organization has members to gate.' })
  }
  const change = {
    ...(gated === undefined ? {} : { gated: gated === false ? ('open' as const) : gated }),
    ...(orgMembersGated === undefined ? {} : { orgMembersGated: orgMembersGated ? (1 as const) : (0 as const) }),
    ...(email === undefined ? {} : { gatedNotificationsEmail: email }),
    ...(mode === undefined ? {} : { gatedNotificationsMode: mode }),
  }
  if (Object.keys(change).length === 0) return
  await hub.transaction(async (tx) => {
    const before = await lockRepo(tx, hub.db.dialect, repo.id)
    if (before === null) throw new HoldfastError('repo_not_found')
    await updateSettings(tx, repo.id, change)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: repo.kind, id: repo.id, name: before.fullName },
      ownerId: before.ownerId,
      data: {
        ...(gated === undefined ? {} : { gated: { from: word(repo.gated), to: word(gated) } }),
        ...(orgMembersGated === undefined
          ? {}
          : { orgMembersGated: { from: repo.orgMembersGated, to: orgMembersGated } }),
        // An address is nobody's business but that of who may change it.
        ...(email === undefined ? {} : { notifications: email === null ? 'to the owner' : 'to an address' }),
        ...(mode === undefined ? {} : { notificationsMode: mode }),
      },
    })
  })
}

function word(gated: RepoFacts['gated']): string {
  return gated === false ? 'off' : gated
}
