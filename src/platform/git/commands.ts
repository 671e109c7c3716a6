/** The command lines of the long-lived git processes; apart from the store, so that pools and users share no cycle. */

export const catFilePoolName = 'cat-file'

export function catFileArgs(repository: string): string[] {
  return ['--git-dir', repository, 'cat-file', '--batch-command', '--buffer']
}

export function refWriterArgs(repository: string): string[] {
  return ['--git-dir', repository, 'update-ref', '--stdin']
}
