/** Limits of inference: set by the administrators of the organization that pays. */
import { createHash } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import {
  amountsIn,
  isUnlimited,
  type LimitAmounts,
  type LimitName,
  limitNames,
  monthOf,
  noLimit,
} from '../../domain/inference-limits.ts'
import { nameKey } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { lockOrganizations } from '../organizations/service.ts'
import {
  findMonth,
  type LimitRow,
  type NamedLimit,
  replaceLimits,
  selectLimits,
  selectMembersByName,
  selectServiceAccountsByName,
  selectWorkspacesById,
} from './limit-queries.ts'
import { spendingOf } from './spending.ts'
import { usageBookOf } from './usage-book.ts'

/** What stands for everybody of a kind who is not named. */
export const limitDefaults = ['workspace', 'member', 'service-account', 'token'] as const
export type LimitDefault = (typeof limitDefaults)[number]
/** Workspaces and accounts of an organization with limits of their own. */
export const mostLimits = 1_000

export interface NewLimits {
  readonly organization: LimitAmounts
  readonly defaults: Readonly<Record<LimitDefault, LimitAmounts>>
  readonly workspaces: readonly { readonly id: string; readonly amounts: LimitAmounts }[]
  /** By their names. */
  readonly members: readonly { readonly name: string; readonly amounts: LimitAmounts }[]
  readonly serviceAccounts: readonly { readonly name: string; readonly amounts: LimitAmounts }[]
}

/** Of this month, and of the minute in this process; by the limit that it is held against. */
export type LimitUse = Readonly<Record<LimitName, number>>

export interface OwnLimit {
  readonly id: string
  readonly kind: 'workspace' | 'user' | 'service-account'
  readonly name: string
  readonly amounts: LimitAmounts
  readonly use: LimitUse
}

export interface Limits {
  readonly organization: LimitAmounts
  readonly use: LimitUse
  readonly defaults: Readonly<Record<LimitDefault, LimitAmounts>>
  /** By kind, then name. */
  readonly own: readonly OwnLimit[]
  /** Of what is set, whatever is used: quoted, as `ETag` has it. */
  readonly version: string
}

export async function getLimits(hub: Hub, { resource }: Allowed<'org.inference_limits.read'>): Promise<Limits> {
  // What was called a moment ago is part of it.
  await usageBookOf(hub).flush()
  return await read(hub, hub.db.list, resource.id)
}

/**
 * Takes the place of what was set. `ifMatch`: the version that was read, or null. Throws `inference_limits_changed` where that is not the one any more,
 * and `invalid_input` for a workspace or account that is none of the organization.
 */
export async function setLimits(
  hub: Hub,
  allowed: Allowed<'org.inference_limits.update'>,
  origin: Origin,
  asked: NewLimits,
  ifMatch: string | null,
): Promise<Limits> {
  const { id, name } = allowed.resource
  const count = asked.workspaces.length + asked.members.length + asked.serviceAccounts.length
  if (count > mostLimits) throw invalid(`At most ${mostLimits} workspaces and accounts have limits of their own.`)
  await hub.transaction(async (tx) => {
    await lockOrganizations(tx, hub.db.dialect, [id])
    const before = await selectLimits(tx, id, monthOf(hub.clock.now()).key)
    if (ifMatch !== null && ifMatch !== versionOf(before)) throw new HoldfastError('inference_limits_changed')
    const { rows, names } = await rowsOf(tx, id, asked, before)
    if (versionOf(rows) === versionOf(before)) return
    await replaceLimits(tx, id, rows)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id, name },
      ownerId: id,
      data: difference(before, rows, names),
    })
  })
  spendingOf(hub).forgetLimits()
  return await read(hub, hub.db.list, id)
}

async function read(hub: Hub, on: Db['list'], organizationId: string): Promise<Limits> {
  const month = monthOf(hub.clock.now()).key
  const [rows, sum] = await Promise.all([
    selectLimits(on, organizationId, month),
    findMonth(hub.db, organizationId, month, organizationId),
  ])
  const amountsOf = (subject: string): LimitAmounts => {
    const row = rows.find((one) => one.subject === subject)
    return row === undefined ? noLimit : amountsIn(row)
  }
  const useOf = (subject: string, month: { readonly calls: number; readonly tokens: number }): LimitUse => {
    const minute = spendingOf(hub).minuteOf(organizationId, subject)
    return {
      requestsPerMinute: minute.calls,
      requestsPerMonth: month.calls,
      tokensPerMinute: minute.tokens,
      tokensPerMonth: month.tokens,
    }
  }
  const { workspace, member, token } = Object.fromEntries(
    limitDefaults.map((subject) => [subject, amountsOf(subject)]),
  ) as Record<LimitDefault, LimitAmounts>
  return {
    organization: amountsOf(organizationId),
    use: useOf(organizationId, { calls: Number(sum?.calls ?? 0), tokens: Number(sum?.tokens ?? 0) }),
    defaults: { workspace, member, 'service-account': amountsOf('service-account'), token },
    own: rows.flatMap((row) => ownLimit(row, useOf)).toSorted(byKindAndName),
    version: versionOf(rows),
  }
}

const kinds = ['workspace', 'user', 'service-account']

function byKindAndName(a: OwnLimit, b: OwnLimit): number {
  return kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.name.localeCompare(b.name, 'en')
}

/** Those of whom nothing is left are not told. */
function ownLimit(row: NamedLimit, useOf: (subject: string, month: NamedLimit) => LimitUse): OwnLimit[] {
  const { kind, name, subject } = row
  if (kind === 'organization' || kind === 'default' || name === null) return []
  return [{ id: subject, kind, name, amounts: amountsIn(row), use: useOf(subject, row) }]
}

/** `before`: whoever has a limit and left meanwhile keeps it, by name, until it is taken away: coming back frees nobody. */
async function rowsOf(
  tx: Tx,
  organizationId: string,
  asked: NewLimits,
  before: readonly NamedLimit[],
): Promise<{ readonly rows: LimitRow[]; readonly names: ReadonlyMap<string, string> }> {
  const keysOf = (named: readonly { readonly name: string }[]): string[] =>
    named.map(({ name }) => nameKey(name.trim()))
  const workspaceIds = asked.workspaces.map(({ id }) => id)
  const workspaces = new Map(
    (await selectWorkspacesById(tx, organizationId, workspaceIds)).map(({ id, name }) => [id, name]),
  )
  const members = await selectMembersByName(tx, organizationId, keysOf(asked.members))
  const accounts = byKey(await selectServiceAccountsByName(tx, organizationId, keysOf(asked.serviceAccounts)))
  const names = new Map([
    ...before.flatMap(({ subject, name, kind }) => (kind === 'default' ? [] : [[subject, name ?? subject] as const])),
    ...workspaces,
  ])
  const kept = before.flatMap(({ kind, name, subject }) =>
    kind === 'user' && name !== null ? [{ id: subject, key: nameKey(name) }] : [],
  )
  const people = byKey([...kept, ...members])
  const idOf = (name: string, found: ReadonlyMap<string, string>, what: string): string => {
    const id = found.get(nameKey(name.trim()))
    if (id === undefined) throw invalid(`"${name.slice(0, 100)}" is no ${what} of this organization.`)
    return id
  }
  const ofAll: LimitRow[] = [
    { organizationId, subject: organizationId, kind: 'organization', ...asked.organization },
    ...limitDefaults.map(
      (subject): LimitRow => ({ organizationId, subject, kind: 'default', ...asked.defaults[subject] }),
    ),
  ]
  const rows = ofAll.filter((row) => !isUnlimited(row))
  for (const { id, amounts } of asked.workspaces) {
    if (!workspaces.has(id)) throw invalid(`"${id.slice(0, 100)}" is no workspace of this organization.`)
    rows.push({ organizationId, subject: id, kind: 'workspace', ...amounts })
  }
  for (const { name, amounts } of asked.members) {
    const subject = idOf(name, people, 'member')
    names.set(subject, name.trim())
    rows.push({ organizationId, subject, kind: 'user', ...amounts })
  }
  for (const { name, amounts } of asked.serviceAccounts) {
    const subject = idOf(name, accounts, 'service account')
    names.set(subject, name.trim())
    rows.push({ organizationId, subject, kind: 'service-account', ...amounts })
  }
  const subjects = new Set(rows.map(({ subject }) => subject))
  if (subjects.size < rows.length) throw invalid('A workspace or an account is named twice.')
  return { rows, names: names.set(organizationId, 'organization') }
}

/** Their ids; of two with the same name the later one counts. */
function byKey(found: readonly { readonly id: string; readonly key: string }[]): ReadonlyMap<string, string> {
  return new Map(found.map(({ id, key }) => [key, id]))
}

const invalid = (reason: string): HoldfastError => new HoldfastError('invalid_input', { reason })

/** In one order, whatever they were sent in. */
function versionOf(rows: readonly LimitRow[]): string {
  const lines = rows.map((row) => [row.subject, ...limitNames.map((name) => row[name])].join(' ')).toSorted()
  return `"${createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32)}"`
}

/** Whose limits came, went or changed, from what to what. */
function difference(
  before: readonly NamedLimit[],
  after: readonly LimitRow[],
  names: ReadonlyMap<string, string>,
): EventData {
  const bySubject = (rows: readonly LimitRow[]) => new Map(rows.map((row) => [row.subject, row]))
  const [old, now] = [bySubject(before), bySubject(after)]
  const changes = [...new Set([...old.keys(), ...now.keys()])].flatMap((subject) => {
    const [from, to] = [inWords(old.get(subject)), inWords(now.get(subject))]
    return from === to ? [] : [`${names.get(subject) ?? `every ${subject}`}: ${from} to ${to}`]
  })
  return { changes }
}

function inWords(row: LimitRow | undefined): string {
  if (row === undefined) return 'none'
  return limitNames.map((name) => `${name}=${row[name] ?? 'any'}`).join(' ')
}
