/** What can be said of a plan before anything is tried: who is missing, what the caller may not do, and what nothing can be called. */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import type { Action } from '../../domain/permissions.ts'
import { parseGroupName } from '../groups/service.ts'
import { parseAccountExpiry, parseAccountName } from '../service-accounts/service.ts'
import { parseWorkspaceName } from '../workspaces/service.ts'
import type { Actor } from './actor.ts'
import type { AccessFile } from './document.ts'
import type { Missing } from './missing.ts'
import type { Change } from './plan.ts'
import { Problems } from './problems.ts'
import type { World } from './world.ts'

export async function judge(
  actor: Actor,
  file: AccessFile,
  changes: readonly Change[],
  missing: readonly Missing[],
  now: number,
): Promise<Problems> {
  const problems = new Problems(file)
  for (const { path, error } of missing) problems.add(path, error)
  const may = decider(actor)
  for (const change of changes) {
    for (const action of actionsOf(change)) {
      const refusal = may(action)
      if (refusal !== null) problems.add(change.path, refusal)
    }
    await problems.attempt(change.path, () => checkName(change))
    await problems.attempt(change.path, () => checkAccount(change, now))
  }
  return problems
}

/** Once for each action, however many changes need it. */
function decider(actor: Actor): (action: Action) => HoldfastError | null {
  const known = new Map<Action, HoldfastError | null>()
  const decide = (action: Action): HoldfastError | null => {
    try {
      actor.may(action, on(actor, action))
      return null
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      return error
    }
  }
  return (action) => {
    const before = known.get(action)
    if (before !== undefined) return before
    const now = decide(action)
    known.set(action, now)
    return now
  }
}

/** Administrators do all of it in every group and workspace, so the one that is meant need not exist yet. */
function on({ organization: { organization, name } }: Actor, action: Action) {
  if (organization === null) throw new Error('Nobody plans for an organization that is not there.')
  const part = { id: '', name: '', organization }
  if (action.startsWith('org.group.') && action !== 'org.group.create') return { on: 'group', group: part } as const
  if (action.startsWith('resource_group.') && action !== 'resource_group.create')
    return { on: 'workspace', workspace: part } as const
  return { on: 'organization', name, organization } as const
}

/** Of each change with all that it brings along, what it takes on the pages. */
export function actionsOf({ kind, path, to }: Change): readonly Action[] {
  const [section, , field, inner] = path
  switch (section) {
    case 'settings':
      return [path[1] === 'secondFactorRequired' ? 'org.settings.security' : 'org.update_settings']
    case 'tokenPolicy':
      return ['org.token_policy.update']
    case 'members':
      return [kind === 'add' ? 'org.add_user' : kind === 'remove' ? 'org.remove_user' : 'org.change_role']
    case 'serviceAccounts':
      if (kind === 'add') return ['org.service_account.create']
      if (kind === 'remove') return ['org.service_account.delete']
      if (field !== 'disabled') return ['org.service_account.update']
      return [to === true ? 'org.service_account.disable' : 'org.service_account.enable']
    case 'groups':
      if (field === undefined)
        return kind === 'add' ? ['org.group.create', 'org.group.change_members'] : ['org.group.delete']
      return [field === 'description' ? 'org.group.update' : 'org.group.change_members']
    case 'workspaces':
      if (field === undefined)
        return kind === 'add' ? ['resource_group.create', 'resource_group.add_users'] : ['resource_group.delete']
      if (inner === undefined) return ['resource_group.settings']
      return [
        kind === 'add'
          ? 'resource_group.add_users'
          : kind === 'remove'
            ? 'resource_group.remove_users'
            : 'resource_group.change_role',
      ]
    default:
      throw new Error(`Nobody knows what to do with ${section}.`)
  }
}

/** A name that would be stored another way than it is written would be another one in the next plan. */
function checkName({ kind, path }: Change): void {
  const [section = '', name = ''] = path
  const parse = { groups: parseGroupName, workspaces: parseWorkspaceName, serviceAccounts: parseAccountName }[section]
  if (kind !== 'add' || path.length !== 2 || parse === undefined) return
  const stored = parse(name)
  if (stored !== name) throw invalid(`Write it as ${JSON.stringify(stored)}, which is how it would be stored.`)
}

function checkAccount({ path, to }: Change, now: number): void {
  const [section, , field] = path
  if (section !== 'serviceAccounts') return
  const account = field === undefined ? (to as Readonly<Record<string, unknown>> | null) : { [field]: to }
  if (account?.role === null) throw invalid('A service account always has a role: no_access gives nothing.')
  if (typeof account?.expiresAt === 'string') parseAccountExpiry(Date.parse(account.expiresAt), now)
}

/** The change by which the caller would not administer the organization any more. */
export function ownLoss({ principal }: Actor, world: World, changes: readonly Change[]): Change | null {
  const isLoss = ({ kind, path: [section, name = '', field], to }: Change): boolean => {
    if (principal.kind === 'user')
      return section === 'members' && nameKey(name) === nameKey(principal.name) && to !== 'admin'
    if (principal.kind !== 'service-account' || section !== 'serviceAccounts') return false
    if (world.accounts.get(nameKey(name))?.id !== principal.id) return false
    return kind === 'remove' || (field === 'role' && to !== 'admin') || (field === 'disabled' && to === true)
  }
  return changes.find(isLoss) ?? null
}

function invalid(reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason })
}
