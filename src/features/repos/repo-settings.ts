/** What a repo's owners set besides its content: who sees it. Making a private one public is an event of its own kind of weight, so the
 * log keeps both values. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { lockRepo, updateSettings } from './queries.ts'

export interface RepoSettings {
  readonly visibility?: 'public' | 'private' | 'protected' | undefined
  /** Null takes it away; at the next commit of a card, the card speaks again. */
  readonly description?: string | null | undefined
}

/** Throws `repo_not_found` where it was deleted meanwhile, `bad_request` where a kind cannot be so. */
export async function updateRepoSettings(
  hub: Hub,
  allowed: Allowed<'repo.update_settings'>,
  origin: Origin,
  settings: RepoSettings,
): Promise<void> {
  const repo = allowed.resource
  if (settings.visibility === 'protected' && repo.kind !== 'space') {
    throw new HoldfastError('bad_request', { reason: 'Only a space can be protected. Choose "public" or "private".' })
  }
  const change = {
    ...(settings.visibility === undefined ? {} : { visibility: settings.visibility }),
    ...(settings.description === undefined ? {} : { description: settings.description }),
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
        ...(settings.visibility === undefined
          ? {}
          : { visibility: { from: before.visibility, to: settings.visibility } }),
        ...(settings.description === undefined ? {} : { description: settings.description }),
      },
    })
  })
}
