/**
 * Between what a token lists and the Hub's words for it: permissions on the whole organization, and one list of permissions for one list of
 * repos. What does not fit there (repos with different permissions, workspaces) stands in `fineGrained.scoped`, as on people's tokens.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { OwnerFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type RequestedGrant, type ResolvedGrant, unseenRepo } from '../tokens/service.ts'
import { findRepos } from './queries.ts'

/** What a body says; absent members leave what is there. */
export interface WireGrants {
  readonly permissions?: readonly string[] | undefined
  readonly repoIds?: readonly string[] | undefined
  readonly repoPermissions?: readonly string[] | undefined
  /** In place of everything; the other members come on top. */
  readonly scoped?: readonly RequestedGrant[] | undefined
}

/** Everything that a token is to list; undefined where the body says nothing of it. Throws `invalid_input`. */
export async function requestedGrants(
  hub: Hub,
  organization: OwnerFacts,
  wire: WireGrants,
  before: readonly ResolvedGrant[],
): Promise<RequestedGrant[] | undefined> {
  const { permissions, repoIds, repoPermissions, scoped } = wire
  if ([permissions, repoIds, repoPermissions, scoped].every((member) => member === undefined)) return undefined
  const base: readonly RequestedGrant[] =
    scoped ?? before.map(({ type, id, permissions: held }) => ({ entity: { type, id }, permissions: held }))
  const onOrganization: RequestedGrant[] =
    permissions === undefined
      ? base.filter(({ entity }) => entity.type === 'org')
      : [
          ...(scoped === undefined ? [] : base.filter(({ entity }) => entity.type === 'org')),
          ...(permissions.length === 0 ? [] : [{ entity: { type: 'org', id: organization.id }, permissions } as const]),
        ]
  const isOther = ({ entity }: RequestedGrant) => entity.type !== 'org' && !isRepo(entity.type)
  const repos = base.filter(({ entity }) => isRepo(entity.type))
  const onRepos =
    repoIds === undefined && repoPermissions === undefined
      ? repos
      : [
          ...(scoped === undefined ? [] : repos),
          ...(await grantsOnRepos(
            hub,
            repoIds ?? before.filter(({ type }) => isRepo(type)).map(({ id }) => id),
            repoPermissions ?? commonRepoPermissions(before),
          )),
        ]
  return [...onOrganization, ...base.filter(isOther), ...onRepos]
}

async function grantsOnRepos(
  hub: Hub,
  ids: readonly string[],
  permissions: readonly string[],
): Promise<RequestedGrant[]> {
  if (ids.length === 0) return []
  if (permissions.length === 0) {
    // Nothing listed for a repo would be no override at all: the token would reach it with what it has everywhere.
    throw new HoldfastError('invalid_input', { reason: '"repoIds" needs "repoPermissions": what is given on them.' })
  }
  const kinds = new Map((await findRepos(hub.db, ids)).map(({ id, kind }) => [id, kind]))
  return ids.map((id) => {
    const type = kinds.get(id)
    if (type === undefined) throw unseenRepo(id)
    return { entity: { type, id }, permissions }
  })
}

export const isRepo = (type: string): boolean => type === 'model' || type === 'dataset' || type === 'space'

/** The permissions on the whole organization. */
export function organizationPermissions(grants: readonly ResolvedGrant[]): readonly string[] {
  return grants.find(({ type }) => type === 'org')?.permissions ?? []
}

/** What is listed for every one of the repos. */
export function commonRepoPermissions(grants: readonly ResolvedGrant[]): string[] {
  const [first, ...others] = grants.filter(({ type }) => isRepo(type))
  return (first?.permissions ?? []).filter((each) => others.every(({ permissions }) => permissions.includes(each)))
}
