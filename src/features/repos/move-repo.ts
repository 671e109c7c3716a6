/**
 * Renames a repo or gives it to another namespace. It keeps its id, so its bytes, grants and tokens stay where they are; its old address
 * leads to the new one until somebody else takes the name.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import { nameKey, parseNewRepoName } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import { askForNamespaceCount, claimXorbsOfRepo, dedupScope } from '../storage/service.ts'
import { deleteRedirect, findRepoId, insertRedirect, lockRepo, ownerName, updatePlace } from './queries.ts'

export interface Move {
  readonly name: string
  /** The other namespace, with the decision about it; absent for a rename. */
  readonly into?: Allowed<'repo.create'>
}

/** Gives the new full name. Throws `invalid_name`, `move_target_exists`, or `repo_not_found` where it was deleted meanwhile. */
export async function moveRepo(
  hub: Hub,
  allowed: Allowed<'repo.move' | 'repo.transfer'>,
  origin: Origin,
  move: Move,
): Promise<string> {
  const repo = allowed.resource
  const name = parseNewRepoName(move.name)
  if (move.into === undefined && allowed.action === 'repo.transfer') {
    throw new Error('A transfer needs the decision about the namespace that it goes to.')
  }
  const target = move.into?.resource ?? repo.owner
  try {
    return await hub.transaction(async (tx) => {
      const owner = await ownerName(tx, hub.db.dialect, target.id)
      const before = await lockRepo(tx, hub.db.dialect, repo.id)
      // Moved or deleted since it was decided: the decision was about another place.
      if (before === null || before.ownerId !== repo.owner.id) throw new HoldfastError('repo_not_found')
      if (owner === null) throw new HoldfastError('create_forbidden', { kind: repo.kind, namespace: target.name })
      const fullName = `${owner}/${name}`
      const key = { ownerId: target.id, kind: repo.kind, nameKey: nameKey(name) }
      const there = await findRepoId(tx, key)
      if (there !== null && there !== repo.id) throw targetExists(repo.kind, fullName)
      await updatePlace(tx, repo.id, {
        ownerId: target.id,
        name,
        nameKey: key.nameKey,
        fullName,
        fullNameKey: nameKey(fullName),
        ...(target.id === before.ownerId ? {} : newOwner(allowed, target.kind)),
      })
      if (target.id !== before.ownerId) {
        // Later uploads there may build on the chunks that it brings along; what it leaves behind keeps its claims.
        const from = dedupScope(hub.config, { owner: repo.owner, workspaceId: before.workspaceId })
        const to = dedupScope(hub.config, { owner: target, workspaceId: null })
        await claimXorbsOfRepo(tx, repo.id, { from, to }, hub.clock.now())
        await askForNamespaceCount(hub, tx, before.ownerId)
        await askForNamespaceCount(hub, tx, target.id)
      }
      await deleteRedirect(tx, key)
      if (target.id !== before.ownerId || key.nameKey !== before.nameKey) {
        const old = { ownerId: before.ownerId, kind: repo.kind, nameKey: before.nameKey }
        await insertRedirect(tx, { ...old, repoId: repo.id, createdAt: hub.clock.now() })
      }
      await recordEvent(hub, tx, allowed, origin, {
        resource: { kind: repo.kind, id: repo.id, name: fullName },
        ownerId: target.id,
        data: { from: before.fullName, to: fullName },
      })
      return fullName
    })
  } catch (error) {
    // Somebody took the name in between.
    if (isUniqueViolation(error)) throw targetExists(repo.kind, `${target.name}/${name}`)
    throw error
  }
}

/** A workspace belongs to its organization; who moves a repo into an organization counts as its creator there (ROL-a). */
function newOwner(
  allowed: Allowed<'repo.move' | 'repo.transfer'>,
  kind: 'user' | 'organization',
): { workspaceId: null; creatorId?: string } {
  const account = accountOf(allowed.principal)
  return kind === 'organization' && account !== null
    ? { workspaceId: null, creatorId: account.id }
    : { workspaceId: null }
}

function targetExists(kind: string, name: string): HoldfastError {
  return new HoldfastError('move_target_exists', { kind, name })
}
