/** Goes through everybody whom a change may concern, and gathers who gains and who loses: the first of them in full, all of them as numbers. */
import { restrictionOf } from '../../access/restriction.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import { type AbilitySet, abilitiesOf, gained, lost } from './abilities.ts'
import {
  factsOnOrganization,
  factsOnRepo,
  factsOnWorkspace,
  type Holdings,
  type Place,
  type Subject,
  type SubjectToken,
} from './subject.ts'
import type { Thing } from './things.ts'

export interface Difference {
  readonly subject: Subject['principal']
  readonly thing: Thing
  readonly before: AbilitySet
  readonly after: AbilitySet
}

export interface TokenDifference {
  readonly token: SubjectToken
  readonly owner: Subject['principal']
  /** How many repos, and whether the organization or a workspace. */
  readonly repos: number
  readonly usedThisWeek: boolean
}

interface Both<T> {
  readonly gains: T
  readonly loses: T
}

export interface Comparison {
  readonly differences: Both<Difference[]>
  readonly tokens: Both<TokenDifference[]>
  readonly counts: {
    /** Differences in all, of which the lists have the first. */
    readonly entries: Both<number>
    /** People and service accounts. */
    readonly principals: Both<number>
    readonly tokens: Both<number>
    readonly losingTokensUsedThisWeek: number
    /** How many were looked at. */
    readonly looked: number
  }
}

export interface Judged {
  readonly subject: Subject
  readonly after: Holdings
  /** No thing is another after the change. */
  readonly areThingsSame: boolean
  /**
   * Two with the same shape (and of one kind, alike in what restricts them) have the same things and can do the same on each, before and after.
   * Null: there is nobody like them.
   */
  shapeOf(token: SubjectToken | null): string | null
  /** A new run through the same each time. With a token, the repos that it lists stand apart from others of their sort. */
  things(token: SubjectToken | null): Iterable<Thing>
}

const weekMs = 7 * 86_400_000

/** What differs for one credential: how many things, how many of them repos. */
interface Tally {
  readonly entries: { gains: number; loses: number }
  readonly repos: { gains: number; loses: number }
}

interface Sides {
  readonly before: Place
  readonly after: Place
}

/** So many shapes, and so many decisions, are remembered before all are forgotten again. */
const mostRemembered = 50_000

/**
 * `slices`: of those concerned, loaded one after the other. `most`: entries of each list. Only for a thread of its own: it gives nobody else
 * a turn.
 */
export async function compare(
  slices: AsyncIterable<readonly Judged[]>,
  places: Sides,
  { most, now }: { readonly most: number; readonly now: number },
): Promise<Comparison> {
  const differences: Both<Difference[]> = { gains: [], loses: [] }
  const tokens: Both<TokenDifference[]> = { gains: [], loses: [] }
  const entries = { gains: 0, loses: 0 }
  const principals = { gains: 0, loses: 0 }
  const tokenCounts = { gains: 0, loses: 0 }
  const tallies = new Map<string, Tally>()
  const decisions: Decisions = new Map()
  let losingTokensUsedThisWeek = 0
  let looked = 0

  /** `list`: where the first differences go; without it they are only counted. */
  function tallyOf(judged: Judged, token: SubjectToken | null, list: boolean): Tally {
    const viewer = viewerOf(judged, token, places)
    if (isUntouched(judged, viewer, places)) return { entries: { gains: 0, loses: 0 }, repos: { gains: 0, loses: 0 } }
    const shape = judged.shapeOf(token)
    const key = shape === null ? null : `${viewer.key} ${shape}`
    const known = key === null ? undefined : tallies.get(key)
    const isListed = (tally: Tally) => sides.some((side) => tally.entries[side] > 0 && differences[side].length < most)
    if (known !== undefined && !(list && isListed(known))) return known
    const tally: Tally = { entries: { gains: 0, loses: 0 }, repos: { gains: 0, loses: 0 } }
    for (const thing of judged.things(token)) {
      const [before, after] = bothSides(judged, token, thing, places, viewer, decisions)
      if (before === after) continue
      for (const side of sidesOf(before, after)) {
        tally.entries[side]++
        tally.repos[side] += thing.on === 'repo' ? 1 : thing.on === 'repos' ? thing.count : 0
        if (list && differences[side].length < most)
          differences[side].push({ subject: judged.subject.principal, thing, before, after })
      }
    }
    if (tallies.size >= mostRemembered) tallies.clear()
    if (key !== null) tallies.set(key, tally)
    return tally
  }

  for await (const slice of slices) {
    for (const judged of slice) {
      const { subject } = judged
      const { kind } = subject.principal
      const isCounted = kind === 'user' || kind === 'service-account'
      if (isCounted) looked++
      const own = tallyOf(judged, null, true)
      for (const side of sides) {
        entries[side] += own.entries[side]
        if (own.entries[side] > 0 && isCounted) principals[side]++
      }
      for (const token of subject.tokens) {
        const { entries: found, repos } = tallyOf(judged, token, false)
        const usedThisWeek = token.lastUsedAt !== null && now - token.lastUsedAt < weekMs
        for (const side of sides) {
          if (found[side] === 0) continue
          tokenCounts[side]++
          if (tokens[side].length < most)
            tokens[side].push({ token, owner: subject.principal, repos: repos[side], usedThisWeek })
        }
        if (found.loses > 0 && usedThisWeek) losingTokensUsedThisWeek++
      }
    }
  }
  return {
    differences,
    tokens,
    counts: { entries, principals, tokens: tokenCounts, losingTokensUsedThisWeek, looked },
  }
}

const sides = ['gains', 'loses'] as const

interface ViewerKey {
  /** What the owner asks for and they lack, before and after. */
  readonly restrictions: readonly [string | null, string | null]
  /** Everything about them and the credential that decisions look at, but what they hold and what the token lists. */
  readonly key: string
  readonly listsNothing: boolean
}

function viewerOf({ subject, after }: Judged, token: SubjectToken | null, places: Sides): ViewerKey {
  const { principal, held } = subject
  const credential = token?.credential ?? null
  const listsNothing = token === null || token.listed.size === 0
  if (principal.kind === 'anonymous') return { restrictions: [null, null], key: 'anonymous', listsNothing }
  const viewer = { principal, credential }
  const verdict = token?.verdict ?? null
  const was = restrictionOf(places.before.demands, viewer, verdict, held.organization)
  const is = restrictionOf(places.after.demands, viewer, verdict, after.organization)
  const carried =
    credential === null ? '' : `${credential.role} ${credential.canReadGatedRepos} ${credential.parent?.role ?? ''}`
  return { restrictions: [was, is], key: `${principal.kind} ${was} ${is} (${carried})`, listsNothing }
}

/** A change of what the organization asks for: whoever meets it as before, or lacks the same, can do the same. */
function isUntouched({ subject, after, areThingsSame }: Judged, viewer: ViewerKey, places: Sides): boolean {
  const { principal, held } = subject
  if (!areThingsSame || after !== held || principal.kind === 'anonymous') return false
  return places.before.organization === places.after.organization && viewer.restrictions[0] === viewer.restrictions[1]
}

function sidesOf(before: AbilitySet, after: AbilitySet): ('gains' | 'loses')[] {
  if (before === after) return []
  const sides: ('gains' | 'loses')[] = []
  if (gained(before, after) !== 0) sides.push('gains')
  if (lost(before, after) !== 0) sides.push('loses')
  return sides
}

/** By what they rest on. */
type Decisions = Map<string, readonly [AbilitySet, AbilitySet]>

function bothSides(
  judged: Judged,
  token: SubjectToken | null,
  thing: Thing,
  places: Sides,
  viewer: ViewerKey,
  decisions: Decisions,
): readonly [AbilitySet, AbilitySet] {
  const basis = viewer.listsNothing ? basisOf(judged, thing) : null
  if (basis === null) return decideBoth(judged, token, thing, places)
  const key = `${viewer.key} ${basis}`
  const known = decisions.get(key)
  if (known !== undefined) return known
  const decided = decideBoth(judged, token, thing, places)
  if (decisions.size >= mostRemembered) decisions.clear()
  decisions.set(key, decided)
  return decided
}

/** What decisions about repos of a sort and about a workspace rest on; null for what there is only one of. */
function basisOf({ subject: { held }, after }: Judged, thing: Thing): string | null {
  if (thing.on !== 'repos' && thing.on !== 'workspace') return null
  const id = thing.on === 'workspace' ? thing.before.id : thing.repo.workspaceId
  const roleIn = ({ workspaces }: Holdings) => (id === null ? null : workspaces.get(id))
  const roles = `${held.organization} ${after.organization} ${roleIn(held)} ${roleIn(after)}`
  if (thing.on === 'workspace') return `workspace ${roles}`
  const { visibility, gated, orgMembersGated, isDisabled, creatorId } = thing.repo
  return `${id === null} ${roles} ${visibility} ${gated} ${orgMembersGated} ${isDisabled} ${creatorId === ''}`
}

function decideBoth(
  { subject, after }: Judged,
  token: SubjectToken | null,
  thing: Thing,
  places: Sides,
): [AbilitySet, AbilitySet] {
  const was = { subject, held: subject.held, token, place: places.before }
  const is = { subject, held: after, token, place: places.after }
  switch (thing.on) {
    case 'organization':
      return [abilitiesOf(factsOnOrganization(was, thing.before)), abilitiesOf(factsOnOrganization(is, thing.after))]
    case 'workspace':
      return [abilitiesOf(factsOnWorkspace(was, thing.before)), abilitiesOf(factsOnWorkspace(is, thing.after))]
    case 'repo':
      return [onRepo(was, thing.before), onRepo(is, thing.after)]
    case 'repos':
      return [onRepo(was, thing.repo), onRepo(is, thing.repo)]
  }
}

function onRepo(viewing: Parameters<typeof factsOnRepo>[0], repo: RepoFacts): AbilitySet {
  return abilitiesOf(factsOnRepo(viewing, repo))
}
