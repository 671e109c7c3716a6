/**
 * Processes of a run: each is known by its pid, is waited for with a time limit, and is ended when the run ends, however it ends.
 * Nothing here is found by name.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export interface StartOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Its own process group, which is ended as a whole: for programs that fork workers. */
  readonly isGroup?: boolean
  /** Milliseconds until `ready` must have been printed. */
  readonly readyWithinMs?: number
}

export interface Running {
  readonly pid: number
  /** The line that matched `ready`. */
  readonly ready: string
  stop(): Promise<void>
}

export interface Finished {
  readonly stdout: string
  readonly milliseconds: number
}

interface Started {
  readonly child: ChildProcess
  readonly isGroup: boolean
  readonly ended: Promise<string>
}

const started = new Set<Started>()
const endWithinMs = 20_000

process.once('exit', () => {
  for (const one of started) kill(one, 'SIGKILL')
})

/** Starts a server and waits for a line of its output that matches `ready`; null: it counts as ready at once. */
export async function start(
  command: string,
  args: readonly string[],
  ready: RegExp | null,
  options: StartOptions = {},
): Promise<Running> {
  const one = begin(command, args, options)
  const { child } = one
  const said = capture(child)
  const line = ready === null ? '' : await firstLine(one, ready, said, options.readyWithinMs ?? 30_000, command)
  return {
    pid: child.pid ?? 0,
    ready: line,
    stop: async () => {
      if (!started.has(one)) return
      kill(one, 'SIGTERM')
      const timer = setTimeout(() => kill(one, 'SIGKILL'), endWithinMs)
      await one.ended
      clearTimeout(timer)
    },
  }
}

/** Runs a command to its end. Throws with its output when it fails or takes longer than `timeLimitMs`. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeLimitMs?: number } & StartOptions = {},
): Promise<Finished> {
  const startedAt = performance.now()
  const one = begin(command, args, options, options.input)
  const said = capture(one.child)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    kill(one, 'SIGKILL')
  }, options.timeLimitMs ?? 300_000)
  const outcome = await one.ended
  clearTimeout(timer)
  const milliseconds = performance.now() - startedAt
  if (outcome !== '0') {
    const why = isLate ? 'took too long' : `ended with ${outcome}`
    throw new Error(`${command} ${args.slice(0, 6).join(' ')} ${why}:\n${said.errors().slice(-2000)}`)
  }
  return { stdout: said.output(), milliseconds }
}

/** Bytes of memory that the process holds now (VmRSS). Linux only. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024
}

/** Seconds of processor time that the process has used, its threads included. Linux only, where the clock ticks 100 times a second. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name of the program may hold blanks and brackets; what follows the last bracket does not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Runs `work` and tells by how many bytes the process grew at most meanwhile. */
export async function growthDuring(pid: number, work: () => Promise<void>): Promise<number> {
  const before = await residentBytes(pid)
  let peak = before
  let isDone = false
  const watching = (async () => {
    while (!isDone) {
      peak = Math.max(peak, await residentBytes(pid))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  try {
    await work()
  } finally {
    isDone = true
    await watching
  }
  return peak - before
}

function begin(command: string, args: readonly string[], options: StartOptions, input?: string): Started {
  const isGroup = options.isGroup === true
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: isGroup,
  })
  // A program that ends before it has read its input says so by its exit code.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input ?? '')
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(String(code ?? signal)))
  })
  const one: Started = { child, isGroup, ended }
  started.add(one)
  ended.then(() => started.delete(one))
  return one
}

function kill({ child, isGroup }: Started, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(isGroup ? -child.pid : child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

interface Said {
  output(): string
  errors(): string
}

/** The last 4 MiB of what it says: enough for every answer, and bounded. */
function capture(child: ChildProcess): Said {
  const most = 4 << 20
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] = (texts[name] + text).slice(-most)
    })
  }
  return { output: () => texts.stdout, errors: () => texts.stderr }
}

function firstLine(one: Started, ready: RegExp, said: Said, withinMs: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      kill(one, 'SIGKILL')
      reject(new Error(`${command} was not ready after ${withinMs} ms:\n${said.errors().slice(-2000)}`))
    }, withinMs)
    const look = (): void => {
      const line = said
        .output()
        .split('\n')
        .find((candidate) => ready.test(candidate))
      if (line === undefined) return
      clearTimeout(timer)
      resolve(line)
    }
    one.child.stdout?.on('data', look)
    one.ended.then((outcome) => {
      clearTimeout(timer)
      reject(new Error(`${command} ended with ${outcome} before it was ready:\n${said.errors().slice(-2000)}`))
    })
  })
}
