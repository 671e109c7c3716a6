/**
 * Brings back a repo that was deleted, as long as nothing of it was removed: its commits and large files, under its old name or another one.
 * Roles and tokens that were about it alone are gone for good (UAT-10).
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { OwnerFacts, RepoKind } from '../../domain/facts.ts'
import { nameKey, parseNewRepoName } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import { askForCount, claimXorbsOfRepo, dedupScope, undoMs } from '../storage/service.ts'
import { enqueueIndexing } from './index-repo.ts'
import { deleteRedirect, findRepoId, ownerName, updatePlace } from './queries.ts'
import { clearDeleted, lockDeleted, selectDeleted, selectDeletedByName } from './restore-queries.ts'

export interface DeletedRepo {
  readonly id: string
  readonly kind: RepoKind
  /** As it was called. */
  readonly fullName: string
  readonly deletedAt: number
  /** Until then at least it can be restored. */
  readonly keptUntil: number
  /** Bytes of its large files. */
  readonly usedStorage: number
}

/** Last deleted first; the next page begins after the last one of this. */
export async function listDeletedRepos(
  hub: Hub,
  _allowed: Allowed<'repo.restore'>,
  page: { readonly after: DeletedRepo | null; readonly limit: number },
): Promise<DeletedRepo[]> {
  const before = page.after ?? { deletedAt: Number.MAX_SAFE_INTEGER, id: '' }
  const rows = await selectDeleted(hub.db, before, page.limit)
  return rows.map((row) => ({ ...row, keptUntil: row.deletedAt + undoMs(hub.config) }))
}

export interface Restoration {
  /** The id, or the full name it had. */
  readonly repo: string
  /** Where it shall stand instead of where it stood. */
  readonly as?: { readonly owner: Pick<OwnerFacts, 'id' | 'kind'>; readonly name: string }
}

/**
 * Gives kind and full name. Throws `restore_not_found`, `restore_ambiguous` (several of that name: their ids), and where another repo has the
 * name, or the owner is gone, `restore_name_taken` or `restore_owner_gone`.
 */
export async function restoreRepo(
  hub: Hub,
  allowed: Allowed<'repo.restore'>,
  origin: Origin,
  input: Restoration,
): Promise<{ readonly id: string; readonly kind: RepoKind; readonly fullName: string }> {
  const id = await findDeleted(hub, input.repo)
  const target = input.as === undefined ? null : { owner: input.as.owner, name: parseNewRepoName(input.as.name) }
  try {
    return await hub.transaction(async (tx) => {
      const before = await lockDeleted(tx, hub.db.dialect, id)
      if (before === null) throw new HoldfastError('restore_not_found', { name: input.repo })
      const ownerId = target?.owner.id ?? before.ownerId
      const name = target?.name ?? before.name
      const owner = await ownerName(tx, hub.db.dialect, ownerId)
      if (owner === null) throw new HoldfastError('restore_owner_gone', { name: before.fullName })
      const fullName = `${owner}/${name}`
      const key = { ownerId, kind: before.kind, nameKey: nameKey(name) }
      if ((await findRepoId(tx, key)) !== null) throw new HoldfastError('restore_name_taken', { name: fullName })
      const hasMoved = target !== null && ownerId !== before.ownerId
      await updatePlace(tx, id, {
        ownerId,
        name,
        nameKey: key.nameKey,
        fullName,
        fullNameKey: nameKey(fullName),
        ...(hasMoved ? { workspaceId: null } : {}),
      })
      const now = hub.clock.now()
      await clearDeleted(tx, id, now)
      await deleteRedirect(tx, key)
      if (hasMoved) {
        const from = before.workspaceId ?? before.ownerId
        const to = dedupScope(hub.config, { owner: { ...target.owner, name: owner }, workspaceId: null })
        await claimXorbsOfRepo(tx, id, { from: hub.config.xetDedup === 'instance' ? to : from, to }, now)
      }
      await askForCount(hub, tx, id)
      if (before.headCommit !== null) await enqueueIndexing(tx, id)
      await recordEvent(hub, tx, allowed, origin, {
        resource: { kind: before.kind, id, name: fullName },
        ownerId,
        data: { from: before.fullName, to: fullName, visibility: before.visibility },
      })
      return { id, kind: before.kind, fullName }
    })
  } catch (error) {
    // Somebody took the name in between.
    if (isUniqueViolation(error)) throw new HoldfastError('restore_name_taken', { name: input.repo })
    throw error
  }
}

const shown = 10

async function findDeleted(hub: Hub, repo: string): Promise<string> {
  if (/^[0-9a-f]{24}$/.test(repo)) return repo
  const [found, ...more] = await selectDeletedByName(hub.db, nameKey(repo), shown)
  if (found === undefined) throw new HoldfastError('restore_not_found', { name: repo })
  if (more.length > 0) {
    const ids = [found, ...more].map((row) => `${row.id} (${row.kind}, ${new Date(row.deletedAt).toISOString()})`)
    throw new HoldfastError('restore_ambiguous', { name: repo, ids: ids.join(', ') })
  }
  return found.id
}
