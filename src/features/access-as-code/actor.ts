/** Who plans or applies: what they may do is decided for each kind of change as it is decided on the pages. */
import type { Origin } from '../../domain/event.ts'
import { type Principal, plainOrganization, type Resource } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { type Allowed, authorize, systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type Minter, minterOf } from '../service-accounts/service.ts'
import type { Organization } from './world.ts'

export interface Actor {
  readonly principal: Principal
  readonly origin: Origin
  /** The organization itself, for `may`. */
  readonly organization: Extract<Resource, { on: 'organization' }>
  /** Throws the refusal. */
  may<A extends Action>(action: A, resource: Resource): Allowed<A>
  /** What bounds the tokens that give service accounts anything. Throws its refusal. Not inside a transaction. */
  minter(hub: Hub): Promise<Minter>
}

/** The caller of a request about the organization. */
export function callerOf(allowed: Allowed<'org.access_file.apply' | 'org.access_file.read'>, origin: Origin): Actor {
  const { principal, credential, standing, resource } = allowed
  const facts = { principal, credential, standing }
  const organization = { on: 'organization', name: resource.name, organization: resource } as const
  const may = <A extends Action>(action: A, on: Resource): Allowed<A> => authorize(action, { ...facts, resource: on })
  return {
    principal,
    origin,
    organization,
    may,
    minter: (hub) => minterOf(hub, may('org.service_account.create', organization)),
  }
}

/** Whoever holds the machine. `reason`: what the audit log shows as the actor. */
export function operatorOf(organization: Organization, origin: Origin, reason: string): Actor {
  const on = { on: 'organization', name: organization.name, organization: plainOrganization(organization) } as const
  return {
    principal: { kind: 'system', reason },
    origin,
    organization: on,
    may: (action, resource) => systemGrant(action, resource, reason),
    minter: async () => null,
  }
}
