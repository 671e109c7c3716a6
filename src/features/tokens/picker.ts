/* What the permission picker offers one person, and what a choice amounts to in sentences. Both only describe: a token
   is limited by what its owner may do at the time of each request, whatever was ticked here (AUTH-4). */

import { atLeast, type Role } from '../../domain/role.ts'
import {
  globalTokenPermissions,
  isTokenPermission,
  type TokenPermission,
  tokenPermissions,
} from '../../domain/token-permissions.ts'
import type {
  AddingRepo,
  PermissionChoice,
  PermissionEntity,
  PickerGroups,
  SelectedRepo,
  SummaryLine,
} from '../../web/permission-picker.tsx'

export type RepoEntityType = 'model' | 'dataset' | 'space'

/** What is ticked on one entity; by the name it has today. */
export interface PickedGrant {
  readonly type: 'user' | 'org' | RepoEntityType
  /** `mara`, `acme`, `acme/x` */
  readonly name: string
  readonly permissions: readonly string[]
  readonly isPrivate?: boolean
  readonly isEffective?: boolean
}

export interface Picked {
  readonly grants: readonly PickedGrant[]
  readonly global: readonly string[]
  readonly canReadGatedRepos: boolean
}

export interface PickerOwner {
  readonly name: string
  readonly fullname: string | null
  readonly organizations: readonly { readonly name: string; readonly role: Role }[]
}

/** The role in an organization below which a permission on it would give nothing. Unlisted: read. */
const leastRoles: Readonly<Partial<Record<TokenPermission, Role>>> = {
  'repo.write': 'contributor',
  'repo.content.write': 'contributor',
  'repo.settings.write': 'contributor',
  'org.write': 'admin',
  'org.members.write': 'admin',
  'org.serviceAccounts.read': 'admin',
  'org.serviceAccounts.write': 'admin',
  'org.auditLog.write': 'admin',
  'resourceGroup.write': 'admin',
}

/** The role in an organization below which a permission on all of it gives nothing. */
export function leastRoleFor(permission: TokenPermission): Role {
  return leastRoles[permission] ?? 'read'
}

const permissionNames = Object.keys(tokenPermissions).filter(isTokenPermission)

/** The groups of the picker with `picked` ticked. A grant on what one has left stays listed among the repositories. */
export function pickerGroups(owner: PickerOwner, picked: Picked, adding: AddingRepo): PickerGroups {
  const ticked = (type: PickedGrant['type'], name: string) =>
    picked.grants.find((grant) => grant.type === type && grant.name === name)?.permissions ?? []
  return {
    repos: picked.grants.flatMap((grant) => (isRepo(grant.type) ? [selectedRepo(grant, grant.type)] : [])),
    organizations: owner.organizations.map(({ name, role }) => ({
      ...entity('org', name, ticked('org', name), (permission) => organizationRefusal(permission, name, role)),
      role: `your role: ${role}`,
    })),
    own: { ...entity('user', owner.name, ticked('user', owner.name)), fullname: owner.fullname },
    global: globalTokenPermissions.map((permission) => ({
      permission,
      label: globalLabels[permission],
      ticked: picked.global.includes(permission),
      refusedBecause: null,
    })),
    canReadGatedRepos: picked.canReadGatedRepos,
    adding,
  }
}

const globalLabels: Readonly<Record<(typeof globalTokenPermissions)[number], string>> = {
  'discussion.write': 'Take part in discussions and pull requests',
  'post.write': 'Write posts',
}

function selectedRepo(grant: PickedGrant, kind: RepoEntityType): SelectedRepo {
  return {
    ...entity(kind, grant.name, grant.permissions),
    kind,
    isPrivate: grant.isPrivate === true,
    isNotEffective: grant.isEffective === false,
  }
}

function entity(
  type: PickedGrant['type'],
  name: string,
  ticked: readonly string[],
  refusal: (permission: TokenPermission) => string | null = () => null,
): PermissionEntity {
  const on = isRepo(type) ? 'repo' : type
  const choices = permissionNames
    .filter((permission) => (tokenPermissions[permission].on as readonly string[]).includes(on))
    .map(
      (permission): PermissionChoice => ({
        permission,
        label: tokenPermissions[permission].label,
        ticked: ticked.includes(permission),
        refusedBecause: refusal(permission),
      }),
    )
  return { entity: `${type}:${name}`, name, choices }
}

function organizationRefusal(permission: TokenPermission, name: string, role: Role): string | null {
  const least = leastRoleFor(permission)
  return atLeast(role, least) ? null : `Needs the ${least} role in ${name}.`
}

function isRepo(type: PickedGrant['type']): type is RepoEntityType {
  return type === 'model' || type === 'dataset' || type === 'space'
}

/** "What it will be able to do", in the order of its reach; what it will not do stands last. */
export function summarize(owner: PickerOwner, role: 'read' | 'write' | 'fineGrained', picked: Picked): SummaryLine[] {
  if (role === 'read') {
    return [can('Read every repository that you can read'), cannot('Change nothing')]
  }
  if (role === 'write') {
    return [
      can('Read every repository that you can read'),
      can('Create, push and change what you can write'),
      can('Change settings and members where you are admin'),
    ]
  }
  const given = picked.grants.filter((grant) => grant.permissions.length > 0 && grant.isEffective !== false)
  const own = given.filter((grant) => grant.type === 'user' && grant.name === owner.name)
  const lines = [
    can('Read what is public'),
    ...given.filter((grant) => isRepo(grant.type)).flatMap((grant) => grantLines(grant, grant.name)),
    ...given
      .filter((grant) => grant.type === 'org')
      .flatMap((grant) => grantLines(grant, `all repositories of ${grant.name}`, grant.name)),
    ...own.flatMap((grant) => grantLines(grant, 'all repositories in your own namespace', grant.name)),
    ...globalTokenPermissions
      .filter((permission) => picked.global.includes(permission))
      .map((permission) => can(globalLabels[permission])),
  ]
  if (picked.canReadGatedRepos) lines.push(can('Read every gated repository that you may access'))
  if (own.length === 0) lines.push(cannot('Nothing in your own namespace'))
  const hasRepos = given.some((grant) => isRepo(grant.type))
  if (!picked.canReadGatedRepos) lines.push(cannot(hasRepos ? 'No other gated repositories' : 'No gated repositories'))
  return lines
}

function grantLines(grant: PickedGrant, repos: string, place = repos): SummaryLine[] {
  const isWide = !isRepo(grant.type)
  const reads = grant.permissions.includes('repo.content.read')
  const writes = grant.permissions.includes('repo.write')
  const lines: SummaryLine[] = []
  // Writing takes reading with it: one cannot push to what one cannot fetch.
  if (writes) lines.push(can(`Read and write ${repos}${isWide ? ' that you can write' : ''}`))
  else if (reads) lines.push(can(`Read ${repos}${isWide ? ' that you can read' : ''}`))
  for (const permission of permissionNames) {
    if (permission === 'repo.content.read' || permission === 'repo.write') continue
    if (grant.permissions.includes(permission)) lines.push(can(`${tokenPermissions[permission].label}, in ${place}`))
  }
  return lines
}

const can = (text: string): SummaryLine => ({ can: true, text })
const cannot = (text: string): SummaryLine => ({ can: false, text })

/** The fraction that a list of tokens shows: "3 permissions on 1 model and 2 organizations". Null for read and write. */
export function reachWords(role: 'read' | 'write' | 'fineGrained', picked: Picked): string | null {
  if (role !== 'fineGrained') return null
  const given = picked.grants.filter((grant) => grant.permissions.length > 0)
  const permissions = given.reduce((sum, grant) => sum + grant.permissions.length, 0) + picked.global.length
  const places = (
    [
      ['model', 'model', 'models'],
      ['dataset', 'dataset', 'datasets'],
      ['space', 'space', 'spaces'],
      ['org', 'organization', 'organizations'],
    ] as const
  ).flatMap(([type, one, many]) => {
    const count = given.filter((grant) => grant.type === type).length
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]
  })
  if (given.some((grant) => grant.type === 'user')) places.push('your own namespace')
  const words = [
    permissions === 0 ? '' : `${permissions} ${permissions === 1 ? 'permission' : 'permissions'}${on(places)}`,
    picked.canReadGatedRepos ? 'gated repositories' : '',
  ].filter(Boolean)
  return words.length === 0 ? 'nothing but what is public' : words.join(', ')
}

function on(places: readonly string[]): string {
  if (places.length === 0) return ''
  const last = places.at(-1)
  return ` on ${places.length === 1 ? last : `${places.slice(0, -1).join(', ')} and ${last}`}`
}
