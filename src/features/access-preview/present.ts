/** An access preview as JSON. */
import type { Account, OwnerFacts } from '../../domain/facts.ts'
import { namesOf } from './abilities.ts'
import type { Difference, TokenDifference } from './compare.ts'
import type { AccessPreview } from './preview.ts'

export function presentPreview(preview: AccessPreview): object {
  const { comparison, isPartial, names } = preview
  const { differences, tokens, counts } = comparison
  const entry = (difference: Difference) => ({
    principal: presentPrincipal(difference.subject),
    resource: presentThing(difference, preview.owner, names),
    before: namesOf(difference.before),
    after: namesOf(difference.after),
  })
  const token = (difference: TokenDifference) => presentToken(difference, preview.showsTokenNames)
  return {
    gains: differences.gains.map(entry),
    loses: differences.loses.map(entry),
    tokens: preview.withTokens ? { gains: tokens.gains.map(token), loses: tokens.loses.map(token) } : null,
    counts: {
      entries: counts.entries,
      principals: counts.principals,
      tokens: preview.withTokens ? counts.tokens : null,
      losingTokensUsedThisWeek: preview.withTokens ? counts.losingTokensUsedThisWeek : null,
      looked: counts.looked,
    },
    isPartial,
  }
}

function presentPrincipal(subject: Account | { readonly kind: 'anonymous' }): object {
  if (subject.kind === 'anonymous') return { type: 'everyone' }
  return { type: subject.kind === 'user' ? 'user' : 'service_account', name: subject.name, fullname: subject.fullname }
}

function presentThing({ thing }: Difference, owner: OwnerFacts, names: ReadonlyMap<string, string>): object {
  const workspace = (id: string | null) => (id === null ? null : { id, name: names.get(id) ?? '' })
  switch (thing.on) {
    case 'organization':
      return { type: 'organization', name: owner.name }
    case 'workspace':
      return { type: 'workspace', ...workspace(thing.before.id) }
    case 'repo':
      return { type: thing.before.kind, name: `${owner.name}/${thing.before.name}` }
    case 'repos': {
      const { repo, count } = thing
      const { visibility, gated, orgMembersGated } = repo
      return {
        type: 'repos',
        organization: owner.name,
        workspace: workspace(repo.workspaceId),
        visibility,
        gated,
        orgMembersGated,
        own: repo.creatorId !== '',
        count,
      }
    }
  }
}

function presentToken({ token, owner, repos, usedThisWeek }: TokenDifference, showsName: boolean): object {
  const { credential, lastUsedAt } = token
  const isMachine = owner.kind === 'service-account'
  return {
    id: credential.id,
    tokenName: showsName || isMachine ? credential.name : null,
    owner: presentPrincipal(owner),
    last4: credential.last4,
    role: credential.role,
    lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
    usedThisWeek,
    repos,
  }
}
