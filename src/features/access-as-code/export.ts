/** What an organization is now, as a document, and which names of a file are nobody's. */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Db } from '../../platform/db/database.ts'
import type { AccessDocument } from './document.ts'
import {
  type GrantRow,
  pageSize,
  selectAccounts,
  selectGrants,
  selectGroupMembers,
  selectGroups,
  selectOrganization,
  selectPeople,
  selectWorkspaces,
  sliceSize,
} from './queries.ts'

/** Members, groups, roles and accounts of one organization together: what a file that is read can hold. */
const mostEntries = 15_000

/** In groups, where people and service accounts stand together, this tells them apart: no name of a person has a colon. */
export const accountPrefix = 'service-account:'

export interface Organization {
  readonly id: string
  readonly name: string
}

/** Lasting roles only, never the value of a token. Throws `field_too_large` for an organization that no file could hold. */
export async function exportAccess(hub: Hub, organization: Organization): Promise<AccessDocument> {
  const { db } = hub
  const row = await selectOrganization(db, organization.id)
  if (row === undefined) throw new HoldfastError('organization_not_found')
  const count = counter()
  const own = await all(count, (after) => selectGrants(db, organization.id, after), principalOf)
  const ofAccount = new Map(own.map((grant) => [grant.principalId, grant.role]))
  const groups = []
  for (const group of await all(count, (after) => selectGroups(db, organization.id, after), keyOf)) {
    const members = await all(count, (after) => selectGroupMembers(db, group.id, after), principalOf)
    const named = members.map(
      ({ userName, accountName, role }) => [userName ?? `${accountPrefix}${accountName}`, role] as const,
    )
    groups.push([group.name, { ...described(group.description), members: sorted(named) }] as const)
  }
  const workspaces = []
  for (const workspace of await all(count, (after) => selectWorkspaces(db, organization.id, after), keyOf)) {
    const grants = await all(count, (after) => selectGrants(db, workspace.id, after), principalOf)
    const of = (kind: GrantRow['principalKind']) => rolesOf(grants, kind)
    const roles = { members: of('user'), groups: of('group'), serviceAccounts: of('service-account') }
    workspaces.push([workspace.name, { ...described(workspace.description), ...roles }] as const)
  }
  const accounts = await all(count, (after) => selectAccounts(db, organization.id, after), keyOf)
  return {
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
    groups: sorted(groups),
    workspaces: sorted(workspaces),
    serviceAccounts: sorted(
      accounts.map(({ id, name, expiresAt, disabledAt }) => [
        name,
        {
          role: ofAccount.get(id) ?? null,
          expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
          disabled: disabledAt !== null,
        },
      ]),
    ),
  }
}

/** Names in the file that nobody has, neither here nor by the file itself, sorted, each with its place. */
export async function unknownNames(db: Db, now: AccessDocument, file: AccessDocument): Promise<string[]> {
  const unknown = new Set<string>()
  const groups = keysOf(now.groups, file.groups)
  const accounts = keysOf(now.serviceAccounts, file.serviceAccounts)
  const people = new Map<string, string>()
  const person = (name: string): void => {
    people.set(nameKey(name), name)
  }
  const account = (name: string): void => {
    if (!accounts.has(nameKey(name))) unknown.add(`service account ${name}`)
  }
  for (const name of Object.keys(file.members ?? {})) person(name)
  for (const { members } of Object.values(file.groups ?? {})) {
    for (const name of Object.keys(members ?? {})) {
      if (name.startsWith(accountPrefix)) account(name.slice(accountPrefix.length))
      else person(name)
    }
  }
  for (const workspace of Object.values(file.workspaces ?? {})) {
    for (const name of Object.keys(workspace.members ?? {})) person(name)
    for (const name of Object.keys(workspace.serviceAccounts ?? {})) account(name)
    for (const name of Object.keys(workspace.groups ?? {})) if (!groups.has(nameKey(name))) unknown.add(`group ${name}`)
  }
  // Members are there, whatever the state of their account.
  for (const key of keysOf(now.members)) people.delete(key)
  const asked = [...people.keys()]
  for (let start = 0; start < asked.length; start += sliceSize) {
    for (const key of await selectPeople(db, asked.slice(start, start + sliceSize))) people.delete(key)
  }
  for (const name of people.values()) unknown.add(`user ${name}`)
  return [...unknown].sort()
}

function keysOf(...sections: (Readonly<Record<string, unknown>> | undefined)[]): Set<string> {
  return new Set(sections.flatMap((section) => Object.keys(section ?? {}).map(nameKey)))
}

const keyOf = (row: { readonly nameKey: string }): string => row.nameKey
const principalOf = (row: { readonly principalId: string }): string => row.principalId

function counter(): (rows: number) => void {
  let entries = 0
  return (rows) => {
    entries += rows
    if (entries > mostEntries)
      throw new HoldfastError('field_too_large', { field: 'The access of this organization', limit: '15,000 entries' })
  }
}

async function all<R>(
  count: (rows: number) => void,
  ask: (after: string) => Promise<R[]>,
  key: (row: R) => string,
): Promise<R[]> {
  const rows: R[] = []
  for (let after = ''; ; ) {
    const page = await ask(after)
    count(page.length)
    rows.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return rows
    after = key(last)
  }
}

function rolesOf(grants: readonly GrantRow[], kind: GrantRow['principalKind']): Record<string, Role> {
  return sorted(
    grants
      .filter(({ principalKind }) => principalKind === kind)
      .map(({ userName, groupName, accountName, role }) => [userName ?? groupName ?? accountName ?? '', role]),
  )
}

const described = (description: string | null) => (description === null ? {} : { description })

/** By name, as its bytes are: the same everywhere, so that a diff shows only what changed. */
function sorted<V>(entries: readonly (readonly [string, V])[]): Record<string, V> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
