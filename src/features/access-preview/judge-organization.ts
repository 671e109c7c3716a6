/** Everybody whom a change may concern that is felt on all repos of a place, with what they hold before and after: these are counted by what they are. */
import type { OrganizationFacts, RepoFacts } from '../../domain/facts.ts'
import { atLeast, type Role } from '../../domain/role.ts'
import type { Lists } from '../../platform/db/database.ts'
import type { Judged } from './compare.ts'
import { loadOwnTokens, subjectLoader } from './load-subjects.ts'
import {
  allWorkspaces,
  countRepos,
  groupMemberIds,
  idsOnAnyRepo,
  memberIds,
  selectAutoJoin,
  selectGroupRoles,
  selectRepos,
} from './queries.ts'
import { type Ids, loadedAhead, slicesOf } from './slices.ts'
import { type Holdings, holdings, idOf, noHoldings, type Subject } from './subject.ts'
import { classesOf, type RepoClass, repoFacts, reposFor, specialTo, type Thing } from './things.ts'
import type { OrganizationWork } from './work.ts'

export async function* judgedOnOrganization(db: Lists, work: OrganizationWork): AsyncGenerator<readonly Judged[]> {
  const { organization, places, isAdministrator, now } = work
  const { changed, within } = await effectOf(db, work)
  const before = places.before.organization ?? organization
  const after = places.after.organization ?? organization
  const wholes: Thing[] = work.isWhole ? [{ on: 'organization', before, after }] : []
  const workspaces = within === null ? await allWorkspaces(db, organization.id) : within
  const rows = await countRepos(db, organization.id, within)
  const classes = classesOf(rows, organization)
  const creators = new Set(rows.map(({ creatorId }) => creatorId))
  const what = { ownerId: organization.id, now, withTokens: isAdministrator, within, withRequests: isAdministrator }
  const load = subjectLoader(db, what)
  const numberOf = numbering()
  const judgeAll = async (subjects: readonly Subject[]): Promise<Judged[]> => {
    const special = new Set(subjects.flatMap((subject) => [...specialTo(subject, ...subject.tokens)]))
    const singles = await singlesOf(db, organization, [...special], within, classes)
    return subjects.map((subject) => {
      const held = changed(subject)
      return {
        subject,
        after: held,
        areThingsSame: true,
        // Who created repos or has something on single ones sees them apart, and so does a token that lists some.
        shapeOf: (token) =>
          held !== subject.held ||
          creators.has(idOf(subject)) ||
          specialTo(subject, ...(token === null ? [] : [token])).size > 0
            ? null
            : `${subject.held.organization} ${numberOf(subject.held.workspaces)}`,
        *things(token) {
          yield* wholes
          yield* workspacesOf([subject.held, held], [before, after], workspaces, within)
          yield* reposFor(subject, token, [subject.held, held], classes, singles)
        },
      }
    })
  }
  if (work.withOwnTokens && isAdministrator) yield await judgeAll(await loadOwnTokens(db, organization, now))
  const { concerned } = work
  for await (const subjects of loadedAhead(slicesOf(idsOf(db, work)), load)) yield await judgeAll(subjects)
  if (concerned.kind !== 'members' || !concerned.withHolders) return
  for await (const subjects of loadedAhead(
    slicesOf((last) => idsOnAnyRepo(db, organization.id, last)),
    load,
  )) {
    // Members were looked at before; the tokens of others are nobody's business here.
    const others = subjects.filter((subject) => subject.held.organization === null)
    yield await judgeAll(others.map((subject) => ({ ...subject, tokens: [] })))
  }
}

function idsOf(db: Lists, { concerned, organization, now }: OrganizationWork): Ids {
  switch (concerned.kind) {
    case 'one':
      return async (last) => (last === '' ? [concerned.id] : [])
    case 'group':
      return (last) => groupMemberIds(db, concerned.id, last)
    case 'members':
      return (last) => memberIds(db, organization.id, last, now)
  }
}

interface Felt {
  readonly changed: (subject: Subject) => Holdings
  /** Workspaces; null: all repos of the organization. */
  readonly within: readonly string[] | null
}

async function effectOf(db: Lists, { effect, organization, now }: OrganizationWork): Promise<Felt> {
  switch (effect.kind) {
    case 'none':
      return { changed: ({ held }) => held, within: null }
    case 'member_role': {
      const taking = effect.role === null ? [] : await selectAutoJoin(db, organization.id)
      return { changed: (subject) => withMemberRole(subject, effect.role, taking), within: null }
    }
    case 'workspace_role': {
      const { workspace, role, group } = effect
      const changed = ({ held }: Subject): Holdings => {
        if (group === null) return holdings({ ...held, direct: withEntry(held.direct, workspace, role) })
        const roles = withEntry(held.groups.get(group) ?? new Map<string, Role | null>(), workspace, role)
        return holdings({ ...held, groups: new Map(held.groups).set(group, roles) })
      }
      return { changed, within: [workspace] }
    }
    case 'group_member': {
      const shown = effect.shown === null ? null : new Set(effect.shown)
      const roles = await selectGroupRoles(db, effect.group, now)
      const given = new Map<string, Role | null>()
      for (const { workspaceId, role } of roles) {
        if (shown === null || shown.has(workspaceId)) given.set(workspaceId, role)
      }
      const changed = ({ held }: Subject): Holdings => {
        const groups = new Map(held.groups)
        if (effect.isMember) groups.set(effect.group, given)
        else groups.delete(effect.group)
        return holdings({ ...held, groups })
      }
      return { changed, within: [...given.keys()] }
    }
  }
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

async function singlesOf(
  db: Lists,
  owner: OrganizationFacts,
  ids: readonly string[],
  within: readonly string[] | null,
  classes: ReadonlyMap<string, readonly RepoClass[]>,
): Promise<ReadonlyMap<string, RepoFacts>> {
  if (ids.length === 0 || classes.size === 0) return new Map()
  const rows = await selectRepos(db, ids, owner.id)
  const places = within === null ? null : new Set(within)
  const kept = places === null ? rows : rows.filter(({ workspaceId }) => places.has(workspaceId ?? ''))
  return new Map(kept.map((row) => [row.id, repoFacts(row, owner)]))
}

/** Those in which they have a role, then or now: who administers the organization has one in all of them. */
function* workspacesOf(
  [before, after]: readonly [Holdings, Holdings],
  [was, is]: readonly [OrganizationFacts, OrganizationFacts],
  all: readonly string[],
  within: readonly string[] | null,
): Generator<Thing> {
  const isAdmin = before.organization === 'admin' || after.organization === 'admin'
  const held = isAdmin ? all : new Set([...before.workspaces.keys(), ...after.workspaces.keys()])
  for (const id of within ?? held) {
    yield { on: 'workspace', before: { id, name: '', organization: was }, after: { id, name: '', organization: is } }
  }
}
