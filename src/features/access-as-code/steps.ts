/** One change of a plan, made as the page makes it that is there for it: by the same service, with its permission, its rules and its event. */
import { type PartFacts, serviceAccountName } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import { isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import {
  createGroupIn,
  deleteGroupIn,
  putGroupMemberIn,
  removeGroupMemberIn,
  updateGroupIn,
} from '../groups/service.ts'
import { setTokenPolicyIn } from '../organization-tokens/service.ts'
import {
  addMemberIn,
  changeRoleIn,
  changeSettingsIn,
  removeMemberIn,
  requireSecondFactorIn,
} from '../organizations/service.ts'
import { repoPlaces } from '../repos/service.ts'
import {
  createServiceAccountIn,
  deleteServiceAccountIn,
  disableServiceAccountIn,
  enableServiceAccountIn,
  type Minter,
  updateServiceAccountIn,
} from '../service-accounts/service.ts'
import {
  addToWorkspaceIn,
  changeWorkspaceRoleIn,
  createWorkspaceIn,
  deleteWorkspaceIn,
  removeFromWorkspaceIn,
  updateWorkspaceIn,
} from '../workspaces/service.ts'
import type { Actor } from './actor.ts'
import type { AccessDocument } from './document.ts'
import type { Person } from './missing.ts'
import type { Change } from './plan.ts'
import { accountPrefix, type World } from './world.ts'

/** Parts of the file by name without case. */
export interface Wanted {
  readonly groups: ReadonlyMap<string, Section<'groups'>>
  readonly workspaces: ReadonlyMap<string, Section<'workspaces'>>
  readonly accounts: ReadonlyMap<string, Section<'serviceAccounts'>>
}

type Section<K extends 'groups' | 'workspaces' | 'serviceAccounts'> = NonNullable<AccessDocument[K]>[string]

export function wantedBy(file: AccessDocument): Wanted {
  const byKey = <V>(section: Readonly<Record<string, V>> = {}): Map<string, V> =>
    new Map(Object.entries(section).map(([name, value]) => [nameKey(name), value]))
  return {
    groups: byKey(file.groups),
    workspaces: byKey(file.workspaces),
    accounts: byKey(file.serviceAccounts),
  }
}

export interface Making {
  readonly hub: Hub
  readonly tx: Tx
  readonly actor: Actor
  /** As it is right before these changes. */
  readonly world: World
  readonly file: AccessDocument
  readonly wanted: Wanted
  /** Who is to be added, by name without case. */
  readonly people: ReadonlyMap<string, Person>
  /** What bounds what service accounts are given. Throws why the caller gives them nothing. */
  readonly minted: () => Minter
}

/** Of groups, workspaces and new accounts the thing itself; what is in it comes with a later plan, when it is there. */
export async function make(making: Making, change: Change): Promise<void> {
  switch (change.path[0]) {
    case 'settings':
      return await makeSetting(making, change)
    case 'tokenPolicy':
      return await makePolicy(making, change)
    case 'members':
      return await makeMember(making, change)
    case 'serviceAccounts':
      return await makeAccount(making, change)
    case 'groups':
      return await makeGroup(making, change)
    case 'workspaces':
      return await makeWorkspace(making, change)
    default:
      throw new Error(`Nobody knows how to change ${change.target}.`)
  }
}

async function makeSetting({ hub, tx, actor, file }: Making, { path: [, field] }: Change): Promise<void> {
  const { settings } = file
  if (settings === undefined) throw new Error('A setting changes that the file does not have.')
  const { organization: on, origin } = actor
  const { secondFactorRequired, ...rest } = settings
  if (field === 'secondFactorRequired') {
    return await requireSecondFactorIn(hub, tx, actor.may('org.settings.security', on), origin, secondFactorRequired)
  }
  const change = Object.fromEntries(Object.entries(rest).filter(([name]) => name === field))
  await changeSettingsIn(hub, tx, actor.may('org.update_settings', on), origin, change)
}

async function makePolicy({ hub, tx, actor, file }: Making, { path: [, field] }: Change): Promise<void> {
  const { tokenPolicy } = file
  if (tokenPolicy === undefined) throw new Error('A policy changes that the file does not have.')
  const { policy, mostTokenDays: mostDays, classicTokensAdminister } = tokenPolicy
  const change =
    field === 'policy' ? { policy } : field === 'mostTokenDays' ? { mostDays } : { classicTokensAdminister }
  await setTokenPolicyIn(hub, tx, actor.may('org.token_policy.update', actor.organization), actor.origin, change)
}

async function makeMember(making: Making, { kind, path: [, name = ''], to }: Change): Promise<void> {
  const { hub, tx, actor, world, people } = making
  const { organization: on, origin } = actor
  if (kind === 'remove') {
    return await removeMemberIn(hub, tx, actor.may('org.remove_user', on), origin, name)
  }
  const role = asRole(to)
  // Who is a member for a while becomes one for good.
  if (kind === 'change' || world.passing.has(nameKey(name))) {
    return await changeRoleIn(hub, tx, actor.may('org.change_role', on), origin, { username: name, role })
  }
  const user = people.get(nameKey(name))
  if (user === undefined) throw new Error('Somebody is added whom nobody found.')
  await addMemberIn(hub, tx, actor.may('org.add_user', on), origin, { user, role, term: null })
}

async function makeAccount(making: Making, { kind, path: [, name = '', field], to }: Change): Promise<void> {
  const { hub, tx, actor, world, wanted, minted } = making
  const { organization: on, origin } = actor
  if (kind === 'add') {
    const account = wanted.accounts.get(nameKey(name))
    const input = { name, role: asRole(account?.role), expiresAt: momentOf(account?.expiresAt) }
    const allowed = actor.may('org.service_account.create', on)
    await createServiceAccountIn(hub, tx, allowed, origin, { minter: minted(), input })
    return
  }
  const id = idOf(world.accounts, name)
  if (kind === 'remove') {
    await deleteServiceAccountIn(hub, tx, actor.may('org.service_account.delete', on), origin, id)
  } else if (field !== 'disabled') {
    const change = field === 'role' ? { role: asRole(to) } : { expiresAt: momentOf(to) }
    const allowed = actor.may('org.service_account.update', on)
    await updateServiceAccountIn(hub, tx, allowed, origin, { minter: minted(), id, change })
  } else if (to === true) {
    await disableServiceAccountIn(hub, tx, actor.may('org.service_account.disable', on), origin, id)
  } else {
    await enableServiceAccountIn(hub, tx, actor.may('org.service_account.enable', on), origin, id)
  }
}

async function makeGroup(making: Making, { kind, path, to }: Change): Promise<void> {
  const { hub, tx, actor, world, wanted } = making
  const { origin } = actor
  const [, name = '', field, member = ''] = path
  const description = wanted.groups.get(nameKey(name))?.description ?? null
  if (field === undefined && kind === 'add') {
    const allowed = actor.may('org.group.create', actor.organization)
    await createGroupIn(hub, tx, allowed, origin, { name, description })
    return
  }
  const on = { on: 'group', group: partOf(actor, { id: idOf(world.groups, name), name }) } as const
  if (field === undefined) {
    await deleteGroupIn(hub, tx, actor.may('org.group.delete', on), origin)
  } else if (field === 'description') {
    await updateGroupIn(hub, tx, actor.may('org.group.update', on), origin, { description })
  } else {
    const party = partyOf(world, member)
    const allowed = actor.may('org.group.change_members', on)
    if (kind === 'remove') await removeGroupMemberIn(hub, tx, allowed, origin, party)
    else {
      const role = to === 'manager' ? 'manager' : 'member'
      await putGroupMemberIn(hub, tx, allowed, origin, { name: party, role })
    }
  }
}

async function makeWorkspace(making: Making, change: Change): Promise<void> {
  const { hub, tx, actor, world, wanted } = making
  const { origin } = actor
  const { kind, path } = change
  const [, name = '', field, whose] = path
  const { description = null, autoJoin = null } = wanted.workspaces.get(nameKey(name)) ?? {}
  if (field === undefined && kind === 'add') {
    const allowed = actor.may('resource_group.create', actor.organization)
    const input = { name, description, autoJoin, users: [], repos: [], movesRepos: false }
    await createWorkspaceIn(hub, tx, allowed, origin, input, repoPlaces)
    return
  }
  const on = { on: 'workspace', workspace: partOf(actor, { id: idOf(world.workspaces, name), name }) } as const
  if (field === undefined) {
    await deleteWorkspaceIn(hub, tx, actor.may('resource_group.delete', on), origin, repoPlaces)
  } else if (whose === undefined) {
    const allowed = actor.may('resource_group.settings', on)
    await updateWorkspaceIn(hub, tx, allowed, origin, field === 'description' ? { description } : { autoJoin })
  } else await makeRole(making, change, on)
}

async function makeRole(
  { hub, tx, actor, world }: Making,
  { kind, path, to }: Change,
  on: { readonly on: 'workspace'; readonly workspace: PartFacts },
): Promise<void> {
  const { origin } = actor
  const [, place = '', section = '', name = ''] = path
  const whose =
    section === 'groups'
      ? { groupId: idOf(world.groups, name) }
      : { user: partyOf(world, section === 'serviceAccounts' ? `${accountPrefix}${name}` : name) }
  if (kind === 'remove') {
    return await removeFromWorkspaceIn(hub, tx, actor.may('resource_group.remove_users', on), origin, whose)
  }
  const role = asRole(to)
  const isThere = world.workspaces.get(nameKey(place))?.passing.has(`${section} ${nameKey(name)}`) === true
  if (kind === 'change' || isThere) {
    const allowed = actor.may('resource_group.change_role', on)
    return await changeWorkspaceRoleIn(hub, tx, allowed, origin, { whose, role })
  }
  await addToWorkspaceIn(hub, tx, actor.may('resource_group.add_users', on), origin, [{ whose, role }])
}

/** The user name of a member of the organization, or of a service account as groups of the file name it. */
function partyOf(world: World, name: string): string {
  if (!name.startsWith(accountPrefix)) return name
  return serviceAccountName(idOf(world.accounts, name.slice(accountPrefix.length)))
}

function partOf({ organization: { organization } }: Actor, part: { id: string; name: string }): PartFacts {
  if (organization === null) throw new Error('Nothing is changed in an organization that is not there.')
  return { ...part, organization }
}

function idOf(parts: ReadonlyMap<string, { readonly id: string }>, name: string): string {
  const part = parts.get(nameKey(name))
  if (part === undefined) throw new Error(`Something changes that is not there: ${name}.`)
  return part.id
}

function asRole(value: unknown): Role {
  if (typeof value !== 'string' || !isRole(value)) throw new Error('A role is given that is none.')
  return value
}

const momentOf = (value: unknown): number | null => (typeof value === 'string' ? Date.parse(value) : null)
