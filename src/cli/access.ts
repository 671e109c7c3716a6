/** `holdfast access`: an organization's access as a file, and what differs from one. Nothing is changed. Exit code 2 of `drift`: it differs. */
import { readFile, stat } from 'node:fs/promises'
import { Command } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { exportAccess, mostBytes, type Plan, planAccess, writeDocument } from '../features/access-as-code/service.ts'
import { findNamespace, type Namespace } from '../features/organizations/service.ts'
import type { Hub } from '../hub.ts'
import { withHub } from './with-hub.ts'

export function accessCommand(openHub: () => Promise<Hub>): Command {
  const run = withHub(openHub)
  const access = new Command('access').description(
    'Export who has which role in an organization, and compare it with a file; changes nothing.',
  )
  access
    .command('export')
    .description('Print the access of an organization as YAML.')
    .argument('<organization>')
    .action((name: string) =>
      run(async (hub) => {
        process.stdout.write(writeDocument(await exportAccess(hub, await findOrganization(hub, name))))
      }),
    )
  access
    .command('plan')
    .description('Print what would have to change for the organization to be as the file says.')
    .argument('<organization>')
    .argument('<file>', 'YAML or JSON, up to 1 MiB')
    .action((name: string, file: string) =>
      run(async (hub) => {
        print(await planFile(hub, name, file))
      }),
    )
  access
    .command('drift')
    .description('As plan. Exit code 2: the organization is not as the file says.')
    .argument('<organization>')
    .argument('<file>', 'YAML or JSON, up to 1 MiB')
    .action((name: string, file: string) =>
      run(async (hub) => {
        const plan = await planFile(hub, name, file)
        print(plan)
        if (plan.changes.length > 0) process.exitCode = 2
      }),
    )
  return access
}

async function planFile(hub: Hub, name: string, file: string): Promise<Plan> {
  const organization = await findOrganization(hub, name)
  return await planAccess(hub, organization, await readDocument(file))
}

async function readDocument(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > mostBytes) throw new HoldfastError('body_too_large', { limit: '1 MiB' })
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new HoldfastError('invalid_input', { reason: `${file} cannot be read (${code}).`, field: 'file' })
  }
}

function print({ changes, unknown }: Plan): void {
  for (const { kind, sentence } of changes) process.stdout.write(`${kind}\t${sentence}\n`)
  for (const name of unknown) process.stdout.write(`unknown\t${name}\n`)
  if (changes.length === 0) process.stderr.write('The organization is as the file says.\n')
}

async function findOrganization(hub: Hub, name: string): Promise<Namespace> {
  const found = await findNamespace(hub.db, name)
  if (found?.kind !== 'organization') throw new HoldfastError('organization_not_found')
  return found
}
