/**
 * Provenance (idea 5): what a token could reach and what it did reach, and from that the narrower permissions that would have been enough. What was
 * recorded stands in access/token-usage.ts.
 */

import type { Viewer } from '../../access/restriction.ts'
import { otherThings } from '../../access/token-usage.ts'
import { visibleAmong } from '../../access/viewer-reach.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoKind } from '../../domain/facts.ts'
import { covers, isReading } from '../../domain/narrower.ts'
import type { Hub } from '../../hub.ts'
import type { EntityType, RequestedGrant } from './grants.ts'
import { permissionsFor } from './grants.ts'
import { placesOfRepos } from './queries.ts'
import { permissionsInWords } from './requested-permissions.ts'
import type { AnyTokenRole, StoredToken } from './token.ts'
import { listCallers, listUses, type UseRow } from './usage-queries.ts'

export const usageKeptDays = 90

export interface TouchedThing {
  /** `other`: what went beyond the most of a day. `gone`: deleted, or not for the asker to see. */
  readonly type: RepoKind | 'org' | 'user' | 'gone' | 'other'
  readonly id: string | null
  readonly name: string | null
  readonly permissions: readonly string[]
  readonly reads: number
  readonly writes: number
  /** That were sent. */
  readonly bytes: number
  /** The first millisecond of the latest day. */
  readonly lastDay: number
}

export interface SeenCaller {
  readonly value: string
  readonly firstAt: number
  readonly lastAt: number
  readonly uses: number
}

export interface UsageReport {
  readonly firstUsedAt: number | null
  readonly lastUsedAt: number | null
  /** What it could reach. */
  readonly reach: { readonly role: AnyTokenRole; readonly permissions: readonly string[] }
  /** What it did reach, the most used first. */
  readonly things: readonly TouchedThing[]
  /** Permissions that it has and that nothing needed. */
  readonly unused: readonly string[]
  readonly days: readonly {
    readonly day: number
    readonly reads: number
    readonly writes: number
    readonly bytes: number
  }[]
  readonly addresses: readonly SeenCaller[]
  readonly programs: readonly SeenCaller[]
}

/** `viewer`: who asks. What they cannot see today has no name (AUTH-7). */
export async function usageOf(hub: Hub, viewer: Viewer, token: StoredToken): Promise<UsageReport> {
  const [rows, callers] = await Promise.all([listUses(hub.db.read, token.id), listCallers(hub.db.read, token.id)])
  const seen = await visibleAmong(hub.db, viewer, repoIds(rows), hub.clock.now())
  const things = [...Map.groupBy(rows, ({ thingId }) => thingId)].map(([id, ofThing]) => thingOf(id, ofThing, seen))
  const of = (kind: 'address' | 'program') => callers.filter((caller) => caller.kind === kind).map(plainCaller)
  const used = new Set(rows.map(({ permission }) => permission))
  const held = [...token.scoped.flatMap(({ permissions }) => permissions), ...token.global]
  return {
    firstUsedAt: callers.length === 0 ? null : Math.min(...callers.map(({ firstAt }) => Number(firstAt))),
    lastUsedAt: token.lastUsedAt,
    reach: { role: token.role, permissions: permissionsInWords(token) },
    things: things.sort((a, b) => b.reads + b.writes - a.reads - a.writes),
    unused: [...new Set(held)].filter((permission) => ![...used].some((one) => covers([permission], one))).sort(),
    days: [...Map.groupBy(rows, ({ day }) => day)].map(([day, ofDay]) => ({ day, ...countsOf(ofDay) })),
    addresses: of('address'),
    programs: of('program'),
  }
}

const repoIds = (rows: readonly UseRow[]): string[] => [
  ...new Set(
    rows.filter(({ thingKind, repoName }) => thingKind === 'repo' && repoName !== null).map(({ thingId }) => thingId),
  ),
]

function thingOf(id: string, rows: readonly UseRow[], seen: ReadonlySet<string>): TouchedThing {
  const counts = {
    permissions: [...new Set(rows.map(({ permission }) => permission))].sort(),
    ...countsOf(rows),
    lastDay: Math.max(...rows.map(({ day }) => day)),
  }
  const [row] = rows
  if (id === otherThings || row === undefined) return { type: 'other', id: null, name: null, ...counts }
  const { thingKind, repoKind, repoName, repoOwnerName, namespaceName } = row
  if (thingKind === 'repo' && repoKind !== null && seen.has(id)) {
    return { type: repoKind, id, name: `${repoOwnerName ?? ''}/${repoName ?? ''}`, ...counts }
  }
  if (thingKind === 'repo' || namespaceName === null) return { type: 'gone', id: null, name: null, ...counts }
  return { type: thingKind === 'user' ? 'user' : 'org', id, name: namespaceName, ...counts }
}

function countsOf(rows: readonly UseRow[]) {
  const sum = (some: readonly UseRow[], of: (row: UseRow) => number) => some.reduce((all, row) => all + of(row), 0)
  const reading = rows.filter(({ permission }) => isReading(permission))
  const reads = sum(reading, ({ uses }) => uses)
  return { reads, writes: sum(rows, ({ uses }) => uses) - reads, bytes: sum(rows, ({ bytes }) => bytes) }
}

const plainCaller = ({ value, firstAt, lastAt, uses }: SeenCaller): SeenCaller => ({
  value,
  firstAt: Number(firstAt),
  lastAt: Number(lastAt),
  uses: Number(uses),
})

export interface Proposal {
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly grants: readonly RequestedGrant[]
}

/**
 * The permissions that what was recorded needed, and that the token still has: by repo where it touched repos. `owner`: of the token, as they see.
 * Throws `shrink_impossible` where nothing was recorded, or too much.
 */
export async function proposeShrink(hub: Hub, owner: Viewer, token: StoredToken): Promise<Proposal> {
  const rows = await listUses(hub.db.read, token.id)
  if (rows.some(({ thingId }) => thingId === otherThings)) {
    throw impossible('It touched more things in a day than are recorded one by one.')
  }
  const seen = await visibleAmong(hub.db, owner, repoIds(rows), hub.clock.now())
  const places = await placesOfRepos(hub.db, [...seen])
  const wanted = new Map<
    string,
    { readonly type: EntityType; readonly name: string; readonly permissions: Set<string> }
  >()
  const add = (type: EntityType, id: string, name: string, permission: string) => {
    const entry = wanted.get(id) ?? { type, name, permissions: new Set<string>() }
    entry.permissions.add(permission)
    wanted.set(id, entry)
  }
  for (const { thingKind, thingId, permission, ...row } of rows) {
    if (thingKind === 'repo') {
      const place = places.get(thingId)
      if (row.repoKind === null || place === undefined) continue
      const holders = [thingId, place.ownerId, place.workspaceId]
      if (!holds(token, holders, permission)) continue
      if (permissionsFor(row.repoKind).includes(permission)) {
        add(row.repoKind, thingId, `${row.repoOwnerName ?? ''}/${row.repoName ?? ''}`, permission)
      } else add('org', place.ownerId, row.repoOwnerName ?? '', permission)
    } else if (row.namespaceName !== null && holds(token, [thingId], permission)) {
      add(thingKind === 'user' ? 'user' : 'org', thingId, row.namespaceName, permission)
    }
  }
  if (wanted.size === 0) throw impossible('Nothing is recorded that it was needed for. If nobody needs it, delete it.')
  const grants = [...wanted].map(([id, { type, permissions }]) => ({
    entity: { type, id },
    permissions: [...permissions].sort(),
  }))
  const after = [...wanted.values()].map(
    ({ type, name, permissions }) => `${type}:${name}=${[...permissions].sort().join(',')}`,
  )
  return { before: wordsOf(token), after: after.sort(), grants }
}

/** A classic or inheriting token has it wherever its owner has. */
function holds(token: StoredToken, ids: readonly (string | null)[], permission: string): boolean {
  if (token.role !== 'fineGrained') return true
  const listed = token.scoped.filter(({ id }) => ids.includes(id)).flatMap(({ permissions }) => permissions)
  return covers(listed, permission)
}

function wordsOf(token: StoredToken): string[] {
  if (token.role === 'fineGrained') return permissionsInWords(token)
  return [
    token.role === 'inherit'
      ? 'all that the account may do'
      : `role ${token.role}: everything that its owner can ${token.role}`,
  ]
}

function impossible(reason: string): HoldfastError {
  return new HoldfastError('shrink_impossible', { reason })
}
