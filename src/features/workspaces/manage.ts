/** Making a workspace, changing what it says of itself and whom it takes in, and its end. */
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import { nameKey, parseTitle } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import { findParty, shareOrganization } from '../groups/service.ts'
import { refuseOwnTemporary } from '../temporary-roles/service.ts'
import { type AutoJoin, autoJoinColumns, backFill } from './auto-join.ts'
import { holdWorkspace } from './held.ts'
import type { RepoPlaces } from './places.ts'
import {
  deleteWorkspaceRows,
  insertWorkspace,
  lockOrganization,
  updateWorkspaceRow,
  type WorkspaceRow,
} from './queries.ts'
import { insertRole } from './roster-queries.ts'

const mostName = 200

/** Throws `invalid_input`. */
export const parseWorkspaceName = (value: string): string => parseTitle(value, mostName)

/** Of a description. */
export const mostDescription = 500

export interface NewWorkspace {
  readonly name: string
  readonly description: string | null
  /** People and service accounts by user name. */
  readonly users: readonly { readonly name: string; readonly role: Role }[]
  /** Repos that go into it, each with the decision about it. */
  readonly repos: readonly Allowed<'repo.update_resource_group'>[]
  /** Repos that lie in another workspace are taken from there; else they are refused (WS-1). */
  readonly movesRepos: boolean
  readonly autoJoin: AutoJoin
}

/**
 * All of it or nothing. Throws `invalid_input`, `workspace_name_taken`, `workspace_admin_needed` (WS-6), `not_of_organization`,
 * `already_in_workspace` for a name that stands twice, and `repo_in_other_workspace`.
 */
export async function createWorkspace(
  hub: Hub,
  allowed: Allowed<'resource_group.create'>,
  origin: Origin,
  input: NewWorkspace,
  repos: RepoPlaces,
): Promise<WorkspaceRow> {
  return await hub.transaction((tx) => createWorkspaceIn(hub, tx, allowed, origin, input, repos))
}

/** `createWorkspace` inside a transaction. */
export async function createWorkspaceIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'resource_group.create'>,
  origin: Origin,
  input: NewWorkspace,
  repos: RepoPlaces,
): Promise<WorkspaceRow> {
  const organization = allowed.resource
  const name = parseWorkspaceName(input.name)
  const creator = accountOf(allowed.principal)
  const now = hub.clock.now()
  if (allowed.standing.organizationRole !== 'admin' && allowed.principal.kind !== 'system') {
    if (!input.users.some(({ role }) => role === 'admin')) throw new HoldfastError('workspace_admin_needed')
  }
  const row: WorkspaceRow = {
    id: hub.clock.id(),
    organizationId: organization.id,
    name,
    nameKey: nameKey(name),
    description: input.description,
    createdAt: now,
    createdBy: creator?.id ?? null,
    ...autoJoinColumns(input.autoJoin),
    signedModelsSince: 0,
  }
  await (input.autoJoin === null
    ? shareOrganization(tx, hub.db.dialect, organization.id)
    : lockOrganization(tx, hub.db.dialect, organization.id))
  if (!(await insertWorkspace(tx, row))) throw nameTaken(organization.name, name)
  for (const user of input.users) {
    const party = await findParty(hub, tx, organization, user.name)
    await refuseOwnTemporary(hub, tx, allowed, party.id, [organization.id])
    const grant = {
      targetId: row.id,
      targetKind: 'workspace',
      principalId: party.id,
      principalKind: party.kind,
      role: user.role,
      createdAt: now,
      createdBy: row.createdBy,
    } as const
    if (!(await insertRole(tx, grant))) throw new HoldfastError('already_in_workspace', { name: party.name })
  }
  const joined = await backFill(hub, tx, row)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'resource-group', id: row.id, name },
    ownerId: organization.id,
    data: {
      description: row.description,
      users: input.users.map((user) => `${user.name}=${user.role}`),
      ...(input.autoJoin === null ? {} : { autoJoin: { ...input.autoJoin }, joined }),
    },
  })
  // In one order, so that two such transactions never wait for each other.
  for (const repo of [...input.repos].sort((a, b) => (a.resource.id < b.resource.id ? -1 : 1))) {
    const into = { id: row.id, name, organizationId: organization.id, moves: input.movesRepos }
    await repos.takeIn(hub, tx, repo, origin, into)
  }
  return row
}

export interface WorkspaceChange {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  /** Null turns it off and removes nobody (WS-7). */
  readonly autoJoin?: AutoJoin | undefined
}

/** Throws `invalid_input`, `workspace_name_taken`, or `workspace_not_found` where it was deleted meanwhile. */
export async function updateWorkspace(
  hub: Hub,
  allowed: Allowed<'resource_group.settings'>,
  origin: Origin,
  change: WorkspaceChange,
): Promise<void> {
  await hub.transaction((tx) => updateWorkspaceIn(hub, tx, allowed, origin, change))
}

/** `updateWorkspace` inside a transaction, which a name that is taken dooms. */
export async function updateWorkspaceIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'resource_group.settings'>,
  origin: Origin,
  change: WorkspaceChange,
): Promise<void> {
  const { id, organization } = allowed.resource
  const name = change.name === undefined ? undefined : parseWorkspaceName(change.name)
  const rows = {
    ...(name === undefined ? {} : { name, nameKey: nameKey(name) }),
    ...(change.description === undefined ? {} : { description: change.description }),
    ...(change.autoJoin === undefined ? {} : autoJoinColumns(change.autoJoin)),
  }
  if (Object.keys(rows).length === 0) return
  if (change.autoJoin != null) await lockOrganization(tx, hub.db.dialect, organization.id)
  const before = await holdWorkspace(hub, tx, id)
  try {
    await updateWorkspaceRow(tx, id, rows)
  } catch (error) {
    throw isUniqueViolation(error) ? nameTaken(organization.name, name ?? '') : error
  }
  const joined = change.autoJoin == null ? 0 : await backFill(hub, tx, { ...before, ...rows })
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'resource-group', id, name: name ?? before.name },
    ownerId: organization.id,
    data: {
      ...(name === undefined ? {} : { name: { from: before.name, to: name } }),
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(change.autoJoin === undefined ? {} : autoJoinData(change.autoJoin, joined)),
    },
  })
}

/** Long enough for a workspace with a million repos. Others who write wait for it on SQLite, and read meanwhile. */
export const deletionLimitMs = 300_000

/**
 * WS-8: its repos go back to the organization, its roles are gone, and both are seen at one moment: half a workspace that ended would be
 * a workspace whose private repos nobody can explain. Throws `workspace_not_found`.
 */
export async function deleteWorkspace(
  hub: Hub,
  allowed: Allowed<'resource_group.delete'>,
  origin: Origin,
  repos: RepoPlaces,
): Promise<void> {
  await hub.db.transaction((tx) => deleteWorkspaceIn(hub, tx, allowed, origin, repos), { timeLimitMs: deletionLimitMs })
}

/** `deleteWorkspace` inside a transaction, which may take long. */
export async function deleteWorkspaceIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'resource_group.delete'>,
  origin: Origin,
  repos: RepoPlaces,
): Promise<void> {
  const { id, organization } = allowed.resource
  const before = await holdWorkspace(hub, tx, id)
  const returned = await repos.giveBack(hub, tx, before)
  const roles = await deleteWorkspaceRows(tx, id)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'resource-group', id, name: before.name },
    ownerId: organization.id,
    data: { repos: returned, roles },
  })
}

function autoJoinData(autoJoin: AutoJoin, joined: number): EventData {
  return autoJoin === null ? { autoJoin: null } : { autoJoin: { ...autoJoin }, joined }
}

function nameTaken(organization: string, name: string): HoldfastError {
  return new HoldfastError('workspace_name_taken', { organization, name })
}
