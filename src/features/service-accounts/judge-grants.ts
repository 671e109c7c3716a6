/** What the token of a service account may be given: only what such tokens hold at all, on what the account reaches, within what it may do. */
import { HoldfastError } from '../../domain/errors.ts'
import { type OwnerFacts, repoKinds, serviceAccountName } from '../../domain/facts.ts'
import { nameKey, parseRepoId } from '../../domain/names.ts'
import { isTokenPermission } from '../../domain/token-permissions.ts'
import type { Hub } from '../../hub.ts'
import {
  type Grant,
  noPermissions,
  type RequestedGrant,
  type ResolvedPermissions,
  resolveKept,
  resolvePermissions,
  type StoredToken,
  type TokenOwner,
} from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import { accountPermissions, ceilingOf, repoPermissions, requireWithinCeiling } from './ceiling.ts'
import type { Minter } from './minting.ts'
import { findRepoByName, findRepos, type ListedRepo } from './queries.ts'

/** As an owner of tokens; it has no namespace. */
export const tokenOwner = (account: ServiceAccount): TokenOwner => ({
  id: account.id,
  name: serviceAccountName(account.id),
})

/** What was asked for, resolved and within the ceiling of the account; nothing for a token that inherits. */
export async function judgeGrants(
  hub: Hub,
  minter: Minter,
  organization: OwnerFacts,
  account: ServiceAccount,
  before: StoredToken | null,
  input: { readonly mode?: 'scoped' | 'inherit' | undefined; readonly scoped?: readonly RequestedGrant[] | undefined },
): Promise<ResolvedPermissions> {
  const scoped = input.scoped ?? (input.mode === 'inherit' ? [] : (before?.scoped.map(asRequested) ?? []))
  if (input.mode === 'inherit') {
    if (scoped.length > 0) throw invalid('A token that inherits lists no permissions.')
    return noPermissions
  }
  if (before?.role === 'inherit' && input.mode === undefined) {
    throw invalid('A token that inherits lists no permissions. Make it scoped with "mode".')
  }
  for (const grant of scoped) checkGrant(grant)
  if (minter === null) {
    const known = new Set(before?.scoped.map(({ id }) => id))
    const added = scoped.filter(({ entity }) => entity.id === undefined || !known.has(entity.id))
    await refuseHiddenInWorkspaces(hub, organization, account, added)
  }
  const requested = { canReadGatedRepos: false, global: [], scoped }
  const owner = tokenOwner(account)
  const resolved =
    before === null ? await resolvePermissions(hub, owner, requested) : await resolveKept(hub, owner, before, requested)
  const ceiling = await ceilingOf(hub, organization, account)
  await requireWithinCeiling(hub, ceiling, resolved.scoped, before?.scoped ?? [])
  return resolved
}

/** Only what the Hub lets such a token hold; and never nothing for a repo, which would look like no override at all. */
function checkGrant({ entity, permissions }: RequestedGrant): void {
  const isWide = entity.type === 'org'
  if (entity.type === 'user') throw invalid('A service account has no namespace of its own.')
  const fitting: readonly string[] = isWide ? accountPermissions : repoPermissions
  const stray = permissions.find((permission) => !fitting.includes(permission))
  if (stray !== undefined) {
    const on = isWide ? 'the token of a service account' : `a ${entity.type}, in the token of a service account`
    throw invalid(
      isTokenPermission(stray)
        ? `"${stray}" cannot be given to ${on}. These can: ${fitting.join(', ')}.`
        : `This hub has no permission "${stray}".`,
    )
  }
  if (!isWide && permissions.length === 0) throw invalid('What is listed for a repository needs a permission.')
}

/**
 * Says which workspace keeps the account from a repo. Only to those who see every repo of the organization: to a token that does not, the
 * repo is not there.
 */
export async function refuseHiddenInWorkspaces(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  scoped: readonly RequestedGrant[],
): Promise<void> {
  const ids = scoped.flatMap(({ entity }) => (entity.id === undefined ? [] : [entity.id]))
  const byId = (await findRepos(hub.db, ids)).filter((repo) => repo.ownerId === organization.id)
  const repos = [...byId, ...(await findNamedRepos(hub, organization, scoped))]
  if (account.role === 'admin' || repos.every((repo) => repo.workspaceId === null)) return
  const { workspaces } = await ceilingOf(hub, organization, account)
  for (const repo of repos) {
    if (repo.workspaceId === null || repo.visibility === 'public' || workspaces.has(repo.workspaceId)) continue
    throw new HoldfastError('workspace_role_missing', {
      resource: `${repo.ownerName}/${repo.name}`,
      workspace: repo.workspaceName ?? repo.workspaceId,
      account: account.name,
    })
  }
}

/** Those of the organization that are named and not given by id. */
async function findNamedRepos(
  hub: Hub,
  organization: OwnerFacts,
  scoped: readonly RequestedGrant[],
): Promise<ListedRepo[]> {
  const found: ListedRepo[] = []
  for (const { entity } of scoped) {
    const kind = repoKinds.find((each) => each === entity.type)
    const named = entity.name === undefined ? null : parseRepoId(entity.name)
    if (kind === undefined || named?.namespace == null) continue
    if (nameKey(named.namespace) !== nameKey(organization.name)) continue
    const repo = await findRepoByName(hub.db, organization.id, kind, nameKey(named.name))
    if (repo !== null) found.push(repo)
  }
  return found
}

const asRequested = ({ type, id, permissions }: Grant): RequestedGrant => ({ entity: { type, id }, permissions })

function invalid(reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason })
}
