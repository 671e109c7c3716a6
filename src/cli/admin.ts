/**
 * `holdfast admin`: what an administrator does from the command line, beside a running server or without one. Standard output carries the
 * result alone, so that scripts can use it; everything else goes to standard error.
 */
import { Command, Option } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { systemOrigin } from '../domain/event.ts'
import type { Action } from '../domain/permissions.ts'
import { type Allowed, systemGrant } from '../domain/policy.ts'
import {
  activateUser,
  createUser,
  deactivateUser,
  ensureSetupLink,
  inviteSomebody,
  listAccounts,
  makePendingLinks,
  makeResetLink,
  makeVerificationLinks,
  setAdmin,
} from '../features/accounts/service.ts'
import { resetSecondFactors } from '../features/second-factors/service.ts'
import { createToken, parseScoped } from '../features/tokens/service.ts'
import type { Hub } from '../hub.ts'
import { getActiveUser } from './active-user.ts'
import { addDeletedRepoCommands } from './deleted-repos.ts'
import { parseMoment } from './options.ts'
import { addOrganizationCommands } from './organizations.ts'
import { addServiceAccountCommands } from './service-accounts.ts'
import { addSigningKeyCommands } from './signing-keys.ts'
import { type WithHub, withHub } from './with-hub.ts'

export function adminCommand(openHub: () => Promise<Hub>): Command {
  const run = withHub(openHub)
  const admin = new Command('admin').description(
    'Manage accounts, organizations, service accounts and tokens; works beside a running server.',
  )
  addAccountCommands(admin, run)
  addLinkCommands(admin, run)
  addOrganizationCommands(admin, run)
  addTokenCommand(admin, run)
  addServiceAccountCommands(admin, run)
  addSigningKeyCommands(admin, run)
  addDeletedRepoCommands(admin, run)
  return admin
}

function addAccountCommands(admin: Command, run: WithHub): void {
  admin
    .command('create-user')
    .description('Make an account. Without --password-stdin, print a link with which its owner chooses a password.')
    .argument('<name>')
    .requiredOption('--email <address>', 'its address, which counts as verified')
    .option('--fullname <text>', 'its full name')
    .option('--admin', 'make it an administrator of this hub', false)
    .option('--password-stdin', 'read the password from standard input', false)
    .action((name: string, options: { email: string; fullname?: string; admin: boolean; passwordStdin: boolean }) =>
      run(async (hub) => {
        const password = options.passwordStdin ? await readPassword() : null
        const made = await createUser(hub, onInstance('user.create'), systemOrigin, {
          name,
          email: options.email,
          fullname: options.fullname ?? null,
          password,
          isAdmin: options.admin,
        })
        say(`Made the account ${made.name}.`)
        if (password === null) {
          say('Its owner chooses a password with this link (once, for a day):')
          print(await makeResetLink(hub, onInstance('user.make_link'), systemOrigin, made.name))
        }
      }),
    )
  admin
    .command('list-users')
    .description('List all accounts: name, address, state, administrator or not; separated by tabs.')
    .action(() =>
      run(async (hub) => {
        let after = ''
        for (;;) {
          const page = await listAccounts(hub, onInstance('user.list'), { after, limit: 500 })
          for (const user of page) {
            print([user.name, user.email ?? '-', user.state, user.isAdmin === 1 ? 'admin' : '-'].join('\t'))
          }
          const last = page.at(-1)
          if (last === undefined || page.length < 500) return
          after = last.nameKey
        }
      }),
    )
  admin
    .command('set-admin')
    .description('Make somebody an administrator of this hub, or with --off no longer one.')
    .argument('<name>')
    .option('--off', 'take it away', false)
    .action((name: string, options: { off: boolean }) =>
      run(async (hub) => {
        await setAdmin(hub, onInstance('user.set_admin'), systemOrigin, { name, isAdmin: !options.off })
        say(`${name} is ${options.off ? 'no longer' : 'now'} an administrator of this hub.`)
      }),
    )
  admin
    .command('deactivate-user')
    .description('Stop an account: its sessions end and its tokens are refused from the next request.')
    .argument('<name>')
    .action((name: string) =>
      run(async (hub) => {
        const orphaned = await deactivateUser(hub, onInstance('user.deactivate'), systemOrigin, name)
        say(`${name} is deactivated.`)
        if (orphaned.length > 0) say(`Nobody else administers: ${orphaned.join(', ')}.`)
      }),
    )
  admin
    .command('activate-user')
    .description('Let a deactivated account work again, with its tokens.')
    .argument('<name>')
    .action((name: string) =>
      run(async (hub) => {
        await activateUser(hub, onInstance('user.activate'), systemOrigin, name)
        say(`${name} is active.`)
      }),
    )
}

function addLinkCommands(admin: Command, run: WithHub): void {
  admin
    .command('reset-password')
    .description('Print a link with which somebody chooses a new password (once, for a day).')
    .argument('<name>')
    .action((name: string) =>
      run(async (hub) => print(await makeResetLink(hub, onInstance('user.make_link'), systemOrigin, name))),
    )
  admin
    .command('reset-second-factor')
    .description(
      'Take all second factors of somebody who is locked out away; their sessions end, and they are told by mail.',
    )
    .argument('<name>')
    .action((name: string) =>
      run(async (hub) => {
        const had = await resetSecondFactors(hub, onInstance('user.reset_second_factor'), systemOrigin, name)
        say(had ? `${name} signs in with the password alone now.` : `${name} has no second factor.`)
      }),
    )
  admin
    .command('verify-email')
    .description("Print links that verify somebody's addresses.")
    .argument('<name>')
    .action((name: string) =>
      run(async (hub) => {
        const links = await makeVerificationLinks(hub, onInstance('user.make_link'), systemOrigin, name)
        if (links.length === 0) say(`Every address of ${name} is verified.`)
        for (const { address, link } of links) print(`${address}\t${link}`)
      }),
    )
  admin
    .command('invite')
    .description('Print a link with which one person may make an account (once, for a week).')
    .action(() => run(async (hub) => print(await inviteSomebody(hub, onInstance('user.create'), systemOrigin))))
  admin
    .command('show-links')
    .description('Print a fresh link for everything that waits for one: the first administrator, addresses to verify.')
    .action(() =>
      run(async (hub) => {
        const setup = await ensureSetupLink(hub)
        if (setup !== null) print(`first administrator\t${setup}`)
        const links = await makePendingLinks(hub, onInstance('user.make_link'), systemOrigin)
        for (const { name, address, link } of links) print(`${name} ${address}\t${link}`)
        if (setup === null && links.length === 0) say('Nothing waits for a link.')
      }),
    )
}

interface TokenOptions {
  readonly user: string
  readonly name: string
  readonly role: 'read' | 'write' | 'fineGrained'
  readonly scoped?: string[]
  readonly global?: string[]
  readonly gated: boolean
  readonly expires?: number
}

function addTokenCommand(admin: Command, run: WithHub): void {
  admin
    .command('create-token')
    .description('Make an access token for somebody and print its value, alone, on standard output.')
    .requiredOption('--user <name>', 'whose token it is')
    .requiredOption('--name <text>', 'what it is called')
    .addOption(
      new Option('--role <role>', 'what it may do').choices(['read', 'write', 'fineGrained']).makeOptionMandatory(),
    )
    .option(
      '--scoped <grant...>',
      'for fineGrained: TYPE:NAME=PERMISSION,... with the types user, org, model, dataset, space, resource-group',
    )
    .option('--global <permission...>', 'for fineGrained: permissions outside any entity')
    .option('--gated', 'for fineGrained: read gated repositories that its owner may read', false)
    .option('--expires <date>', 'last day (yyyy-mm-dd) or moment (ISO 8601); never without it', parseMoment)
    .action((options: TokenOptions) =>
      run(async (hub) => {
        const owner = await getActiveUser(hub, options.user)
        const isFine = options.role === 'fineGrained'
        if (!isFine && (options.scoped !== undefined || options.global !== undefined || options.gated)) {
          throw new HoldfastError('invalid_input', {
            reason: '--scoped, --global and --gated need --role fineGrained.',
          })
        }
        const { value } = await createToken(
          hub,
          systemGrant('token.create', { on: 'self' }, reason),
          systemOrigin,
          {
            name: options.name,
            role: options.role,
            expiresAt: options.expires ?? null,
            ...(isFine
              ? {
                  fineGrained: {
                    canReadGatedRepos: options.gated,
                    global: options.global ?? [],
                    scoped: (options.scoped ?? []).map(parseScoped),
                  },
                }
              : {}),
          },
          owner,
        )
        print(value)
      }),
    )
}

/** What the audit log shows as the actor. */
const reason = 'holdfast admin'

function onInstance<A extends Action>(action: A): Allowed<A> {
  return systemGrant(action, { on: 'instance' }, reason)
}

/** The first line of standard input, without its end. */
async function readPassword(): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    text += chunk
    if (text.length > 4_096 || text.includes('\n')) break
  }
  return text.split(/\r?\n/)[0] ?? ''
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
