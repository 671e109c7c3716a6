/**
 * `holdfast storage move`: what waits to be moved into Xet storage, and that it begins now. The server does it, since only one process at a
 * time may write the same xorb; without a server it begins at its next start.
 */
import { Command } from 'commander'
import { askForMove, planMove } from '../features/storage/service.ts'
import type { Hub } from '../hub.ts'
import { formatBytes, formatCount } from '../platform/backup/progress.ts'
import { withHub } from './with-hub.ts'

export function moveCommand(openHub: () => Promise<Hub>): Command {
  return new Command('move')
    .description('Move large files that came by LFS into Xet storage now, also where HOLDFAST_XET_MOVE is off.')
    .option('--dry-run', 'only say what waits', false)
    .action((options: { dryRun: boolean }) =>
      withHub(openHub)(async (hub) => {
        const { toMove, retired } = await planMove(hub)
        print('large files as they came', toMove)
        print('moved, bytes still there for those who read them', retired)
        if (options.dryRun || toMove.count === 0) return
        await askForMove(hub)
        process.stderr.write('The server moves those that a commit names. This command shows what is left.\n')
      }),
    )
}

function print(what: string, { count, bytes }: { readonly count: number; readonly bytes: number }): void {
  process.stdout.write(`${[what, formatCount(count), formatBytes(bytes)].join('\t')}\n`)
}
