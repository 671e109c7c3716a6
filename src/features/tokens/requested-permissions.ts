/** What a token may do, as it is asked for, and as it is kept once everything it names was found. */
import type { Hub } from '../../hub.ts'
import {
  checkGlobalPermissions,
  type Grant,
  lostGrant,
  type RequestedGrant,
  type ResolvedGrant,
  resolveEntity,
  resolveGrants,
  type TokenOwner,
} from './grants.ts'
import type { StoredToken } from './token.ts'

export interface RequestedPermissions {
  readonly canReadGatedRepos: boolean
  readonly global: readonly string[]
  readonly scoped: readonly RequestedGrant[]
}

export interface ResolvedPermissions {
  readonly canReadGatedRepos: boolean
  readonly global: readonly string[]
  readonly scoped: readonly ResolvedGrant[]
}

export const noPermissions: ResolvedPermissions = { canReadGatedRepos: false, global: [], scoped: [] }

/** Throws `invalid_input` for what the owner cannot see, and for permissions that do not fit. */
export async function resolvePermissions(
  hub: Hub,
  owner: TokenOwner,
  requested: RequestedPermissions | undefined,
): Promise<ResolvedPermissions> {
  if (requested === undefined) return noPermissions
  return {
    canReadGatedRepos: requested.canReadGatedRepos,
    global: checkGlobalPermissions(requested.global),
    scoped: await resolveGrants(hub, owner, requested.scoped),
  }
}

/**
 * Grants that are no longer effective stay listed when they are sent back (UAT-9, SA-23), by id or by the name they had, and with no more
 * than they had.
 */
export async function resolveKept(
  hub: Hub,
  owner: TokenOwner,
  before: StoredToken,
  requested: RequestedPermissions,
): Promise<ResolvedPermissions> {
  const wanted = new Map<Grant, string[]>()
  const others: RequestedGrant[] = []
  for (const grant of requested.scoped) {
    const lost = lostGrant(before, grant.entity)
    if (lost === undefined || (await resolveEntity(hub, owner, grant.entity)) !== null) others.push(grant)
    else wanted.set(lost, [...(wanted.get(lost) ?? []), ...grant.permissions])
  }
  const kept = [...wanted]
    .map(([grant, permissions]) => ({
      ...grant,
      permissions: grant.permissions.filter((each) => permissions.includes(each)),
    }))
    .filter((grant) => grant.permissions.length > 0)
  const resolved = await resolvePermissions(hub, owner, { ...requested, scoped: others })
  return { ...resolved, scoped: [...resolved.scoped, ...kept] }
}

/** Permissions as they stand in the audit log and on the command line. */
export function permissionsInWords(permissions: ResolvedPermissions): string[] {
  return [
    ...permissions.scoped.map((grant) => `${grant.type}:${grant.name}=${grant.permissions.join(',')}`),
    ...permissions.global.map((permission) => `global=${permission}`),
    ...(permissions.canReadGatedRepos ? ['canReadGatedRepos'] : []),
  ]
}
