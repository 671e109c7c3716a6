/**
 * The one place where a git process begins. Every process gets the same minimal environment (no user or system
 * configuration, no prompts, no replace objects), an argument array, its own process group, a time limit and a
 * bound on what it may print, so that neither a hostile repository nor a slow client can hold the server.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** Which git to run, and the whole environment that it sees. */
export interface GitProgram {
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
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
  const child = startGit(git, args, options)
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
  readonly extra: readonly (Readable & Writable)[]
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

/** Starts git and returns at once; the time limit and the signal keep watching it. */
export function startGit(git: GitProgram, args: readonly string[], options: StartOptions = {}): GitChild {
  const child = spawn(git.program, args, {
    env: { ...git.environment, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe', ...new Array<'pipe'>(options.extraPipes ?? 0).fill('pipe')],
    // Its own group: git runs helpers (pack-objects, index-pack, hooks), and a stop must reach them all.
    detached: true,
  }) as ChildProcessWithoutNullStreams
  let stopped: GitFailure | null = null
  const stop = (reason: GitFailure) => {
    if (stopped) return
    stopped = reason
    endGroup(child)
  }
  const stderr = captureStderr(child.stderr)
  // A process that ends early closes its input; what matters then is its exit code, not our EPIPE.
  child.stdin.on('error', () => undefined)
  const ended = new Promise<{ code: number; stderr: string }>((resolve, reject) => {
    const limitMs = options.timeLimitMs ?? defaultTimeLimitMs
    const timer = setTimeout(
      () => stop(new GitFailure('timeout', `git ${commandName(args)} took over ${limitMs} ms`)),
      limitMs,
    )
    const onAbort = () => stop(new GitFailure('aborted', `git ${commandName(args)} was not wanted any more`))
    options.signal?.addEventListener('abort', onAbort, { once: true })
    if (options.signal?.aborted) onAbort()
    const finish = () => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
    }
    child.on('error', (error) => {
      finish()
      reject(new GitFailure('spawn', `git cannot be started (${error.message})`))
    })
    child.on('close', (code, killedBy) => {
      finish()
      if (stopped) reject(stopped)
      else if (code === null)
        reject(new GitFailure('exit', `git ${commandName(args)} was ended by ${killedBy}`, stderr.text()))
      else resolve({ code, stderr: stderr.text() })
    })
  })
  // The caller may look at the streams first; a failure then must not count as unhandled.
  ended.catch(() => undefined)
  const extra = child.stdio.slice(3) as unknown as (Readable & Writable)[]
  for (const pipe of extra) pipe.on('error', () => undefined)
  return { pid: child.pid ?? 0, stdin: child.stdin, stdout: child.stdout, extra, ended, stop }
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
function endGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM')
  setTimeout(() => signalGroup(child, 'SIGKILL'), killAfterMs).unref()
}

function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
