/**
 * The leak trap: a live token of this hub in what is pushed is revoked before anybody else can read it, whatever becomes of the push. Its owner
 * and whoever looks after the repo learn of it. A token that is dead already is nobody's loss, and holds up nothing.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvents } from '../audit/service.ts'
import { type LiveToken, removeStored, takeLive } from '../tokens/service.ts'
import { selectAdministrators } from './queries.ts'
import type { FoundToken } from './token-finder.ts'

/** Those of `found` that were live; they are not any more when this returns. */
export async function trapTokens(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  found: readonly FoundToken[],
): Promise<FoundToken[]> {
  if (found.length === 0) return []
  const places = new Map(found.map((one) => [one.hash, one]))
  return await hub.transaction(async (tx) => {
    const trapped: FoundToken[] = []
    for (const token of await takeLive(tx, [...places.keys()], hub.clock.now())) {
      const place = places.get(token.hash)
      if (place === undefined || (await removeStored(tx, token.ownerId, token.id)).length === 0) continue
      trapped.push(place)
      await tell(hub, tx, allowed, origin, token, place)
    }
    return trapped
  })
}

/** What whoever pushes is told. */
export function leakError({ place, last4 }: FoundToken): HoldfastError {
  // Paths go to terminals.
  const path = place.replace(/[\p{C}\u202a-\u202e\u2066-\u2069]/gu, '?').slice(0, 300)
  return new HoldfastError('token_leaked', { path, last4 })
}

async function tell(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  token: LiveToken,
  { place }: FoundToken,
): Promise<void> {
  const { resource: repo } = allowed
  const repoName = `${repo.owner.name}/${repo.name}`
  const ownerId = token.organizationId ?? token.ownerId
  // A repo that the owner of the token perhaps cannot see is not named to them (AUTH-7).
  const maySee =
    repo.visibility === 'public' || repo.owner.id === ownerId || accountOf(allowed.principal)?.id === token.ownerId
  const push = hub.config.leakedTokens === 'refuse' ? 'refused' : 'recorded'
  const data = { last4: token.last4, push, place }
  await recordEvents(hub, tx, allowed, origin, [
    {
      action: 'token.leaked',
      resource: { kind: 'token', id: token.id, name: token.name },
      ownerId,
      data: maySee
        ? { ...data, owner: token.ownerName, repo: repoName }
        : { last4: token.last4, push, owner: token.ownerName },
    },
    {
      action: 'repo.leaked_token',
      resource: { kind: repo.kind, id: repo.id, name: repoName },
      ownerId: repo.owner.id,
      data,
    },
  ])
  const readers = token.organizationId === null ? [token.ownerId] : await selectAdministrators(tx, token.organizationId)
  for (const userId of readers) {
    const mail = {
      kind: 'token-leaked',
      userId,
      owner: token.ownerName,
      token: token.name,
      last4: token.last4,
    } as const
    await enqueueMail(hub, tx, { ...mail, repo: maySee ? repoName : null })
  }
}
