/** `holdfast admin` about organizations: making one, its members, its seats, and links of invitations where no mail is sent. */
import { type Command, InvalidArgumentError } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { systemOrigin } from '../domain/event.ts'
import { plainOrganization } from '../domain/facts.ts'
import { systemGrant } from '../domain/policy.ts'
import { type Role, roles } from '../domain/role.ts'
import { createLegacyToken } from '../features/legacy-tokens/service.ts'
import {
  addMember,
  createOrganization,
  findNamespace,
  makeInvitationLink,
  type Namespace,
  seatsOf,
  setSeatLimit,
} from '../features/organizations/service.ts'
import type { Hub } from '../hub.ts'
import { getActiveUser } from './active-user.ts'
import { parseRole } from './options.ts'
import type { WithHub } from './with-hub.ts'

/** What the audit log shows as the actor. */
const reason = 'holdfast admin'

function parseTokenRole(text: string): 'read' | 'write' {
  if (text === 'read' || text === 'write') return text
  throw new InvalidArgumentError('It is read or write.')
}

export function addOrganizationCommands(admin: Command, run: WithHub): void {
  admin
    .command('create-org')
    .description('Make an organization.')
    .argument('<name>')
    .requiredOption('--owner <user>', 'its first administrator')
    .option('--fullname <text>', 'its full name')
    .action((name: string, options: { owner: string; fullname?: string }) =>
      run(async (hub) => {
        const owner = await getActiveUser(hub, options.owner)
        const allowed = systemGrant('org.create', { on: 'self' }, reason)
        await createOrganization(hub, allowed, systemOrigin, {
          name,
          fullname: options.fullname ?? null,
          defaultVisibility: 'private',
          owner,
        })
        say(`Made the organization ${name}; ${owner.name} administers it.`)
      }),
    )
  admin
    .command('add-member')
    .description('Add somebody to an organization.')
    .argument('<organization>')
    .argument('<user>')
    .option('--role <role>', `one of ${roles.join(', ')}; without it, the default role of the organization`, parseRole)
    .action((organization: string, username: string, options: { role?: Role }) =>
      run(async (hub) => {
        const found = await findOrganization(hub, organization)
        const allowed = systemGrant('org.add_user', targetOf(found), reason)
        const role = await addMember(hub, allowed, systemOrigin, { username, role: options.role ?? null })
        say(`${username} has the role ${role} in ${found.name}.`)
      }),
    )
  admin
    .command('create-org-token')
    .description(
      'Make the deprecated token of an organization (HOLDFAST_LEGACY_ORG_TOKENS); prints its value once. A service account is better.',
    )
    .argument('<organization>')
    .requiredOption('--role <role>', 'read or write', parseTokenRole)
    .action((organization: string, options: { role: 'read' | 'write' }) =>
      run(async (hub) => {
        const found = await findOrganization(hub, organization)
        const allowed = systemGrant('org.rotate_token', targetOf(found), reason)
        process.stdout.write(`${await createLegacyToken(hub, allowed, systemOrigin, options.role)}\n`)
        say(`It is shown this once. ${found.name} is told on each use that a service account replaces it.`)
      }),
    )
  admin
    .command('set-seat-limit')
    .description('Set how many members an organization may have. Service accounts take no seat.')
    .argument('<organization>')
    .argument('<limit>', 'a number, or "none"', parseLimit)
    .action((organization: string, limit: number | 'none') =>
      run(async (hub) => {
        const found = await findOrganization(hub, organization)
        const allowed = systemGrant('org.set_seat_limit', { on: 'instance' }, reason)
        await setSeatLimit(hub, allowed, systemOrigin, found, limit === 'none' ? null : limit)
        const { used } = await seatsOf(hub, found.id)
        say(`${found.name} has ${used} members and may have ${limit === 'none' ? 'any number' : limit}.`)
        if (limit !== 'none' && used > limit) say('Nobody is removed; nobody can be added until there are fewer.')
      }),
    )
  admin
    .command('invitation-link')
    .description(
      'Print a new link for an invitation that an organization made, to hand over. Whoever has it can accept; a link that was sent before ends.',
    )
    .argument('<organization>')
    .argument('<address>', 'the e-mail address that was invited')
    .action((organization: string, address: string) =>
      run(async (hub) => {
        const found = await findOrganization(hub, organization)
        const allowed = systemGrant('org.invite_user', targetOf(found), reason)
        process.stdout.write(`${await makeInvitationLink(hub, allowed, systemOrigin, address)}\n`)
      }),
    )
}

async function findOrganization(hub: Hub, name: string): Promise<Namespace> {
  const found = await findNamespace(hub.db, name)
  if (found?.kind !== 'organization') throw new HoldfastError('organization_not_found')
  return found
}

function targetOf(organization: Namespace) {
  return { on: 'organization', name: organization.name, organization: plainOrganization(organization) } as const
}

function parseLimit(text: string): number | 'none' {
  if (text === 'none') return text
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000_000) {
    throw new InvalidArgumentError('It is a whole number from 1 on, or none.')
  }
  return limit
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
