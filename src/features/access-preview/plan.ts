/** What each kind of change concerns, and what is different after it: people, things, and what the owner asks for. */
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf, type Facts, type OrganizationFacts, type OwnerFacts, type RepoFacts } from '../../domain/facts.ts'
import { atLeast, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { findGroupId } from '../groups/service.ts'
import { isLastAdmin } from '../organizations/service.ts'
import type { Change } from './change.ts'
import type { Judged } from './compare.ts'
import { findParty } from './find-queries.ts'
import { type LoadWhat, loadOwnTokens, subjectLoader } from './load-subjects.ts'
import {
  allWorkspaces,
  countRepos,
  groupMemberIds,
  idsOnAnyRepo,
  idsOnRepos,
  memberIds,
  selectAutoJoin,
  selectGroupRoles,
  selectOrganization,
  selectRepos,
  sliceSize,
  workspaceNames,
} from './queries.ts'
import { type Holdings, holdings, noHoldings, type Place, type Subject, type SubjectToken } from './subject.ts'
import { classesOf, type RepoClass, repoFacts, reposFor, specialTo, type Thing } from './things.ts'

/** What the asker may be told. */
export interface Sight {
  /** They administer the owner: everything of it is theirs to see. Else second factors, gates, strangers and tokens are left out. */
  readonly isAdministrator: boolean
  readonly seesMembers: boolean
  /** Whether they have a role there that shows it. */
  seesWorkspace(id: string): boolean
}

export interface Plan {
  readonly owner: OwnerFacts
  readonly places: { readonly before: Place; readonly after: Place }
  readonly withTokens: boolean
  slices(): AsyncIterable<readonly Judged[]>
}

type Ids = (after: string) => Promise<string[]>

/** Repos that are named by the change, as they are and as they would be. */
interface RepoPair {
  readonly before: RepoFacts
  readonly after: RepoFacts
}

export async function planOn(
  hub: Hub,
  change: Change,
  facts: Facts,
  repos: readonly RepoFacts[],
  sight: Sight,
): Promise<Plan> {
  const { resource } = facts
  switch (change.kind) {
    case 'repo_workspace':
    case 'repo_visibility':
    case 'repo_gate':
      return await planOnRepos(hub, change, repos, sight)
    default: {
      const organization =
        resource.on === 'organization'
          ? resource.organization
          : resource.on === 'workspace'
            ? resource.workspace?.organization
            : resource.on === 'group'
              ? resource.group?.organization
              : null
      if (organization == null) throw new HoldfastError('organization_not_found')
      return await planOnOrganization(hub, change, organization, resource, sight)
    }
  }
}

type OfOrganization = Exclude<Change, { kind: 'repo_workspace' | 'repo_visibility' | 'repo_gate' }>

async function planOnOrganization(
  hub: Hub,
  change: OfOrganization,
  organization: OrganizationFacts,
  resource: Facts['resource'],
  sight: Sight,
): Promise<Plan> {
  const places = await placesOf(hub, organization, change, sight)
  const after = { before: places.before.organization ?? organization, after: places.after.organization ?? organization }
  const whole: Thing = { on: 'organization', ...after }
  switch (change.kind) {
    case 'member_role': {
      if (change.role === null && /^sa-/i.test(change.user))
        throw new HoldfastError('invalid_input', { reason: 'A service account always has a role.', field: 'role' })
      const id = await party(hub, organization, change.user)
      if (change.role !== 'admin' && (await isLastAdmin(hub.db, organization.id, id)))
        throw new HoldfastError('last_admin', { organization: organization.name })
      const taking = change.role === null ? [] : await selectAutoJoin(hub.db, organization.id)
      const changed = (subject: Subject) => withMemberRole(subject, change.role, taking)
      return await planByPlace(hub, {
        organization,
        places,
        sight,
        ids: once([id]),
        changed,
        wholes: [whole],
        within: null,
      })
    }
    case 'workspace_role': {
      if (resource.on !== 'workspace' || resource.workspace === null) throw new HoldfastError('workspace_not_found')
      const { id } = resource.workspace
      const bearer = await bearerOf(hub, organization, change)
      const changed = ({ held }: Subject) =>
        'user' in bearer
          ? holdings({ ...held, direct: withEntry(held.direct, id, change.role) })
          : holdings({
              ...held,
              groups: new Map(held.groups).set(
                bearer.group,
                withEntry(held.groups.get(bearer.group) ?? new Map<string, Role | null>(), id, change.role),
              ),
            })
      const ids = 'user' in bearer ? once([bearer.user]) : (last: string) => groupMemberIds(hub.db, bearer.group, last)
      return await planByPlace(hub, { organization, places, sight, ids, changed, wholes: [], within: [id] })
    }
    case 'group_member': {
      if (resource.on !== 'group' || resource.group === null) throw new HoldfastError('group_not_found')
      const { id } = resource.group
      const [user, roles] = await Promise.all([
        party(hub, organization, change.user),
        selectGroupRoles(hub.db, id, hub.clock.now()),
      ])
      const shown = roles.filter(({ workspaceId }) => sight.isAdministrator || sight.seesWorkspace(workspaceId))
      const given = new Map(shown.map(({ workspaceId, role }) => [workspaceId, role]))
      const changed = ({ held }: Subject) => {
        const groups = new Map(held.groups)
        if (change.isMember) groups.set(id, given)
        else groups.delete(id)
        return holdings({ ...held, groups })
      }
      const within = [...given.keys()]
      return await planByPlace(hub, { organization, places, sight, ids: once([user]), changed, wholes: [], within })
    }
    case 'token_policy': {
      const ids = (last: string) => memberIds(hub.db, organization.id, last, hub.clock.now())
      const ownTokens = true
      const changed = same
      return await planByPlace(hub, {
        organization,
        places,
        sight,
        ids,
        changed,
        wholes: [whole],
        within: null,
        ownTokens,
      })
    }
    case 'second_factor': {
      // Whoever has a role on a single repo is asked for it too.
      const members = (last: string) => memberIds(hub.db, organization.id, last, hub.clock.now())
      const others = (last: string) => idsOnAnyRepo(hub.db, organization.id, last)
      const ids = [members, others] as const
      return await planByPlace(hub, { organization, places, sight, ids, changed: same, wholes: [whole], within: null })
    }
  }
}

function idOf({ principal }: Subject): string {
  return accountOf(principal)?.id ?? ''
}

/** Maps by what they are themselves, not by what is in them: those of members of the same groups are the same. */
function numbering(): (map: object) => number {
  const numbers = new WeakMap<object, number>()
  let next = 0
  return (map) => {
    const known = numbers.get(map)
    if (known !== undefined) return known
    numbers.set(map, next)
    return next++
  }
}

const same = ({ held }: Subject): Holdings => held

function once(ids: readonly string[]): Ids {
  return async (last) => (last === '' ? [...ids] : [])
}

/** Throws `not_of_organization`, for strangers as for names that nobody bears. */
async function party(hub: Hub, organization: OrganizationFacts, name: string): Promise<string> {
  const id = await findParty(hub.db, organization.id, name, hub.clock.now())
  if (id === null) throw new HoldfastError('not_of_organization', { name, organization: organization.name })
  return id
}

async function bearerOf(
  hub: Hub,
  organization: OrganizationFacts,
  { user, group }: Extract<Change, { kind: 'workspace_role' }>,
): Promise<{ readonly user: string } | { readonly group: string }> {
  if ((user === undefined) === (group === undefined))
    throw new HoldfastError('invalid_input', { reason: 'Name a user or a group: one of them.', field: 'user' })
  if (user !== undefined) return { user: await party(hub, organization, user) }
  const found = await findGroupId(hub.db.list, organization.id, group ?? '')
  if (found === null) throw new HoldfastError('group_not_found')
  return { group: found }
}

function withEntry(
  roles: ReadonlyMap<string, Role | null>,
  id: string,
  role: Role | null,
): ReadonlyMap<string, Role | null> {
  const changed = new Map(roles)
  if (role === null) changed.delete(id)
  else changed.set(id, role)
  return changed
}

type Taking = Awaited<ReturnType<typeof selectAutoJoin>>

/** A removal takes everything that the organization gave; a new role may let a person join workspaces by themselves (WS-7). */
function withMemberRole({ principal, held }: Subject, role: Role | null, taking: Taking): Holdings {
  if (role === null) return noHoldings
  const direct = new Map(held.direct)
  if (principal.kind === 'user' && atLeast(role, 'read') && !atLeast(held.organization, 'read')) {
    for (const { id, autoJoin, autoJoinRole } of taking) {
      if (autoJoin === 'read_plus' && !direct.has(id)) direct.set(id, autoJoinRole ?? 'read')
    }
  }
  return holdings({ ...held, organization: role, direct })
}

/** What the organization asks for, now and then. To who does not administer it nobody is told apart by it. */
async function placesOf(
  hub: Hub,
  organization: OrganizationFacts,
  change: OfOrganization | null,
  sight: Sight,
): Promise<Plan['places']> {
  if (!sight.isAdministrator) {
    const place = { organization, demands: {} }
    return { before: place, after: place }
  }
  const row = await selectOrganization(hub.db, organization.id)
  if (row === undefined) throw new HoldfastError('organization_not_found')
  const { secondFactorRequired, tokenPolicy, mostTokenDays } = row
  const demands = { secondFactorRequired, tokenPolicy, mostTokenDays }
  const before = { organization, demands }
  if (change?.kind === 'second_factor') {
    return { before, after: { organization, demands: { ...demands, secondFactorRequired: change.required ? 1 : 0 } } }
  }
  if (change?.kind !== 'token_policy') return { before, after: before }
  const { policy, mostDays, classicTokensAdminister } = change
  return {
    before,
    after: {
      organization:
        classicTokensAdminister === undefined || classicTokensAdminister === organization.classicTokensAdminister
          ? organization
          : { ...organization, classicTokensAdminister },
      demands: {
        ...demands,
        ...(policy === undefined ? {} : { tokenPolicy: policy }),
        ...(mostDays === undefined ? {} : { mostTokenDays: mostDays }),
      },
    },
  }
}

interface ByPlace {
  readonly organization: OrganizationFacts
  readonly places: Plan['places']
  readonly sight: Sight
  /** One after the other; who is in more than one is looked at once. */
  readonly ids: Ids | readonly [Ids, Ids]
  readonly changed: (subject: Subject) => Holdings
  readonly wholes: readonly Thing[]
  /** Workspaces; null: all repos of the organization. */
  readonly within: readonly string[] | null
  /** The organization's deprecated tokens are concerned too. */
  readonly ownTokens?: boolean
}

/** Changes that are felt on all repos of a place: these are counted by what they are. */
async function planByPlace(hub: Hub, by: ByPlace): Promise<Plan> {
  const { organization, sight, within } = by
  const workspaces = within === null ? await allWorkspaces(hub.db, organization.id) : within
  const rows = await countRepos(hub.db, organization.id, within === null ? [null, ...workspaces] : workspaces)
  const classes = await classesOf(rows, organization)
  const creators = new Set(rows.map(({ creatorId }) => creatorId))
  const what: LoadWhat = {
    ownerId: organization.id,
    now: hub.clock.now(),
    withTokens: sight.isAdministrator,
    within,
    withRequests: sight.isAdministrator,
  }
  const load = subjectLoader(hub.db, what)
  const numberOf = numbering()
  async function* slices(): AsyncGenerator<readonly Judged[]> {
    const [first, second] = typeof by.ids === 'function' ? [by.ids, null] : by.ids
    if (by.ownTokens && sight.isAdministrator) yield await judgeAll(await loadOwnTokens(hub.db, organization, what.now))
    for await (const ids of slicesOf(first)) yield await judge(ids)
    if (second === null) return
    for await (const ids of slicesOf(second)) {
      const subjects = await load(ids)
      // Members were looked at before; the tokens of others are nobody's business here.
      const others = subjects.filter(({ held }) => held.organization === null)
      yield await judgeAll(others.map((subject) => ({ ...subject, tokens: [] })))
    }
  }
  const judge = async (ids: readonly string[]) => judgeAll(await load(ids))
  const judgeAll = async (subjects: readonly Subject[]): Promise<Judged[]> => {
    const special = new Set(subjects.flatMap((subject) => [...specialTo(subject, ...subject.tokens)]))
    const singles = await singlesOf(hub, organization, [...special], within, classes)
    return subjects.map((subject) => {
      const after = by.changed(subject)
      return {
        subject,
        after,
        areThingsSame: true,
        // Who created repos or has something on single ones sees them apart, and so does a token that lists some.
        shapeOf: (token) =>
          after !== subject.held ||
          creators.has(idOf(subject)) ||
          specialTo(subject, ...(token === null ? [] : [token])).size > 0
            ? null
            : `${subject.held.organization} ${numberOf(subject.held.workspaces)}`,
        *things(token) {
          yield* by.wholes
          yield* workspacesOf([subject.held, after], by.places, workspaces, within)
          yield* reposFor(subject, token, [subject.held, after], classes, singles)
        },
      }
    })
  }
  return { owner: organization, places: by.places, withTokens: sight.isAdministrator, slices }
}

async function singlesOf(
  hub: Hub,
  owner: OrganizationFacts,
  ids: readonly string[],
  within: readonly string[] | null,
  classes: ReadonlyMap<string, readonly RepoClass[]>,
): Promise<ReadonlyMap<string, RepoFacts>> {
  if (ids.length === 0 || classes.size === 0) return new Map()
  const rows = await selectRepos(hub.db, ids, owner.id)
  const kept = within === null ? rows : rows.filter(({ workspaceId }) => within.includes(workspaceId ?? ''))
  return new Map(kept.map((row) => [row.id, repoFacts(row, owner)]))
}

/** Those in which they have a role, then or now: who administers the organization has one in all of them. */
function* workspacesOf(
  [before, after]: readonly [Holdings, Holdings],
  places: Plan['places'],
  all: readonly string[],
  within: readonly string[] | null,
): Generator<Thing> {
  const was = places.before.organization
  const is = places.after.organization
  if (was === null || is === null) return
  const isAdmin = before.organization === 'admin' || after.organization === 'admin'
  const held = isAdmin ? all : new Set([...before.workspaces.keys(), ...after.workspaces.keys()])
  for (const id of within ?? held) {
    yield { on: 'workspace', before: { id, name: '', organization: was }, after: { id, name: '', organization: is } }
  }
}

async function planOnRepos(
  hub: Hub,
  change: Extract<Change, { kind: 'repo_workspace' | 'repo_visibility' | 'repo_gate' }>,
  repos: readonly RepoFacts[],
  sight: Sight,
): Promise<Plan> {
  const owner = repos[0]?.owner
  if (owner === undefined || repos.some((repo) => repo.owner.id !== owner.id)) {
    throw new HoldfastError('invalid_input', { reason: 'The repositories have one owner in common.', field: 'repos' })
  }
  if (change.kind === 'repo_workspace') await requireWorkspace(hub, change.workspace, owner)
  if (change.kind === 'repo_gate' && change.orgMembersGated === true && owner.kind !== 'organization')
    throw new HoldfastError('bad_request', { reason: 'Only the repository of an organization has members to gate.' })
  if (change.kind === 'repo_visibility' && change.visibility === 'protected' && repos[0]?.kind !== 'space')
    throw new HoldfastError('bad_request', { reason: 'Only a space can be protected. Choose "public" or "private".' })
  const pairs = repos.map((before): RepoPair => ({ before, after: repoAfter(before, change) }))
  const ids = repos.map(({ id }) => id)
  const place =
    owner.kind === 'organization'
      ? (await placesOf(hub, plain(owner), null, sight)).before
      : { organization: null, demands: {} }
  const isTold = owner.kind === 'user' ? sight.isAdministrator : sight.seesMembers
  const what: LoadWhat = {
    ownerId: owner.id,
    now: hub.clock.now(),
    withTokens: sight.isAdministrator && owner.kind === 'organization',
    within: [...new Set(pairs.flatMap(({ before, after }) => [before.workspaceId ?? '', after.workspaceId ?? '']))],
    withRequests: sight.isAdministrator,
  }
  const things = pairs.map((pair): Thing => ({ on: 'repo', ...pair }))
  const judged = (subject: Subject): Judged => ({
    subject,
    after: subject.held,
    areThingsSame: false,
    shapeOf: (token) => pairs.map((pair) => shapeOn(subject, token, pair)).join(' / '),
    things: () => things,
  })
  const load = subjectLoader(hub.db, what)
  async function* slices(): AsyncGenerator<readonly Judged[]> {
    yield [judged({ principal: { kind: 'anonymous' }, held: noHoldings, access: new Map(), tokens: [] })]
    if (!isTold) return
    if (owner?.kind === 'organization') {
      for await (const slice of slicesOf((last) => memberIds(hub.db, owner.id, last, hub.clock.now())))
        yield (await load(slice)).map(judged)
    }
    if (!sight.isAdministrator) return
    for await (const slice of slicesOf((last) => idsOnRepos(hub.db, ids, last))) {
      const others = (await load(slice)).filter(({ held }) => held.organization === null)
      yield others.map((subject) => judged({ ...subject, tokens: [] }))
    }
  }
  return { owner, places: { before: place, after: place }, withTokens: what.withTokens, slices }
}

/** All that a decision about this repo, before or after, asks of who they are; what the owner asks for apart. */
function shapeOn(subject: Subject, token: SubjectToken | null, { before, after }: RepoPair): string {
  const { held, access } = subject
  const id = idOf(subject)
  const roleIn = (workspace: string | null) => (workspace === null ? null : (held.workspaces.get(workspace) ?? null))
  const listed = (entity: string | null) => (entity === null ? undefined : token?.listed.get(entity)?.join())
  return [
    held.organization,
    roleIn(before.workspaceId),
    roleIn(after.workspaceId),
    held.repos.get(before.id) ?? null,
    access.get(before.id)?.status,
    id === before.creatorId,
    id === before.owner.id,
    listed(before.owner.id),
    listed(before.workspaceId),
    listed(after.workspaceId),
    listed(before.id),
  ].join(' ')
}

/** What a decision about a repo asks of its organization. */
function plain(owner: OwnerFacts): OrganizationFacts {
  return {
    ...owner,
    kind: 'organization',
    workspaceCreation: 'admin',
    showsMembers: false,
    classicTokensAdminister: true,
  }
}

function repoAfter(
  repo: RepoFacts,
  change: Extract<Change, { kind: 'repo_workspace' | 'repo_visibility' | 'repo_gate' }>,
): RepoFacts {
  switch (change.kind) {
    case 'repo_workspace':
      return { ...repo, workspaceId: change.workspace }
    case 'repo_visibility':
      return { ...repo, visibility: change.visibility }
    case 'repo_gate':
      return {
        ...repo,
        gated: change.gated ?? repo.gated,
        orgMembersGated: change.orgMembersGated ?? repo.orgMembersGated,
      }
  }
}

/** Throws `workspace_not_found` for a workspace of another owner too, as the move itself does. */
async function requireWorkspace(hub: Hub, id: string | null, owner: OwnerFacts): Promise<void> {
  if (id === null) return
  const found = await workspaceNames(hub.db, [id], owner.id)
  if (!found.has(id)) throw new HoldfastError('workspace_not_found')
}

async function* slicesOf(ids: Ids): AsyncGenerator<readonly string[]> {
  let last = ''
  for (;;) {
    const slice = await ids(last)
    if (slice.length > 0) yield slice
    if (slice.length < sliceSize) return
    last = slice.at(-1) ?? ''
  }
}
