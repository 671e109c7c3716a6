/** Goes through everybody whom a change may concern, and gathers who gains and who loses: the first of them in full, all of them as numbers. */
import { restrictionOf } from '../../access/restriction.ts'
import { accountOf, type RepoFacts } from '../../domain/facts.ts'
import { turnGiver } from '../../platform/give-turn.ts'
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
  /** A new run through the same each time. With a token, the repos that it lists stand apart from others of their sort. */
  things(token: SubjectToken | null): Iterable<Thing>
}

const weekMs = 7 * 86_400_000

/**
 * `slices`: of those concerned, loaded one after the other. `most`: entries of each list. Others get a turn of the event loop between two
 * principals.
 */
export async function compare(
  slices: AsyncIterable<readonly Judged[]>,
  places: { readonly before: Place; readonly after: Place },
  { most, now }: { readonly most: number; readonly now: number },
): Promise<Comparison> {
  const giveTurn = turnGiver()
  const differences: Both<Difference[]> = { gains: [], loses: [] }
  const tokens: Both<TokenDifference[]> = { gains: [], loses: [] }
  const entries = { gains: 0, loses: 0 }
  const principals = { gains: 0, loses: 0 }
  const tokenCounts = { gains: 0, loses: 0 }
  let losingTokensUsedThisWeek = 0
  let looked = 0
  for await (const slice of slices) {
    for (const judged of slice) {
      const { subject } = judged
      const isCounted = accountOf(subject.principal) !== null
      if (isCounted) looked++
      const found = { gains: false, loses: false }
      for (const thing of isUntouched(judged, null, places) ? [] : judged.things(null)) {
        const [before, after] = bothSides(judged, null, thing, places)
        for (const side of sidesOf(before, after)) {
          found[side] = true
          entries[side]++
          if (differences[side].length < most)
            differences[side].push({ subject: subject.principal, thing, before, after })
        }
      }
      for (const side of ['gains', 'loses'] as const) if (found[side] && isCounted) principals[side]++
      for (const token of subject.tokens) {
        const repos = { gains: 0, loses: 0 }
        const any = { gains: false, loses: false }
        for (const thing of isUntouched(judged, token, places) ? [] : judged.things(token)) {
          const [before, after] = bothSides(judged, token, thing, places)
          for (const side of sidesOf(before, after)) {
            any[side] = true
            repos[side] += thing.on === 'repo' ? 1 : thing.on === 'repos' ? thing.count : 0
          }
        }
        const usedThisWeek = token.lastUsedAt !== null && now - token.lastUsedAt < weekMs
        for (const side of ['gains', 'loses'] as const) {
          if (!any[side]) continue
          tokenCounts[side]++
          if (tokens[side].length < most)
            tokens[side].push({ token, owner: subject.principal, repos: repos[side], usedThisWeek })
        }
        if (any.loses && usedThisWeek) losingTokensUsedThisWeek++
      }
      await giveTurn()
    }
  }
  return {
    differences,
    tokens,
    counts: { entries, principals, tokens: tokenCounts, losingTokensUsedThisWeek, looked },
  }
}

/** A change of what the organization asks for: whoever meets it as before, or lacks the same, can do the same. */
function isUntouched(
  { subject, after, areThingsSame }: Judged,
  token: SubjectToken | null,
  { before: was, after: is }: { readonly before: Place; readonly after: Place },
): boolean {
  const { principal, held } = subject
  if (!areThingsSame || after !== held || was.organization !== is.organization || principal.kind === 'anonymous')
    return false
  const viewer = { principal, credential: token?.credential ?? null }
  const restriction = ({ demands }: Place) => restrictionOf(demands, viewer, token?.verdict ?? null, held.organization)
  return restriction(was) === restriction(is)
}

function sidesOf(before: AbilitySet, after: AbilitySet): ('gains' | 'loses')[] {
  if (before === after) return []
  const sides: ('gains' | 'loses')[] = []
  if (gained(before, after) !== 0) sides.push('gains')
  if (lost(before, after) !== 0) sides.push('loses')
  return sides
}

function bothSides(
  { subject, after }: Judged,
  token: SubjectToken | null,
  thing: Thing,
  places: { readonly before: Place; readonly after: Place },
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
