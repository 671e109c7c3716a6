/** `holdfast admin create-service-account` and `create-service-account-token`: identities for pipelines, from a script that sets a hub up. */
import type { Command } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { systemOrigin } from '../domain/event.ts'
import { plainOrganization } from '../domain/facts.ts'
import type { Action } from '../domain/permissions.ts'
import { type Allowed, systemGrant } from '../domain/policy.ts'
import { type Role, roles } from '../domain/role.ts'
import { findNamespace } from '../features/organizations/service.ts'
import {
  createAccountToken,
  createServiceAccount,
  getServiceAccountByName,
} from '../features/service-accounts/service.ts'
import { parseScoped } from '../features/tokens/service.ts'
import type { Hub } from '../hub.ts'
import { parseMoment, parseRole } from './options.ts'
import type { WithHub } from './with-hub.ts'

interface AccountOptions {
  readonly role: Role
  readonly description?: string
  readonly contact?: string
  readonly expires?: number
}

interface TokenOptions {
  readonly name?: string
  readonly description?: string
  readonly scoped?: string[]
  readonly inherit: boolean
  readonly expires?: number
}

export function addServiceAccountCommands(admin: Command, run: WithHub): void {
  admin
    .command('create-service-account')
    .description('Add a service account to an organization and print its id, alone, on standard output.')
    .argument('<organization>')
    .argument('<name>')
    .requiredOption('--role <role>', `one of ${roles.join(', ')}`, parseRole)
    .option('--description <text>', 'what it is used for')
    .option('--contact <text>', 'whom to ask about it')
    .option('--expires <date>', 'last day (yyyy-mm-dd) or moment (ISO 8601); never without it', parseMoment)
    .action((organization: string, name: string, options: AccountOptions) =>
      run(async (hub) => {
        const allowed = await onOrganization(hub, 'org.service_account.create', organization)
        const account = await createServiceAccount(hub, allowed, systemOrigin, {
          name,
          role: options.role,
          description: options.description,
          contact: options.contact,
          expiresAt: options.expires,
        })
        process.stderr.write(
          `Made the service account ${account.name} of ${allowed.resource.name}, with the role ${account.role}.\n`,
        )
        process.stdout.write(`${account.id}\n`)
      }),
    )
  admin
    .command('create-service-account-token')
    .description('Add a token to a service account and print its value, alone, on standard output.')
    .argument('<organization>')
    .argument('<account>', 'its name')
    .option('--name <text>', 'what the token is called; "API Token" without it')
    .option('--description <text>', 'what it is used for')
    .option(
      '--scoped <grant...>',
      'what it may do: TYPE:NAME=PERMISSION,... with the types org, model, dataset, space, resource-group',
    )
    .option('--inherit', 'it may do all that the account may', false)
    .option('--expires <date>', 'last day (yyyy-mm-dd) or moment (ISO 8601); never without it', parseMoment)
    .action((organization: string, name: string, options: TokenOptions) =>
      run(async (hub) => {
        if (options.inherit === (options.scoped !== undefined)) {
          throw new HoldfastError('invalid_input', { reason: 'Say what the token may do: --scoped or --inherit.' })
        }
        const allowed = await onOrganization(hub, 'org.service_account.token.create', organization)
        const account = await getServiceAccountByName(hub, allowed, name)
        const { value } = await createAccountToken(hub, allowed, systemOrigin, account.id, {
          name: options.name,
          description: options.description,
          expiresAt: options.expires,
          ...(options.inherit ? { mode: 'inherit' } : { scoped: (options.scoped ?? []).map(parseScoped) }),
        })
        process.stdout.write(`${value}\n`)
      }),
    )
}

async function onOrganization<A extends Action>(hub: Hub, action: A, name: string): Promise<Allowed<A>> {
  const found = await findNamespace(hub.db, name)
  if (found === null || found.kind !== 'organization') throw new HoldfastError('organization_not_found')
  const resource = { on: 'organization', name: found.name, organization: plainOrganization(found) } as const
  return systemGrant(action, resource, 'holdfast admin')
}
