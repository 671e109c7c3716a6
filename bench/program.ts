/**
 * The built program, copied aside for the time of a run: what is measured must not change under it when somebody builds again.
 * The copy finds its packages through a link to ours.
 */
import { cp, mkdir, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, run, start } from './processes.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Program {
  /** The copy's package folder. */
  readonly folder: string
  readonly main: string
}

export interface HoldfastOptions {
  readonly data: string
  /** Settings beside the data folder, the port and the switched-off rate limits. */
  readonly settings?: Readonly<Record<string, string>>
  /** Variables that are no settings: for the probe. */
  readonly environment?: Readonly<Record<string, string>>
  readonly nodeArguments?: readonly string[]
  /** The address that people use, where a proxy stands in front. */
  readonly publicUrl?: string
  readonly port?: number
}

export interface Holdfast extends Running {
  readonly url: string
  readonly port: number
  /** `holdfast admin ...` beside the running server; what it printed, trimmed. */
  admin(...args: string[]): Promise<string>
  /** The same with something on its standard input. */
  adminSaying(input: string, ...args: string[]): Promise<string>
}

/** What bin/holdfast gives Node. */
export const nodeArguments = ['--enable-source-maps', '--max-semi-space-size=8']

export async function copyProgram(folder: string): Promise<Program> {
  await run(process.execPath, [path.join(root, 'scripts', 'build-if-needed.mjs')], { timeLimitMs: 600_000 })
  await mkdir(folder, { recursive: true })
  await cp(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true })
  await cp(path.join(root, 'package.json'), path.join(folder, 'package.json'))
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  return { folder, main: path.join(folder, 'dist', 'main.js') }
}

export async function startHoldfast(program: Program, options: HoldfastOptions): Promise<Holdfast> {
  const port = options.port ?? (await freePort())
  const env = {
    ...bareEnvironment(options.data),
    ...options.environment,
    HOLDFAST_DATA: options.data,
    HOLDFAST_PORT: String(port),
    HOLDFAST_URL: options.publicUrl ?? `http://127.0.0.1:${port}`,
    HOLDFAST_RATE_LIMIT_API: '0',
    HOLDFAST_RATE_LIMIT_RESOLVERS: '0',
    HOLDFAST_RATE_LIMIT_PAGES: '0',
    // A minute after a large file came by Git LFS it would be moved into chunks, beside whatever is measured then.
    HOLDFAST_XET_MOVE: 'off',
    ...options.settings,
  }
  const main = [...nodeArguments, program.main]
  const server = await start(
    process.execPath,
    [...(options.nodeArguments ?? []), ...main, 'serve'],
    /^Holdfast is ready at /,
    { cwd: program.folder, env },
  )
  const admin = async (args: readonly string[], input = ''): Promise<string> => {
    const within = { cwd: program.folder, env, timeLimitMs: 60_000, input }
    return (await run(process.execPath, [...main, 'admin', ...args], within)).stdout.trim()
  }
  return {
    ...server,
    url: options.publicUrl ?? `http://127.0.0.1:${port}`,
    port,
    admin: (...args) => admin(args),
    adminSaying: (input, ...args) => admin(args, input),
  }
}

/** Nothing of the person's own git or shell settings may reach what is measured. */
export function bareEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
