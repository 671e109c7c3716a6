/**
 * Between what the form of a token sends, what the token lists and what the picker draws: for the token of a service account, with what the
 * account itself may do.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { type OwnerFacts, type RepoKind, repoKinds } from '../../domain/facts.ts'
import { tokenPermissions } from '../../domain/token-permissions.ts'
import type { Hub } from '../../hub.ts'
import type {
  AddingRepo,
  PermissionChoice,
  PermissionEntity,
  PickerGroups,
  SelectedRepo,
  SummaryLine,
} from '../../web/permission-picker.tsx'
import { parseScoped, type RequestedGrant, type ResolvedGrant, resolveEntity, unticked } from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import type { AccountToken } from './account-tokens.ts'
import { accountPermissions, type Ceiling, ceilingOf, repoPermissions, shortfallsOf } from './ceiling.ts'
import { refuseHiddenInWorkspaces, tokenOwner } from './judge-grants.ts'
import { listPlaces } from './queries.ts'

/** What a form says, whether it was sent or is drawn from a token. */
export interface Ticks {
  /** `model:acme/x=repo.write`, `org:acme=org.read`, `resource-group:{id}=repo.write`. */
  readonly scoped: readonly string[]
  /** Repos that stand in the picker, ticked or not: `model:acme/x`. */
  readonly selected: readonly string[]
}

/** The picker with `ticks`, and what they amount to in sentences. */
export interface Drawn {
  readonly groups: PickerGroups
  readonly summary: readonly SummaryLine[]
}

/** A grant as it is drawn. */
interface Picked {
  readonly grant: ResolvedGrant
  readonly isPrivate: boolean
  readonly isEffective: boolean
}

export async function drawPicker(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  ticks: Ticks,
  token: AccountToken | null,
  view: { readonly inherits: boolean; readonly adding?: AddingRepo },
): Promise<Drawn> {
  const ceiling = await ceilingOf(hub, organization, account)
  const picked = await pickedFromTicks(hub, organization, account, ticks, token)
  const wholes = await wholeEntities(hub, ceiling, account)
  const all = [...wholes, ...picked.map(({ grant }) => grant)].map((grant) => ({
    ...grant,
    permissions: fitting(grant),
  }))
  const shortfalls = await shortfallsOf(hub, ceiling, all)
  const entity = (grant: ResolvedGrant, name: string, id: string): PermissionEntity => ({
    entity: id,
    name,
    choices: fitting(grant).map((permission): PermissionChoice => {
      const short = shortfalls.get(grant.id)?.find((each) => each.permission === permission)
      const isTicked = ticked(picked, grant.id).includes(permission)
      return {
        permission,
        label: tokenPermissions[permission].label,
        ticked: isTicked,
        // What it has lost stays ticked, so that saving does not take it away.
        refusedBecause: short === undefined || isTicked ? null : `Needs the role ${short.need} for ${account.name}.`,
      }
    }),
  })
  const [whole, ...workspaces] = wholes
  if (whole === undefined) throw new Error('An organization is always among the entities.')
  const groups: PickerGroups = {
    organizations: [
      {
        ...entity(whole, organization.name, `org:${organization.name}`),
        role: `all of it; role of ${account.name}: ${account.role}`,
      },
    ],
    workspaces: workspaces.map((grant) => ({
      ...entity(grant, grant.name, `resource-group:${grant.id}`),
      role: `workspace; role of ${account.name}: ${ceiling.workspaces.get(grant.id) ?? account.role}`,
    })),
    repos: picked.flatMap(({ grant, isPrivate, isEffective }): SelectedRepo[] => {
      const kind = repoKinds.find((each) => each === grant.type)
      return kind === undefined
        ? []
        : [{ ...entity(grant, grant.name, `${kind}:${grant.name}`), kind, isPrivate, isNotEffective: !isEffective }]
    }),
    own: null,
    global: [],
    canReadGatedRepos: null,
    adding: view.adding ?? {},
  }
  return { groups, summary: summarize(organization, account, picked, view.inherits) }
}

export function ticksFromToken(token: AccountToken, organization: OwnerFacts): Ticks {
  return {
    scoped: token.scoped.flatMap((grant) =>
      grant.permissions.map((permission) => `${entityOf(grant, organization)}=${permission}`),
    ),
    selected: token.scoped.filter(({ type }) => isKind(type)).map(({ type, name }) => `${type}:${name}`),
  }
}

/** What the form asks the service for. Throws `invalid_input` for a repo without a tick: it would be reached as all others are. */
export function requestedFromTicks(ticks: Ticks): RequestedGrant[] {
  const empty = unticked(ticks)
  if (empty !== null) {
    throw new HoldfastError('invalid_input', { reason: `Tick what the token may do on ${empty}, or remove it.` })
  }
  return ticks.scoped.map(parseScoped)
}

/** `model:acme/x` for what was typed into the picker. Throws `invalid_input` or `workspace_role_missing`. */
export async function findTypedRepo(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  typed: string,
): Promise<string> {
  const text = typed.trim().replace(/^https?:\/\/[^/]+\//, '')
  const prefixed = /^(models|datasets|spaces)\/(.+)$/.exec(text)
  const kind: RepoKind = prefixed?.[1] === 'datasets' ? 'dataset' : prefixed?.[1] === 'spaces' ? 'space' : 'model'
  const rest = prefixed?.[2] ?? text
  const name = rest.includes('/') ? rest : `${organization.name}/${rest}`
  const reference = { type: kind, name }
  const found = rest === '' ? null : await resolveEntity(hub, tokenOwner(account), reference)
  if (found !== null) return `${kind}:${found.name}`
  await refuseHiddenInWorkspaces(hub, organization, account, [{ entity: reference, permissions: [] }])
  throw new HoldfastError('invalid_input', { reason: `There is no such repository that ${account.name} can see.` })
}

async function pickedFromTicks(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  ticks: Ticks,
  token: AccountToken | null,
): Promise<Picked[]> {
  const permissions = new Map<string, string[]>(ticks.selected.map((entity) => [entity, []]))
  for (const tick of ticks.scoped) {
    const equals = tick.indexOf('=')
    const entity = tick.slice(0, Math.max(0, equals))
    permissions.set(entity, [...(permissions.get(entity) ?? []), ...tick.slice(equals + 1).split(',')])
  }
  const picked: Picked[] = []
  for (const [entity, given] of permissions) {
    const known = token?.scoped.find((grant) => entityOf(grant, organization) === entity)
    const reference = parseEntity(entity)
    if (reference === null) continue
    const found = await resolveEntity(hub, tokenOwner(account), reference)
    if (found !== null) {
      const grant = { type: reference.type, id: found.id, name: found.name, permissions: given }
      picked.push({ grant, isPrivate: found.isPrivate, isEffective: known?.isEffective ?? true })
    } else if (known !== undefined) {
      picked.push({ grant: { ...known, permissions: given }, isPrivate: false, isEffective: false })
    }
  }
  return picked
}

function parseEntity(entity: string): RequestedGrant['entity'] | null {
  try {
    return parseScoped(`${entity}=repo.write`).entity
  } catch {
    // What somebody wrote into a form by hand is simply not picked.
    return null
  }
}

/** The organization, and the workspaces that the account has a role in. */
async function wholeEntities(hub: Hub, ceiling: Ceiling, account: ServiceAccount): Promise<ResolvedGrant[]> {
  const { organization, workspaces } = ceiling
  const names = new Map(
    (await listPlaces(hub.db, [account.id], hub.clock.now())).map((place) => [place.id, place.name]),
  )
  return [
    { type: 'org', id: organization.id, name: organization.name, permissions: [] },
    ...[...workspaces.keys()].map(
      (id): ResolvedGrant => ({ type: 'resource-group', id, name: names.get(id) ?? id, permissions: [] }),
    ),
  ]
}

function entityOf(grant: ResolvedGrant, organization: OwnerFacts): string {
  if (grant.type === 'org') return `org:${organization.name}`
  return grant.type === 'resource-group' ? `resource-group:${grant.id}` : `${grant.type}:${grant.name}`
}

function ticked(picked: readonly Picked[], id: string): readonly string[] {
  return picked.find(({ grant }) => grant.id === id)?.grant.permissions ?? []
}

const isKind = (type: string): boolean => repoKinds.some((kind) => kind === type)
const fitting = (grant: ResolvedGrant) => (grant.type === 'org' ? accountPermissions : repoPermissions)

function summarize(
  organization: OwnerFacts,
  account: ServiceAccount,
  picked: readonly Picked[],
  inherits: boolean,
): SummaryLine[] {
  const can = (text: string): SummaryLine => ({ can: true, text })
  const cannot = (text: string): SummaryLine => ({ can: false, text })
  if (inherits) {
    return [
      can(
        `All that ${account.name} may do: its role ${account.role} in ${organization.name}, its groups and workspaces`,
      ),
      can('More or less, from the next request, when that changes'),
      cannot('Not manage service accounts: that has to be ticked'),
    ]
  }
  const given = picked.filter(({ grant, isEffective }) => grant.permissions.length > 0 && isEffective)
  const onRepos = given.filter(({ grant }) => isKind(grant.type))
  const wide = given.filter(({ grant }) => !isKind(grant.type))
  const reads = ({ permissions }: ResolvedGrant, what: string): SummaryLine[] => {
    if (permissions.includes('repo.write')) return [can(`Read and write ${what}`)]
    return permissions.includes('repo.content.read') ? [can(`Read ${what}`)] : []
  }
  const hasWideRepos = wide.some(({ grant }) => repoPermissions.some((each) => grant.permissions.includes(each)))
  return [
    can('Read what is public'),
    ...onRepos.flatMap(({ grant }) => reads(grant, grant.name)),
    ...wide.flatMap(({ grant }) =>
      reads(
        grant,
        grant.type === 'org' ? `all repositories of ${grant.name} that it may` : `the workspace ${grant.name}`,
      ),
    ),
    ...wide.flatMap(({ grant }) =>
      accountPermissions
        .filter((each) => !repoPermissions.some((repo) => repo === each) && grant.permissions.includes(each))
        .map((permission) => can(`${tokenPermissions[permission].label}, in ${grant.name}`)),
    ),
    ...(hasWideRepos && onRepos.length > 0
      ? [cannot('On repositories listed one by one: only what is ticked there')]
      : []),
    ...(hasWideRepos ? [] : [cannot(onRepos.length > 0 ? 'No other private repositories' : 'No private repositories')]),
  ]
}

/** The fraction that the table shows: "write on acme/harbor-7b". */
export function reachWords(token: AccountToken, account: ServiceAccount, organization: OwnerFacts): string {
  if (token.mode === 'inherit') return `all that ${account.name} may do`
  const words = token.scoped.map((grant) => {
    const place = grant.type === 'org' ? `all of ${organization.name}` : grant.name
    const others = grant.permissions.filter((each) => !repoPermissions.some((repo) => repo === each)).length
    const onRepos = grant.permissions.includes('repo.write')
      ? ['write']
      : grant.permissions.includes('repo.content.read')
        ? ['read']
        : []
    const more = others === 0 ? [] : [others === 1 ? '1 permission' : `${others} permissions`]
    return `${[...onRepos, ...more].join(' and ')} on ${place}`
  })
  if (words.length === 0) return 'nothing but what is public'
  return words.length <= 2 ? words.join(', ') : `${words.slice(0, 2).join(', ')} and ${words.length - 2} more`
}
