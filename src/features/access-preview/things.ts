/**
 * What a change may open or shut: the organization, its workspaces, single repos, and repos of one sort that the policy cannot tell apart,
 * which are counted instead of listed.
 */
import {
  accountOf,
  type OrganizationFacts,
  type OwnerFacts,
  type PartFacts,
  type RepoFacts,
} from '../../domain/facts.ts'
import type { RepoClassRow, RepoRow } from './queries.ts'
import type { Holdings, Subject, SubjectToken } from './subject.ts'

/** Repos of one place that are the same to everybody but who created them, and who has something on the single repo. */
export interface RepoClass {
  readonly repo: RepoFacts
  readonly count: number
  readonly byCreator: ReadonlyMap<string, number>
}

export type Thing =
  | { readonly on: 'organization'; readonly before: OrganizationFacts; readonly after: OrganizationFacts }
  | { readonly on: 'workspace'; readonly before: PartFacts; readonly after: PartFacts }
  | { readonly on: 'repo'; readonly before: RepoFacts; readonly after: RepoFacts }
  | { readonly on: 'repos'; readonly repo: RepoFacts; readonly count: number }

export function repoFacts(row: RepoRow, owner: OwnerFacts): RepoFacts {
  return {
    id: row.id,
    kind: row.kind,
    owner,
    name: row.name,
    visibility: row.visibility,
    creatorId: row.creatorId,
    workspaceId: row.workspaceId,
    isDisabled: row.disabledAt !== null,
    headCommit: null,
    gated: row.gated === 'open' ? false : row.gated,
    orgMembersGated: row.orgMembersGated === 1,
  }
}

/** By workspace; under `''` those in none. */
export function classesOf(rows: readonly RepoClassRow[], owner: OwnerFacts): ReadonlyMap<string, readonly RepoClass[]> {
  const byKey = new Map<string, { repo: RepoFacts; count: number; byCreator: Map<string, number> }>()
  for (const row of rows) {
    const key = classKey(row.workspaceId, row.visibility, row.gated !== 'open' && row.gated, row)
    let found = byKey.get(key)
    if (found === undefined) {
      const repo = repoFacts(
        { ...row, id: '', kind: 'model', name: '', creatorId: '', disabledAt: row.isDisabled === 1 ? 0 : null },
        owner,
      )
      found = { repo, count: 0, byCreator: new Map() }
      byKey.set(key, found)
    }
    found.count += row.count
    found.byCreator.set(row.creatorId, (found.byCreator.get(row.creatorId) ?? 0) + row.count)
  }
  const byPlace = new Map<string, RepoClass[]>()
  for (const each of byKey.values()) {
    const place = each.repo.workspaceId ?? ''
    const found = byPlace.get(place)
    if (found === undefined) byPlace.set(place, [each])
    else found.push(each)
  }
  return byPlace
}

function classKey(
  workspaceId: string | null,
  visibility: string,
  gated: RepoFacts['gated'],
  { orgMembersGated, isDisabled }: { orgMembersGated: number | boolean; isDisabled: number | boolean },
): string {
  return [workspaceId ?? '', visibility, gated, Number(orgMembersGated), Number(isDisabled)].join(' ')
}

const keyOfRepo = (repo: RepoFacts): string => classKey(repo.workspaceId, repo.visibility, repo.gated, repo)

/** What is not the same to them as others of its sort: by id, of which some are no repos. */
export function specialTo({ held, access }: Subject, ...tokens: readonly SubjectToken[]): ReadonlySet<string> {
  return new Set([...held.repos.keys(), ...access.keys(), ...tokens.flatMap(({ listed }) => [...listed.keys()])])
}

/**
 * The repos of the classes as this one sees them: each class without those that are special to them, in two parts where they created some of
 * it, and the special ones one by one. `before`, `after`: what they hold; a place where neither gives a role is the same to them before and after.
 */
export function* reposFor(
  subject: Subject,
  token: SubjectToken | null,
  [before, after]: readonly [Holdings, Holdings],
  classes: ReadonlyMap<string, readonly RepoClass[]>,
  singles: ReadonlyMap<string, RepoFacts>,
): Generator<Thing> {
  const { principal } = subject
  const id = principal.kind === 'anonymous' ? '' : (accountOf(principal)?.id ?? '')
  const special = new Map<string, RepoFacts>()
  for (const repoId of token === null ? specialTo(subject) : specialTo(subject, token)) {
    const repo = singles.get(repoId)
    if (repo !== undefined) special.set(repoId, repo)
  }
  const apart = new Map<string, { own: number; others: number }>()
  for (const repo of special.values()) {
    const key = keyOfRepo(repo)
    const parts = apart.get(key) ?? { own: 0, others: 0 }
    if (repo.creatorId === id) parts.own++
    else parts.others++
    apart.set(key, parts)
    yield { on: 'repo', before: repo, after: repo }
  }
  // Its own token reaches all of it, whatever the workspace (OAT-3).
  const seesAll = principal.kind === 'organization' || before.organization === 'admin' || after.organization === 'admin'
  const places = seesAll ? classes.keys() : new Set(['', ...before.workspaces.keys(), ...after.workspaces.keys()])
  for (const place of places) {
    for (const { repo, count, byCreator } of classes.get(place) ?? []) {
      const created = byCreator.get(id) ?? 0
      const parts = apart.get(keyOfRepo(repo)) ?? { own: 0, others: 0 }
      const own = created - parts.own
      const others = count - created - parts.others
      if (own > 0) yield { on: 'repos', repo: { ...repo, creatorId: id }, count: own }
      if (others > 0) yield { on: 'repos', repo, count: others }
    }
  }
}
