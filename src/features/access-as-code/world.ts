/** What an organization is at one moment: as a document, and what a change needs to know beside it. */

import { HoldfastError } from '../../domain/errors.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { nameKey } from '../../domain/names.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { Turns } from '../../platform/db/turns.ts'
import { type AccessDocument, lexemesOf, mostLexemes } from './document.ts'
import {
  type GrantRow,
  pageSize,
  selectAccounts,
  selectGrants,
  selectGroupMembers,
  selectGroups,
  selectOrganization,
  selectWorkspaces,
  type View,
} from './queries.ts'

/** In groups, where people and service accounts stand together, this tells them apart: no name of a person has a colon. */
export const accountPrefix = 'service-account:'

export interface Organization {
  readonly id: string
  readonly name: string
}

export interface Part {
  readonly id: string
  readonly name: string
}

export interface Place extends Part {
  /** Who has a role there for a while and none that lasts: `members ada`, names without case. */
  readonly passing: ReadonlySet<string>
}

export interface World {
  readonly document: Required<AccessDocument>
  /** Who is a member for a while only, names without case; they are not in the document. */
  readonly passing: ReadonlySet<string>
  /** Lasting administrators whose accounts are active, names without case. */
  readonly activeAdmins: ReadonlySet<string>
  /** By name without case. */
  readonly groups: ReadonlyMap<string, Part>
  readonly workspaces: ReadonlyMap<string, Place>
  readonly accounts: ReadonlyMap<string, Part>
}

/** Each takes a worker or a connection of its own: as many as this at once, whoever asks. */
const views = new Turns(2, 10_000)

/** Runs `read` on the organization as it is at one moment, which changes meanwhile do not reach. */
export async function atOneMoment<T>(hub: Hub, read: (view: View) => Promise<T>): Promise<T> {
  await views.take()
  try {
    return await hub.db.snapshot(read)
  } finally {
    views.give()
  }
}

/** Lasting roles only, never the value of a token. Throws `field_too_large` for an organization that no file could hold. */
export async function readWorld(on: View, organization: Organization, now: number): Promise<World> {
  const row = await selectOrganization(on, organization.id)
  if (row === undefined) throw new HoldfastError('organization_not_found')
  const count = counter()
  const own = await all(count, 'role', (after) => selectGrants(on, organization.id, after), principalOf)
  const accounts = await readAccounts(on, organization, own, count)
  const groups = await readGroups(on, organization, count)
  const workspaces = await readWorkspaces(on, organization, now, count)
  return {
    document: {
      version: 1,
      organization: organization.name,
      settings: {
        defaultRole: row.defaultRole,
        secondFactorRequired: row.secondFactorRequired === 1,
        workspaceCreation: row.workspaceCreation,
        membersVisibility: row.membersVisibility,
      },
      tokenPolicy: {
        policy: row.tokenPolicy,
        mostTokenDays: row.mostTokenDays,
        classicTokensAdminister: row.classicTokensAdminister === 1,
      },
      members: rolesOf(own, 'user'),
      groups: groups.section,
      workspaces: workspaces.section,
      serviceAccounts: accounts.section,
    },
    passing: new Set(passingOf(own, now).map(({ userName }) => nameKey(userName ?? ''))),
    activeAdmins: new Set(
      own
        .filter(({ role, endsWhole, userState }) => role === 'admin' && endsWhole === 0 && userState === 'active')
        .map(({ userName }) => nameKey(userName ?? '')),
    ),
    groups: groups.parts,
    workspaces: workspaces.parts,
    accounts: accounts.parts,
  }
}

type Entry = keyof typeof lexemesOf
type Count = (entry: Entry, rows: number) => void

async function readAccounts(on: View, { id }: Organization, own: readonly GrantRow[], count: Count) {
  const roles = new Map(own.filter(lasts).map((grant) => [grant.principalId, grant.role]))
  const rows = await all(count, 'account', (after) => selectAccounts(on, id, after), keyOf)
  const section = rows.map(
    (account) =>
      [
        account.name,
        {
          role: roles.get(account.id) ?? null,
          expiresAt: isoTime(account.expiresAt),
          disabled: account.disabledAt !== null,
        },
      ] as const,
  )
  return { section: sorted(section), parts: new Map(rows.map((row) => [row.nameKey, row])) }
}

async function readGroups(on: View, { id }: Organization, count: Count) {
  const section = []
  const parts = new Map<string, Part>()
  for (const group of await all(count, 'group', (after) => selectGroups(on, id, after), keyOf)) {
    const members = await all(count, 'role', (after) => selectGroupMembers(on, group.id, after), principalOf)
    const named = members.map(
      ({ userName, accountName, role }) => [userName ?? `${accountPrefix}${accountName}`, role] as const,
    )
    section.push([group.name, { ...described(group.description), members: sorted(named) }] as const)
    parts.set(group.nameKey, group)
  }
  return { section: sorted(section), parts }
}

async function readWorkspaces(on: View, { id }: Organization, now: number, count: Count) {
  const section = []
  const parts = new Map<string, Place>()
  for (const workspace of await all(count, 'workspace', (after) => selectWorkspaces(on, id, after), keyOf)) {
    const grants = await all(count, 'role', (after) => selectGrants(on, workspace.id, after), principalOf)
    const { autoJoin: scope, autoJoinRole: role } = workspace
    const value = {
      ...described(workspace.description),
      autoJoin: scope === null || role === null ? null : { scope, role },
      members: rolesOf(grants, 'user'),
      groups: rolesOf(grants, 'group'),
      serviceAccounts: rolesOf(grants, 'service-account'),
    }
    section.push([workspace.name, value] as const)
    const passing = passingOf(grants, now).map((grant) => `${sectionOf[grant.principalKind]} ${nameKey(nameOf(grant))}`)
    parts.set(workspace.nameKey, { id: workspace.id, name: workspace.name, passing: new Set(passing) })
  }
  return { section: sorted(section), parts }
}

const sectionOf = { user: 'members', group: 'groups', 'service-account': 'serviceAccounts' } as const

const lasts = ({ endsWhole }: GrantRow): boolean => endsWhole === 0

function passingOf(grants: readonly GrantRow[], now: number): GrantRow[] {
  return grants.filter((grant) => !lasts(grant) && (grant.temporaryUntil ?? 0) > now)
}

const nameOf = ({ userName, groupName, accountName }: GrantRow): string => userName ?? groupName ?? accountName ?? ''
const keyOf = (row: { readonly nameKey: string }): string => row.nameKey
const principalOf = (row: { readonly principalId: string }): string => row.principalId

/** No more than a file that is read can hold. */
function counter(): Count {
  let lexemes = 0
  return (entry, rows) => {
    lexemes += rows * lexemesOf[entry]
    if (lexemes > mostLexemes)
      throw new HoldfastError('field_too_large', { field: 'The access of this organization', limit: '15,000 roles' })
  }
}

async function all<R>(
  count: Count,
  entry: Entry,
  ask: (after: string) => Promise<R[]>,
  key: (row: R) => string,
): Promise<R[]> {
  const rows: R[] = []
  for (let after = ''; ; ) {
    const page = await ask(after)
    count(entry, page.length)
    rows.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return rows
    after = key(last)
  }
}

function rolesOf(grants: readonly GrantRow[], kind: GrantRow['principalKind']): Record<string, Role> {
  return sorted(
    grants
      .filter((grant) => lasts(grant) && grant.principalKind === kind)
      .map((grant) => [nameOf(grant), grant.role] as const),
  )
}

const described = (description: string | null) => (description === null ? {} : { description })

/** By name, as its bytes are: the same everywhere, so that a diff shows only what changed. */
function sorted<V>(entries: readonly (readonly [string, V])[]): Record<string, V> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
