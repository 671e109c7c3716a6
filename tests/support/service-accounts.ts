/** Service accounts and their tokens for tests, made through the real services. */
import { systemOrigin } from '../../src/domain/event.ts'
import { plainOrganization } from '../../src/domain/facts.ts'
import type { Action } from '../../src/domain/permissions.ts'
import { type Allowed, systemGrant } from '../../src/domain/policy.ts'
import type { Role } from '../../src/domain/role.ts'
import {
  createAccountToken,
  createServiceAccount,
  type NewAccountToken,
  type ServiceAccount,
} from '../../src/features/service-accounts/service.ts'
import { parseScoped } from '../../src/features/tokens/service.ts'
import type { Hub } from '../../src/hub.ts'

interface Organization {
  readonly id: string
  readonly name: string
}

function grant<A extends Action>(action: A, organization: Organization): Allowed<A> {
  const resource = plainOrganization(organization)
  return systemGrant(action, { on: 'organization', name: organization.name, organization: resource }, 'tests')
}

export async function makeServiceAccount(
  { hub }: { hub: Hub },
  organization: Organization,
  name: string,
  role: Role = 'write',
): Promise<ServiceAccount> {
  const allowed = grant('org.service_account.create', organization)
  return await createServiceAccount(hub, allowed, systemOrigin, { name, role })
}

/** The value of a new token: of one that inherits, or of one with what `scoped` says (`model:acme/x=repo.write`). */
export async function makeAccountToken(
  { hub }: { hub: Hub },
  organization: Organization,
  account: { readonly id: string },
  scoped: 'inherit' | readonly string[] = 'inherit',
  more: Omit<NewAccountToken, 'mode' | 'scoped'> = {},
): Promise<string> {
  const made = await createAccountToken(
    hub,
    grant('org.service_account.token.create', organization),
    systemOrigin,
    account.id,
    scoped === 'inherit' ? { ...more, mode: 'inherit' } : { ...more, scoped: scoped.map(parseScoped) },
  )
  return made.value
}
