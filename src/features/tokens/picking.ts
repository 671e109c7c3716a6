/** Between what a form sent, what a token lists and what the picker draws. What one cannot see is never named back. */
import { HoldfastError } from '../../domain/errors.ts'
import { repoKinds } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { membershipsOf } from '../organizations/service.ts'
import {
  type EntityReference,
  type EntityType,
  lostGrant,
  parseScoped,
  type RequestedGrant,
  resolveEntity,
} from './grants.ts'
import type { Picked, PickedGrant, PickerOwner, RepoEntityType } from './picker.ts'
import type { RequestedPermissions } from './requested-permissions.ts'
import type { Token } from './token.ts'

/** What a form says, whether it was sent or prefilled by an address. */
export interface Ticks {
  /** `model:acme/x=repo.write`. */
  readonly scoped: readonly string[]
  /** Repos that stand in the picker, ticked or not: `model:acme/x`. */
  readonly selected: readonly string[]
  readonly global: readonly string[]
  readonly canReadGatedRepos: boolean
}

interface Person {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
}

export async function pickerOwner(hub: Hub, person: Person): Promise<PickerOwner> {
  const organizations = await membershipsOf(hub.db, person.id, hub.clock.now())
  return { name: person.name, fullname: person.fullname, organizations }
}

/** `token`: the one that is being edited; what it lists and its owner lost stays shown. */
export async function pickedFromTicks(hub: Hub, person: Person, ticks: Ticks, token: Token | null): Promise<Picked> {
  const permissions = new Map<string, string[]>(ticks.selected.map((entity) => [entity, []]))
  for (const tick of ticks.scoped) {
    const equals = tick.indexOf('=')
    const entity = tick.slice(0, Math.max(0, equals))
    permissions.set(entity, [...(permissions.get(entity) ?? []), ...tick.slice(equals + 1).split(',')])
  }
  const grants = new Map<string, PickedGrant>()
  for (const [entity, given] of permissions) {
    const grant = await pickedGrant(hub, person, entity, given, token)
    if (grant === null) continue
    const key = `${grant.type}:${grant.name}`
    grants.set(key, { ...grant, permissions: [...(grants.get(key)?.permissions ?? []), ...grant.permissions] })
  }
  return { grants: [...grants.values()], global: ticks.global, canReadGatedRepos: ticks.canReadGatedRepos }
}

export function pickedFromToken(token: Token): Picked {
  return {
    grants: token.scoped.flatMap((grant) => (isPickable(grant.type) ? [{ ...grant, type: grant.type }] : [])),
    global: token.global,
    canReadGatedRepos: token.canReadGatedRepos,
  }
}

async function pickedGrant(
  hub: Hub,
  person: Person,
  entity: string,
  permissions: readonly string[],
  token: Token | null,
): Promise<PickedGrant | null> {
  const reference = parseEntity(entity)
  if (reference === null || !isPickable(reference.type)) return null
  const found = await resolveEntity(hub, person, reference)
  if (found !== null) {
    return { type: reference.type, name: found.name, permissions, isPrivate: found.isPrivate, isEffective: true }
  }
  const lost = token === null ? undefined : lostGrant(token, reference)
  return lost === undefined ? null : { type: reference.type, name: lost.name, permissions, isEffective: false }
}

/** What the form asks the service for. Workspaces are not in the picker: an edit leaves them as they are. */
export function requestedFromTicks(ticks: Ticks, token: Token | null): RequestedPermissions {
  const empty = unticked(ticks)
  if (empty !== null) {
    throw new HoldfastError('invalid_input', { reason: `Tick what the token may do on ${empty}, or remove it.` })
  }
  const unpicked = (token?.scoped ?? [])
    .filter((grant) => !isPickable(grant.type))
    .map((grant): RequestedGrant => ({ entity: { type: grant.type, id: grant.id }, permissions: grant.permissions }))
  return {
    canReadGatedRepos: ticks.canReadGatedRepos,
    global: ticks.global,
    scoped: [...ticks.scoped.map(parseScoped), ...unpicked],
  }
}

/** The first repo that was added without a permission on it, by name: nobody means that. */
export function unticked(ticks: Pick<Ticks, 'scoped' | 'selected'>): string | null {
  const empty = ticks.selected.find((entity) => !ticks.scoped.some((tick) => tick.startsWith(`${entity}=`)))
  return empty === undefined ? null : empty.slice(empty.indexOf(':') + 1)
}

/** `datasets/acme/d1`, `dataset:acme/d1`, `acme/m1` or its address, as typed into the picker. Null where one sees no such repo. */
export async function findTypedRepo(hub: Hub, person: Person, typed: string): Promise<string | null> {
  const text = typed.trim().replace(/^https?:\/\/[^/]+\//, '')
  const prefixed = /^(models|datasets|spaces)\/(.+)$/.exec(text)
  const kind = prefixed?.[1] === 'datasets' ? 'dataset' : prefixed?.[1] === 'spaces' ? 'space' : 'model'
  const reference = parseEntity(text.includes(':') ? text : `${kind}:${prefixed?.[2] ?? text}`)
  if (reference === null || !isRepo(reference.type)) return null
  const found = await resolveEntity(hub, person, reference)
  return found === null ? null : `${reference.type}:${found.name}`
}

function parseEntity(entity: string): EntityReference | null {
  try {
    // The grammar of a tick, with a permission that is only there to complete it.
    return parseScoped(`${entity}=repo.write`).entity
  } catch {
    // What somebody wrote into an address by hand is simply not picked.
    return null
  }
}

function isRepo(type: EntityType): type is RepoEntityType {
  return repoKinds.some((kind) => kind === type)
}

function isPickable(type: EntityType): type is PickedGrant['type'] {
  return type === 'user' || type === 'org' || isRepo(type)
}
