/** What the figures were measured on, and with: ratios travel between machines, the absolute figures do not. */
import { cpus, freemem, loadavg, release, totalmem } from 'node:os'
import { run } from './processes.ts'
import { root } from './program.ts'

export interface Machine {
  /** ISO date. */
  readonly date: string
  readonly commit: string
  readonly size: string
  readonly versions: string
  /** Load average of the last minute before the run, per core. */
  readonly loadPerCore: number
}

export async function readMachine(): Promise<Machine> {
  const cores = cpus()
  const commit = await said('git', ['-C', root, 'rev-parse', '--short', 'HEAD'])
  const isChanged = (await said('git', ['-C', root, 'status', '--porcelain', '--untracked-files=no', 'src'])) !== ''
  const nginx = /nginx\/([\d.]+)/.exec(await said('sh', ['-c', 'nginx -v 2>&1']))?.[1] ?? 'none'
  const git = (await said('git', ['--version'])).replace('git version ', '')
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: isChanged ? `${commit} with changes` : commit,
    size: `${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}), ${gib(totalmem())} GiB memory, ${gib(freemem())} GiB free, Linux ${release()}`,
    versions: `Node ${process.versions.node}, git ${git}, nginx ${nginx}`,
    loadPerCore: (loadavg()[0] ?? 0) / Math.max(1, cores.length),
  }
}

async function said(command: string, args: readonly string[]): Promise<string> {
  return (await run(command, args).catch(() => ({ stdout: '' }))).stdout.trim()
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1)
}
