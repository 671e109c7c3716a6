/** What an organization's administrators let groups of the company give: a role in it, a place in a group of it, a role in a workspace. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import { isRole } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { isGroupName } from './claims.ts'
import {
  countMappings,
  deleteMapping,
  findMapping,
  insertMapping,
  type ListedMapping,
  listMappings,
  type MappingRow,
  partOf,
  partsToOffer,
} from './grant-queries.ts'

export type { ListedMapping } from './grant-queries.ts'

export const mostMappings = 500
const mostOffered = 200

/** Where a page of mappings goes on. */
export interface MappingMark {
  readonly group: string
  readonly id: string
}

export interface MappingPage {
  readonly mappings: readonly ListedMapping[]
  readonly next: MappingMark | null
}

export async function listGroupMappings(
  hub: Hub,
  allowed: Allowed<'org.company_group.read'>,
  page: { readonly after: MappingMark; readonly limit: number },
): Promise<MappingPage> {
  const rows = await listMappings(hub.db, allowed.resource.id, page.after, page.limit + 1)
  const mappings = rows.slice(0, page.limit)
  const last = rows.length > page.limit ? mappings.at(-1) : undefined
  return { mappings, next: last === undefined ? null : { group: last.externalGroup, id: last.id } }
}

/** Null where it is gone. */
export async function findGroupMapping(
  hub: Hub,
  allowed: Allowed<'org.company_group.read'>,
  id: string,
): Promise<ListedMapping | null> {
  return await findMapping(hub.db, allowed.resource.id, id)
}

/** Groups and workspaces that a mapping may name. */
export async function placesToOffer(hub: Hub, allowed: Allowed<'org.company_group.read'>) {
  return await partsToOffer(hub.db, allowed.resource.id, mostOffered)
}

/**
 * `target`: `organization`, `group:ID` or `workspace:ID`. Holds from the next sign-in of whoever is in the group. Throws `invalid_input`,
 * `company_group_mapped`, `company_groups_full`.
 */
export async function addGroupMapping(
  hub: Hub,
  allowed: Allowed<'org.company_group.update'>,
  origin: Origin,
  input: { readonly externalGroup: string; readonly target: string; readonly role: string },
): Promise<void> {
  const organization = allowed.resource
  const externalGroup = input.externalGroup.trim()
  if (!isGroupName(externalGroup)) {
    throw invalid('externalGroup', 'The name of a group has 1 to 256 characters, as the provider sends it.')
  }
  const { kind, id } = readTarget(input.target)
  requireRole(kind, input.role)
  const row: MappingRow = {
    id: hub.clock.id(),
    organizationId: organization.id,
    externalGroup,
    kind,
    groupId: kind === 'group' ? id : null,
    workspaceId: kind === 'workspace' ? id : null,
    targetId: kind === 'organization' ? organization.id : id,
    role: input.role,
    createdAt: hub.clock.now(),
    createdBy: accountOf(allowed.principal)?.id ?? null,
  }
  await hub.transaction(async (tx) => {
    const name = kind === 'organization' ? organization.name : await partOf(tx, organization.id, kind, id)
    if (name === null) throw invalid('target', 'That group or workspace is not there any more.')
    if ((await countMappings(tx, organization.id)) >= mostMappings) {
      throw new HoldfastError('company_groups_full', { limit: mostMappings })
    }
    if (!(await insertMapping(tx, row))) throw new HoldfastError('company_group_mapped')
    await recordEvent(hub, tx, allowed, origin, {
      action: 'org.company_group.add',
      resource: { kind: 'organization', id: organization.id, name: organization.name },
      ownerId: organization.id,
      data: { companyGroup: externalGroup, gives: kind, in: name, targetId: row.targetId, role: row.role },
    })
  })
}

/** What people have by it they keep until they sign in the next time. Throws `not_found`. */
export async function removeGroupMapping(
  hub: Hub,
  allowed: Allowed<'org.company_group.update'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const organization = allowed.resource
  await hub.transaction(async (tx) => {
    const row = await deleteMapping(tx, organization.id, id)
    if (row === null) throw new HoldfastError('not_found')
    await recordEvent(hub, tx, allowed, origin, {
      action: 'org.company_group.remove',
      resource: { kind: 'organization', id: organization.id, name: organization.name },
      ownerId: organization.id,
      data: { companyGroup: row.externalGroup, gives: row.kind, targetId: row.targetId, role: row.role },
    })
  })
}

function readTarget(target: string): { readonly kind: MappingRow['kind']; readonly id: string } {
  if (target === 'organization') return { kind: 'organization', id: '' }
  const [kind, id = ''] = target.split(':')
  if ((kind === 'group' || kind === 'workspace') && id !== '') return { kind, id }
  throw invalid('target', 'Choose the organization, a group or a workspace.')
}

function requireRole(kind: MappingRow['kind'], role: string): void {
  if (kind === 'group') {
    if (role !== 'member' && role !== 'manager') throw invalid('role', 'In a group one is member or manager.')
  } else if (!isRole(role)) {
    throw invalid('role', 'Member and manager are for groups. Choose read, contributor, write or admin.')
  } else if (kind === 'workspace' && role === 'no_access') {
    throw invalid('role', 'A role in a workspace gives access: read, for example.')
  }
}

function invalid(field: string, reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason, field })
}
