/**
 * A process that was begun, whoever began it: this process itself, or the starter beside it (`process-starter.ts`). The streams belong to
 * the caller; `exited` tells how it ended, which may be before its last output is read.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'

export interface ProcessOrder {
  readonly program: string
  readonly args: readonly string[]
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Pipes that the process inherits beside the standard three, as descriptors 3 and up. */
  readonly extraPipes: number
}

export interface ProcessExit {
  readonly code: number | null
  readonly killedBy: string | null
}

export interface StartedProcess {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly extra: readonly Duplex[]
  /** Rejects if nobody can tell any more how it ended. */
  readonly exited: Promise<ProcessExit>
  /** To its whole group; nothing once it has ended. */
  signal(name: ProcessSignal): void
}

export type ProcessSignal = 'SIGTERM' | 'SIGKILL'

/** Begins processes somewhere. Rejects with the system's error where the program cannot be started. */
export interface ProcessStarter {
  start(order: ProcessOrder): Promise<StartedProcess>
}

/** Begins a process from this one. The copy that the system makes of our page tables takes some 6 ms for each 100 MiB that we hold. */
export const directStarter: ProcessStarter = {
  start: (order) =>
    new Promise((resolve, reject) => {
      const child = spawn(order.program, order.args, {
        env: order.environment,
        stdio: ['pipe', 'pipe', 'pipe', ...new Array<'pipe'>(order.extraPipes).fill('pipe')],
        // Its own group: git runs helpers (pack-objects, index-pack, hooks), and a stop must reach them all.
        detached: true,
      }) as ChildProcessWithoutNullStreams
      const exited = new Promise<ProcessExit>((ended) => {
        child.once('exit', (code, killedBy) => ended({ code, killedBy }))
      })
      child.once('error', reject)
      child.once('spawn', () => {
        // A failure to signal it is told to whoever signals.
        child.on('error', () => undefined)
        resolve({
          pid: child.pid ?? 0,
          stdin: child.stdin,
          stdout: child.stdout,
          stderr: child.stderr,
          extra: child.stdio.slice(3) as unknown as Duplex[],
          exited,
          signal: (name) => {
            if (child.exitCode === null && child.signalCode === null) signalGroup(child.pid, name)
          },
        })
      })
    }),
}

export function signalGroup(pid: number | undefined, signal: ProcessSignal): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
