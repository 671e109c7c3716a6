/** `holdfast admin list-deleted-repos` and `restore-repo`: what was deleted comes back as long as the undo window lasts. */
import { type Command, InvalidArgumentError } from 'commander'
import { HoldfastError } from '../domain/errors.ts'
import { systemOrigin } from '../domain/event.ts'
import { parseRepoId } from '../domain/names.ts'
import { systemGrant } from '../domain/policy.ts'
import { findNamespace } from '../features/organizations/service.ts'
import { type DeletedRepo, listDeletedRepos, restoreRepo } from '../features/repos/service.ts'
import type { Hub } from '../hub.ts'

const pageSize = 500

export function addDeletedRepoCommands(
  admin: Command,
  run: (work: (hub: Hub) => Promise<void>) => Promise<void>,
): void {
  const allowed = systemGrant('repo.restore', { on: 'instance' }, 'holdfast admin')
  admin
    .command('list-deleted-repos')
    .description(
      'List deleted repos that can be restored, last deleted first: id, kind, name, when it was deleted, until when it is kept, bytes; separated by tabs.',
    )
    .action(() =>
      run(async (hub) => {
        let after: DeletedRepo | null = null
        for (;;) {
          const page: DeletedRepo[] = await listDeletedRepos(hub, allowed, { after, limit: pageSize })
          for (const repo of page) {
            const times = [repo.deletedAt, repo.keptUntil].map((at) => new Date(at).toISOString())
            process.stdout.write(`${[repo.id, repo.kind, repo.fullName, ...times, repo.usedStorage].join('\t')}\n`)
          }
          const last = page.at(-1)
          if (last === undefined || page.length < pageSize) return
          after = last
        }
      }),
    )
  admin
    .command('restore-repo')
    .description(
      'Bring back a deleted repo, by its id or the name that it had. Roles and tokens on it must be given anew.',
    )
    .argument('<repo>', 'id, or namespace/name')
    .option('--as <namespace/name>', 'put it there instead of where it was', parseTarget)
    .action((repo: string, options: { as?: { namespace: string; name: string } }) =>
      run(async (hub) => {
        const restored = await restoreRepo(hub, allowed, systemOrigin, {
          repo,
          ...(options.as === undefined ? {} : { as: await findTarget(hub, options.as) }),
        })
        process.stderr.write(`The ${restored.kind} ${restored.fullName} is back, with the visibility that it had.\n`)
        process.stdout.write(`${restored.fullName}\n`)
      }),
    )
}

async function findTarget(hub: Hub, { namespace, name }: { namespace: string; name: string }) {
  const owner = await findNamespace(hub.db, namespace)
  if (owner === null) throw new HoldfastError('invalid_input', { reason: `Nobody is called ${namespace}.` })
  return { owner, name }
}

function parseTarget(text: string): { namespace: string; name: string } {
  const parsed = parseRepoId(text)
  if (parsed?.namespace == null) throw new InvalidArgumentError('It is namespace/name.')
  return { namespace: parsed.namespace, name: parsed.name }
}
