/**
 * The built program in a process of its own, with its settings as they come, and clients with nothing in their environment but the address, a
 * token and an empty home: for what must hold with files of gibibytes, where the memory of the server counts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Running, run, start } from '../../bench/processes.ts'
import { bareEnvironment, copyProgram, freePort, nodeArguments, type Program } from '../../bench/program.ts'

export interface XetHub extends AsyncDisposable {
  readonly url: string
  /** For what a test writes; it goes with the hub. */
  readonly folder: string
  /** Runs a client to its end, in a home that nobody has used, and gives its output. Rejects with what it printed. */
  client(program: string, args: readonly string[]): Promise<string>
  /** Starts one in a home that stays; a later `client` in the same home goes on where it was. */
  startClient(program: string, args: readonly string[], home: string): ChildProcess
  clientIn(home: string, program: string, args: readonly string[]): Promise<string>
  /** Bytes under the names of xorbs. Throws if anything came in another way than by Xet. */
  xorbBytes(): Promise<number>
  /** The most memory that the server had resident since the last call, in bytes (Linux; 0 elsewhere). */
  peak(): Promise<number>
}

const clientMs = 1_700_000
/** Bytes that the server may have resident, whatever passes through it: what the hub promises beside eight uploads by Xet. */
export const mostServerMemory = 400_000_000

/** With an account `ada`. */
export async function startXetHub(): Promise<XetHub> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-xet-long-'))
  try {
    const program = await copyProgram(path.join(folder, 'program'))
    const port = await freePort()
    const data = path.join(folder, 'data')
    const url = `http://127.0.0.1:${port}`
    const env = { ...bareEnvironment(folder), HOLDFAST_DATA: data, HOLDFAST_PORT: String(port), HOLDFAST_URL: url }
    const server = await start(process.execPath, [...nodeArguments, program.main, 'serve'], /^Holdfast is ready/, {
      env,
    })
    await admin(program, env, 'create-user', 'ada', '--email', 'ada@example.org')
    const token = await admin(program, env, 'create-token', '--user', 'ada', '--name', 'tests', '--role', 'write')
    return hubOf({ folder, data, url, token, server })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function admin(program: Program, env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [program.main, 'admin', ...args], { env })
  return stdout.trim()
}

function hubOf(at: { folder: string; data: string; url: string; token: string; server: Running }): XetHub {
  const { folder, url, server } = at
  const environment = (home: string) => ({ HOME: home, HF_ENDPOINT: url, HF_TOKEN: at.token })
  const clientIn = async (home: string, program: string, args: readonly string[]): Promise<string> => {
    await mkdir(home, { recursive: true })
    return (await run(program, args, { env: environment(home), cwd: home, timeLimitMs: clientMs })).stdout
  }
  return {
    url,
    folder,
    clientIn,
    client: async (program, args) => {
      const home = await mkdtemp(path.join(folder, 'home-'))
      try {
        return await clientIn(home, program, args)
      } finally {
        await rm(home, { recursive: true, force: true })
      }
    },
    startClient: (program, args, home) => spawn(program, args, { env: environment(home), cwd: home, stdio: 'ignore' }),
    xorbBytes: async () => {
      const blobs = path.join(at.data, 'blobs')
      const others = (await readdir(blobs)).filter((name) => !['incoming', 'parts', 'xorbs'].includes(name))
      if (others.length > 0) throw new Error(`These came as objects, not by Xet: ${others}`)
      return await bytesBelow(path.join(blobs, 'xorbs'))
    },
    peak: async () => {
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8').catch(() => '')
      await writeFile(`/proc/${server.pid}/clear_refs`, '5').catch(() => undefined)
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function bytesBelow(folder: string): Promise<number> {
  let sum = 0
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.isFile()) sum += (await stat(path.join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0
  }
  return sum
}

/** The client dies as soon as the server has so many bytes of it. */
export async function killAfter(hub: XetHub, client: ChildProcess, bytes: number): Promise<void> {
  const exited = once(client, 'exit')
  let isOver = false
  exited.then(() => {
    isOver = true
  })
  while (!isOver && (await hub.xorbBytes()) < bytes) await new Promise((resolve) => setTimeout(resolve, 50))
  client.kill('SIGKILL')
  await exited
}
