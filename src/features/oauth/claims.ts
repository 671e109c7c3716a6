/** What an application learns of a person, in the Hub's shape: as much as its scopes say. */
import type { Hub } from '../../hub.ts'
import { avatarUrl } from '../organizations/service.ts'
import { findPrimaryEmail, listMemberships, type Person } from './queries.ts'
import type { ScopeName } from './scopes.ts'

export interface Claims {
  readonly sub: string
  readonly [claim: string]: unknown
}

export async function claimsOf(
  hub: Hub,
  person: Person,
  scopes: readonly ScopeName[],
  organizationIds: readonly string[],
): Promise<Claims> {
  const email = scopes.includes('email') ? await findPrimaryEmail(hub.db.read, person.id) : null
  const organizations =
    organizationIds.length === 0
      ? []
      : (await listMemberships(hub.db.read, person.id, hub.clock.now())).filter(({ id }) =>
          organizationIds.includes(id),
        )
  return {
    sub: person.id,
    ...(scopes.includes('profile')
      ? {
          name: person.fullname ?? person.name,
          preferred_username: person.name,
          profile: `${hub.config.publicUrl}/${encodeURIComponent(person.name)}`,
          picture: avatarUrl(hub, person.name),
          isPro: false,
          orgs: organizations.map((organization) => ({
            sub: organization.id,
            name: organization.fullname ?? organization.name,
            preferred_username: organization.name,
            picture: avatarUrl(hub, organization.name),
            roleInOrg: organization.role,
          })),
        }
      : {}),
    ...(email === null ? {} : { email: email.address, email_verified: email.verifiedAt !== null }),
  }
}
