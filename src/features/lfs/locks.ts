/** File locks of Git LFS: one per path and repo, a promise among people that clients keep when they push. */

import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import { parseRepoPath } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { deleteLock, insertLock, type LockRow, selectLocks } from './queries.ts'

export interface LockPage {
  readonly locks: readonly LockRow[]
  /** What `after` is for the next page, or null. */
  readonly next: string | null
}

export async function listLocks(
  hub: Hub,
  allowed: Allowed<'repo.content.read' | 'repo.push'>,
  filter: { readonly path?: string | undefined; readonly id?: string | undefined; readonly after: string | null },
  limit: number,
): Promise<LockPage> {
  const locks = await selectLocks(hub.db, allowed.resource.id, filter, limit + 1)
  return { locks: locks.slice(0, limit), next: locks.length > limit ? (locks[limit - 1]?.id ?? null) : null }
}

/** Throws `lock_exists`, with the lock in its body as git-lfs expects it. */
export async function createLock(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  input: { readonly path: string; readonly ref: string | null },
): Promise<LockRow> {
  const { principal, resource } = allowed
  const account = accountOf(principal)
  if (account === null) throw new HoldfastError('unauthenticated')
  const path = parseRepoPath(input.path)
  const lock = {
    id: hub.clock.id(),
    repoId: resource.id,
    path,
    ref: input.ref,
    ownerId: account.id,
    lockedAt: hub.clock.now(),
  }
  if (await hub.transaction((tx) => insertLock(tx, lock)))
    return { ...lock, ownerName: account.kind === 'user' ? account.name : account.fullname }
  const [holder] = await selectLocks(hub.db, resource.id, { path, after: null }, 1)
  // It was released in between: the client may simply ask again.
  if (holder === undefined) throw new HoldfastError('busy')
  throw new HoldfastError('lock_exists', { owner: ownerOf(holder) }, { body: { lock: presentLock(holder) } })
}

/** Throws `entry_not_found`, or `lock_of_another` unless `breakAny` proves the right to break it. */
export async function releaseLock(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  id: string,
  breakAny: (() => Promise<Allowed<'repo.unlock_any'>>) | null,
): Promise<LockRow> {
  const { principal, resource } = allowed
  const [lock] = await selectLocks(hub.db, resource.id, { id, after: null }, 1)
  if (lock === undefined) throw new HoldfastError('entry_not_found')
  if (accountOf(principal)?.id === lock.ownerId) {
    await hub.transaction((tx) => deleteLock(tx, resource.id, id))
    return lock
  }
  if (breakAny === null) throw new HoldfastError('lock_of_another', { owner: ownerOf(lock) })
  const proof = await breakAny()
  await hub.transaction(async (tx) => {
    await deleteLock(tx, resource.id, id)
    await recordEvent(hub, tx, proof, origin, {
      resource: { kind: resource.kind, id: resource.id, name: `${resource.owner.name}/${resource.name}` },
      ownerId: resource.owner.id,
      data: { path: lock.path, lockOwner: ownerOf(lock) },
    })
  })
  return lock
}

export function presentLock(lock: LockRow): object {
  return {
    id: lock.id,
    path: lock.path,
    locked_at: new Date(lock.lockedAt).toISOString(),
    owner: { name: ownerOf(lock) },
  }
}

function ownerOf(lock: LockRow): string {
  return lock.ownerName ?? 'deleted'
}
