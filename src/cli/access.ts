/**
 * `holdfast access`: an organization's access as a file, what differs from one, and the way from the one to the other. Exit code 2 of `drift`:
 * it differs; of `apply`: it differs still, because nobody said yes.
 */
import { readFile, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { systemOrigin } from '../domain/event.ts'
import {
  applyAccess,
  exportAccess,
  mostBytes,
  operatorOf,
  type Plan,
  type Problem,
  planAccess,
  sentenceOf,
  writeDocument,
} from '../features/access-as-code/service.ts'
import { findNamespace, type Namespace } from '../features/organizations/service.ts'
import type { Hub } from '../hub.ts'
import { withHub } from './with-hub.ts'

export function accessCommand(openHub: () => Promise<Hub>): Command {
  const run = withHub(openHub)
  const access = new Command('access').description(
    'Export who has which role in an organization, compare it with a file, and make it as the file says.',
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
        print((await planFile(hub, name, file)).plan)
      }),
    )
  access
    .command('drift')
    .description('As plan. Exit code 2: the organization is not as the file says.')
    .argument('<organization>')
    .argument('<file>', 'YAML or JSON, up to 1 MiB')
    .action((name: string, file: string) =>
      run(async (hub) => {
        const { plan } = await planFile(hub, name, file)
        print(plan)
        if (plan.changes.length > 0) process.exitCode = 2
      }),
    )
  access
    .command('apply')
    .description('As plan, then asks, and makes the organization as the file says. Exit code 2: nobody said yes.')
    .argument('<organization>')
    .argument('<file>', 'YAML or JSON, up to 1 MiB')
    .option('--yes', 'do not ask')
    .action((name: string, file: string, options: { yes?: boolean }) =>
      run((hub) => applyFile(hub, name, file, options.yes === true)),
    )
  return access
}

/** What the audit log shows as the actor. */
const reason = 'holdfast access'

async function planFile(hub: Hub, name: string, file: string) {
  const organization = await findOrganization(hub, name)
  const actor = operatorOf(organization, systemOrigin, reason)
  const source = await readDocument(file)
  return { organization, actor, source, plan: await planAccess(hub, organization, source, actor) }
}

async function applyFile(hub: Hub, name: string, file: string, isSure: boolean): Promise<void> {
  const { organization, actor, source, plan } = await planFile(hub, name, file)
  print(plan)
  if (plan.problems.length > 0) {
    tell(plan.problems)
    process.exitCode = 1
    return
  }
  if (plan.changes.length === 0) return
  if (!isSure && !(await saysYes(`Type yes to make ${countOf(plan.changes)} to ${organization.name}: `))) {
    process.stderr.write('Nothing was changed.\n')
    process.exitCode = 2
    return
  }
  const made = await applyAccess(hub, organization, source, actor, {
    digest: plan.digest,
    leavesAdministration: false,
  })
  process.stderr.write(`Made ${countOf(made)}: ${organization.name} is as the file says.\n`)
}

const countOf = ({ length }: readonly unknown[]): string => (length === 1 ? '1 change' : `${length} changes`)

function tell(problems: readonly Problem[]): void {
  for (const problem of problems) process.stderr.write(`${sentenceOf(problem)}\n`)
  process.stderr.write('Nothing was changed.\n')
}

/** One line from whoever is there; the end of the input is no. */
async function saysYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.question(question, resolve)
      lines.once('close', () => resolve(''))
    })
    return answer.trim() === 'yes'
  } finally {
    lines.close()
  }
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
