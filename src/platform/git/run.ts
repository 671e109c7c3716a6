/**
 * The one place where a git process begins. Every process gets the same minimal environment (no user or system
 * configuration, no prompts, no replace objects), an argument array, its own process group, a time limit and a
 * bound on what it may print, so that neither a hostile repository nor a slow client can hold the server.
 */
import type { Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { directStarter, type ProcessStarter, type StartedProcess } from './process-start.ts'

/** Which git to run, and the whole environment that it sees. */
export interface GitProgram {
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
  /** Who begins the processes; this process itself where it is absent. */
  readonly starter?: ProcessStarter
}

/** Git failed in a way that no caller expects: a broken repository, a full disk, a time limit. */
export class GitFailure extends Error {
  readonly reason: GitFailureReason
  readonly stderr: string

  constructor(reason: GitFailureReason, message: string, stderr = '') {
    super(stderr === '' ? message : `${message}: ${stderr.trim()}`)
    this.name = 'GitFailure'
    this.reason = reason
    this.stderr = stderr
  }
}

export type GitFailureReason =
  | 'exit'
  | 'spawn'
  | 'timeout'
  | 'aborted'
  | 'output-limit'
  | 'input-limit'
  | 'bad-encoding'
  | 'bad-input'
  | 'too-large'
  | 'size-mismatch'
  | 'busy'
  | 'broken'
  | 'bad-name'

export interface RunOptions {
  /** Whole standard input. Larger input is written by the caller of `startGit`. */
  input?: string | Uint8Array
  signal?: AbortSignal | undefined
  /** Milliseconds until the process group is killed. */
  timeLimitMs?: number
  /** Bytes of standard output until the process group is killed. */
  outputLimit?: number
  /** Variables beside the common ones, such as `GIT_OBJECT_DIRECTORY`. */
  environment?: Readonly<Record<string, string>>
  /** Exit codes that are answers, not failures. */
  okCodes?: readonly number[]
}

export interface RunResult {
  code: number
  stdout: Buffer
  stderr: string
}

const stderrLimit = 16 * 1024
const killAfterMs = 3_000
const defaultTimeLimitMs = 60_000
const defaultOutputLimit = 16 * 1024 * 1024

/** Runs git to its end and gives its output. Throws `GitFailure` on any exit code that is not in `okCodes`. */
export async function runGit(git: GitProgram, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = await startGit(git, args, options)
  const limit = options.outputLimit ?? defaultOutputLimit
  const chunks: Buffer[] = []
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit)
      child.stop(new GitFailure('output-limit', `git ${commandName(args)} printed more than ${limit} bytes`))
    else chunks.push(chunk)
  })
  child.stdin.end(options.input ?? '')
  const { code, stderr } = await child.ended
  if (!(options.okCodes ?? [0]).includes(code)) throw exitFailure(args, code, stderr)
  return { code, stdout: Buffer.concat(chunks), stderr }
}

/** A git process whose streams the caller wires. */
export interface GitChild {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /** The inherited descriptors 3 and up, when asked for. */
  readonly extra: readonly Duplex[]
  /** Settles when the process has ended and its output is read; rejects when it was stopped or never began. */
  readonly ended: Promise<{ code: number; stderr: string }>
  /** Ends the whole process group; `ended` rejects with the reason. */
  stop(reason: GitFailure): void
}

export interface StartOptions {
  signal?: AbortSignal | undefined
  timeLimitMs?: number
  environment?: Readonly<Record<string, string>>
  /** How many pipes the process inherits beside the standard three. */
  extraPipes?: number
}

/** Starts git; the time limit and the signal keep watching it. Throws where it cannot be started or is not wanted any more. */
export async function startGit(
  git: GitProgram,
  args: readonly string[],
  options: StartOptions = {},
): Promise<GitChild> {
  const notWanted = () => new GitFailure('aborted', `git ${commandName(args)} was not wanted any more`)
  if (options.signal?.aborted) throw notWanted()
  const child = await (git.starter ?? directStarter)
    .start({
      program: git.program,
      args,
      environment: { ...git.environment, ...options.environment },
      extraPipes: options.extraPipes ?? 0,
    })
    .catch((error: Error) => {
      throw new GitFailure('spawn', `git cannot be started (${error.message})`)
    })
  let stopped: GitFailure | null = null
  const stop = (reason: GitFailure) => {
    if (stopped) return
    stopped = reason
    endGroup(child)
  }
  const stderr = captureStderr(child.stderr)
  // A process that ends early closes its input; what matters then is its exit code, not our EPIPE.
  child.stdin.on('error', () => undefined)
  for (const pipe of child.extra) pipe.on('error', () => undefined)
  const limitMs = options.timeLimitMs ?? defaultTimeLimitMs
  const timer = setTimeout(
    () => stop(new GitFailure('timeout', `git ${commandName(args)} took over ${limitMs} ms`)),
    limitMs,
  )
  const onAbort = () => stop(notWanted())
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted) onAbort()
  const ended = watch(child).then(
    ({ code, killedBy }) => {
      if (stopped) throw stopped
      if (code === null)
        throw new GitFailure('exit', `git ${commandName(args)} was ended by ${killedBy}`, stderr.text())
      return { code, stderr: stderr.text() }
    },
    (error: Error) => {
      throw stopped ?? new GitFailure('spawn', `how git ${commandName(args)} ended is not known (${error.message})`)
    },
  )
  const unwatch = () => {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', onAbort)
  }
  // The caller may look at the streams first; a failure then must not count as unhandled.
  ended.then(unwatch, unwatch)
  return { pid: child.pid, stdin: child.stdin, stdout: child.stdout, extra: child.extra, ended, stop }
}

/** Its end: it has exited, and what it wrote has been read. */
async function watch(child: StartedProcess): Promise<{ code: number | null; killedBy: string | null }> {
  const streams = [child.stdout, child.stderr, ...child.extra]
  const read = streams.map((stream) => streamEnd(stream))
  const exit = await child.exited
  child.stdin.destroy()
  // What nobody has begun to read by now is not wanted, and would hold the end back.
  for (const stream of streams) {
    if (stream.readableFlowing === null && stream.listenerCount('readable') === 0) stream.resume()
  }
  await Promise.all(read)
  return exit
}

/** However it ends: broken streams show in what is missing, and in the exit code. */
async function streamEnd(stream: Readable | Duplex): Promise<void> {
  await finished(stream, { writable: false }).catch(() => undefined)
}

/** The failure that an unexpected exit code means. */
export function exitFailure(args: readonly string[], code: number, stderr: string): GitFailure {
  return new GitFailure('exit', `git ${commandName(args)} ended with code ${code}`, stderr)
}

function commandName(args: readonly string[]): string {
  return args.find((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--git-dir') ?? ''
}

function captureStderr(stream: Readable): { text(): string } {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    // Bounded, but always read on: a full pipe would block the process.
    if (size < stderrLimit) chunks.push(chunk.subarray(0, stderrLimit - size))
    size += chunk.length
  })
  return { text: () => Buffer.concat(chunks).toString('utf8') }
}

/** SIGTERM first: git removes its temporary files and quarantine on it. What does not end then is killed. */
function endGroup(child: StartedProcess): void {
  child.signal('SIGTERM')
  setTimeout(() => child.signal('SIGKILL'), killAfterMs).unref()
  // Nobody reads on: what still comes must not hold the end back.
  child.stdout.resume()
}
