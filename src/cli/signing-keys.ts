/** `holdfast admin add-key`: a signing key for somebody, without a session of theirs (GPG-13). */
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import type { Command } from 'commander'
import { systemOrigin } from '../domain/event.ts'
import { systemGrant } from '../domain/policy.ts'
import { addKey, kindOfKey } from '../features/keys/service.ts'
import { getActiveUser } from './active-user.ts'
import type { WithHub } from './with-hub.ts'

export function addSigningKeyCommands(admin: Command, run: WithHub): void {
  admin
    .command('add-key')
    .description('Add an OpenPGP or SSH public key with which somebody signs commits, and print its fingerprint.')
    .argument('<user>')
    .requiredOption('--file <path>', 'the public key; - for standard input')
    .action((name: string, options: { file: string }) =>
      run(async (hub) => {
        const user = await getActiveUser(hub, name)
        const text = options.file === '-' ? await textOf(process.stdin) : await readFile(options.file, 'utf8')
        const kind = kindOfKey(text)
        const allowed = systemGrant(`user.${kind}_key.create`, { on: 'self' }, 'holdfast admin')
        const owner = { kind: 'user', id: user.id, name: user.name, logId: user.id } as const
        const key = await addKey(hub, allowed, systemOrigin, owner, kind, text)
        process.stdout.write(`${key.fingerprint}\n`)
      }),
    )
}
