/**
 * The leak trap: a live token of this hub in what is pushed is revoked before anybody else can read it, whatever becomes of the push. Its owner
 * and whoever looks after the repo learn of it. A token that is dead already is nobody's loss, and holds up nothing.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type RepoFacts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvents } from '../audit/service.ts'
import { firstAdmins } from '../organizations/service.ts'
import { type LiveToken, mostAdminsTold, revokeLeaked } from '../tokens/service.ts'
import type { Locate, Spot } from './places.ts'
import type { FoundToken } from './token-finder.ts'

/** What becomes of the change; `found`: a scanner saw it afterwards. */
export type LeakOutcome = 'refused' | 'recorded' | 'found'

/** Errors that tell of those of `found` that were live; they are not any more when this returns. */
export async function trapTokens(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  found: readonly FoundToken[],
  outcome: LeakOutcome,
  locate: Locate,
): Promise<HoldfastError[]> {
  if (found.length === 0) return []
  const spots = await locate(found.map(({ place }) => place))
  const spotOf = new Map(found.map(({ hash }, index) => [hash, spots[index]]))
  const repo = allowed.resource
  const name = `${repo.owner.name}/${repo.name}`
  const revoked = await hub.transaction(async (tx) => {
    const tokens = await revokeLeaked(hub, tx, [...spotOf.keys()], (token) => {
      if (!maySee(allowed, repo, token)) return { repo: null, data: { push: outcome } }
      return { repo: name, data: { repo: name, push: outcome, ...placeOf(spotOf.get(token.hash)) } }
    })
    await recordEvents(
      hub,
      tx,
      allowed,
      origin,
      tokens.map((token) => ({
        action: 'repo.leaked_token',
        resource: { kind: repo.kind, id: repo.id, name },
        ownerId: repo.owner.id,
        data: { owner: token.ownerName, last4: token.last4, push: outcome, ...placeOf(spotOf.get(token.hash)) },
      })),
    )
    // The administrators of a service account's organization have their mail from the token already.
    const others = tokens.filter((token) => token.organizationId !== repo.owner.id)
    if (repo.owner.kind === 'organization' && others.length > 0) {
      for (const userId of await firstAdmins(tx, repo.owner.id, mostAdminsTold)) {
        for (const { ownerId, ownerName, name: token, last4 } of others) {
          if (ownerId === userId) continue
          await enqueueMail(hub, tx, { kind: 'token-leaked', userId, owner: ownerName, token, last4, repo: name })
        }
      }
    }
    return tokens
  })
  return revoked.map((token) => {
    const words = spotOf.get(token.hash)?.words ?? 'what was pushed'
    return new HoldfastError('token_leaked', {
      place: `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`,
      last4: token.last4,
    })
  })
}

/** A repo that the owner of the token perhaps cannot see is not named to them (AUTH-7). */
function maySee({ principal }: Allowed<'repo.push'>, repo: RepoFacts, token: LiveToken): boolean {
  if (repo.visibility === 'public' || repo.owner.id === (token.organizationId ?? token.ownerId)) return true
  return accountOf(principal)?.id === token.ownerId
}

function placeOf(spot: Spot | undefined): Record<string, string> {
  if (spot === undefined) return {}
  const { words: place, path, commit } = spot
  return { place, ...(path === null ? {} : { path }), ...(commit === null ? {} : { commit }) }
}
