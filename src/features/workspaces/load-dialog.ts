/** Which dialog a workspace's page opens, with what it would change. One opens only for who may press its button. */
import { z } from 'zod'
import type { Call } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Facts, type PartFacts, type RepoFacts, repoKinds } from '../../domain/facts.ts'
import { parseRepoId } from '../../domain/names.ts'
import { decide } from '../../domain/policy.ts'
import { type Role, stronger } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { freshForm } from '../../web/form-state.ts'
import { findGrant } from '../temporary-roles/service.ts'
import { countContents } from './content-queries.ts'
import type { WorkspaceDialogState } from './dialogs.tsx'
import { changeOfPlace, lossThroughGroup, whatIsLeft } from './impact-queries.ts'
import { findWorkspaceRow } from './queries.ts'
import type { Whose } from './roster.ts'
import { findGroupHolder, findHolder } from './roster-queries.ts'

export const dialogQuery = z.object({
  dialog: z.string().max(30).optional(),
  member: z.string().max(100).default(''),
  group: z.string().max(100).default(''),
  kind: z.string().max(20).default(''),
  repo: z.string().max(300).default(''),
})

type Asking = Call<'resource_group.read', z.output<typeof dialogQuery>, unknown>

/** Null for no dialog. Throws `repo_not_found` and others for a repo that cannot be moved. */
export async function dialogOf(call: Asking): Promise<WorkspaceDialogState | null> {
  const { facts, query } = call
  switch (query.dialog) {
    case 'edit':
      return decide('resource_group.settings', facts).allow ? { kind: 'edit', form: freshForm } : null
    case 'delete':
      return decide('resource_group.delete', facts).allow ? await deleting(call) : null
    case 'remove':
      return decide('resource_group.remove_users', facts).allow ? await removing(call) : null
    case 'remove-group':
      return decide('resource_group.remove_users', facts).allow ? await removingGroup(call) : null
    case 'raise':
      return await raising(call.hub, call.facts, call.allowed.resource, { user: query.member })
    case 'raise-group':
      return await raising(call.hub, call.facts, call.allowed.resource, { group: query.group })
    case 'place':
    case 'take-out':
      return await placing(call, query.dialog === 'place')
    default:
      return null
  }
}

/** Null for who may not, and for whoever has no role of their own there. */
export async function raising(
  hub: Hub,
  facts: Facts,
  { id }: PartFacts,
  whose: Whose,
): Promise<Extract<WorkspaceDialogState, { kind: 'raise' }> | null> {
  if (!decide('resource_group.change_role', facts).allow) return null
  const holder = await bearerOf(hub, id, whose)
  const row = holder === null ? null : await findGrant(hub.db.read, id, holder.id)
  if (holder === null || row === null) return null
  const { path, shown } = holder
  const running = row.temporaryUntil !== null && row.temporaryUntil > hub.clock.now() ? row.temporaryRole : null
  return { kind: 'raise', path, shown, lasting: row.endsWhole === 1 ? null : row.role, running, form: freshForm }
}

async function bearerOf(hub: Hub, workspaceId: string, whose: Whose) {
  if ('user' in whose) {
    const holder = await findHolder(hub.db, workspaceId, whose.user)
    return holder === null ? null : { ...holder, path: `users/${encodeURIComponent(holder.name)}` }
  }
  const group = await findGroupHolder(hub.db, workspaceId, whose.group)
  return group === null ? null : { id: group.id, shown: group.name, path: `groups/${encodeURIComponent(group.id)}` }
}

async function deleting({ hub, allowed }: Asking): Promise<WorkspaceDialogState> {
  const { id, organization } = allowed.resource
  const [contents, effect] = await Promise.all([
    countContents(hub.db, [id]),
    changeOfPlace(hub.db, organization.id, id, null, hub.clock.now()),
  ])
  return { kind: 'delete', ...contents(id), effect }
}

async function removing({ hub, allowed, query }: Asking): Promise<WorkspaceDialogState | null> {
  const { id, organization } = allowed.resource
  const holder = await findHolder(hub.db, id, query.member)
  if (holder === null) return null
  const [contents, left] = await Promise.all([
    countContents(hub.db, [id]),
    whatIsLeft(hub.db, organization.id, id, holder.id, hub.clock.now()),
  ])
  const through = left.throughGroups.reduce<Role | null>(stronger, null)
  return {
    kind: 'remove',
    bearer: holder,
    hidden: contents(id).hidden,
    left: { through: through === 'no_access' ? null : through, isAdmin: left.organizationRole === 'admin' },
  }
}

async function removingGroup({ hub, allowed, query }: Asking): Promise<WorkspaceDialogState | null> {
  const { id, organization } = allowed.resource
  const group = await findGroupHolder(hub.db, id, query.group)
  if (group === null) return null
  const about = { organizationId: organization.id, groupId: group.id, workspaceId: id }
  return { kind: 'remove-group', group, loss: await lossThroughGroup(hub.db, about, hub.clock.now()) }
}

async function placing(call: Asking, isInto: boolean): Promise<WorkspaceDialogState | null> {
  const { hub, allowed, query, authorizeAlso } = call
  const { id, name, organization } = allowed.resource
  const address = parseRepoId(query.repo.trim())
  const kind = repoKinds.find((known) => known === query.kind)
  if (address === null || kind === undefined) throw new HoldfastError('repo_not_found')
  const target = {
    on: 'repo',
    kind,
    namespace: address.namespace ?? organization.name,
    name: address.name,
  } as const
  const { resource: repo } = await authorizeAlso('repo.update_resource_group', target)
  if (repo.owner.id !== organization.id) throw new HoldfastError('repo_not_found')
  const into = isInto ? { id, name } : null
  if (repo.workspaceId === (into?.id ?? null)) return null
  const [from, effect] = await Promise.all([
    repo.workspaceId === null ? null : findWorkspaceRow(hub.db, repo.workspaceId),
    changeOfPlace(hub.db, organization.id, repo.workspaceId, into?.id ?? null, hub.clock.now()),
  ])
  return { kind: 'place', repo: addressOf(repo), from, into, effect }
}

function addressOf(repo: RepoFacts) {
  const { kind, owner, name, visibility } = repo
  return { kind, namespace: owner.name, name, isPrivate: visibility !== 'public' }
}
