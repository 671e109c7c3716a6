/** A real clamd on a free port, with a signature file of the test's own and nothing fetched from anywhere. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'

const program = '/usr/sbin/clamd'

/** What the signature of the test's own finds: in no honest file. */
export const clamdMark = 'holdfast-clamd-mark-52d1c9e07b'
export const clamdName = 'Holdfast.Test.Mark'

/** False after saying loudly what is missing; in CI, where everything must run, a failure. */
export function hasClamd(): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    const words = 'clamd is missing. Install it: apt-get install clamav-daemon'
    if (process.env.HOLDFAST_TEST_REQUIRE_ALL !== undefined) throw new Error(words)
    console.warn(`\n  LEFT OUT: ${words}\n`)
    return false
  }
}

export class TestClamd {
  /** `127.0.0.1:PORT`; stays the same over a stop and a start. */
  readonly address: string
  readonly #folder: string
  readonly #port: number
  readonly #streamBytes: number
  #child: ChildProcess | null = null

  private constructor(folder: string, port: number, streamBytes: number) {
    this.#folder = folder
    this.#port = port
    this.#streamBytes = streamBytes
    this.address = `127.0.0.1:${port}`
  }

  static async make(streamBytes = 25_000_000): Promise<TestClamd> {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-clamd-'))
    await mkdir(path.join(folder, 'signatures'))
    await mkdir(path.join(folder, 'tmp'))
    const hex = Buffer.from(clamdMark).toString('hex')
    await writeFile(path.join(folder, 'signatures', 'test.ndb'), `${clamdName}:0:*:${hex}\n`)
    return new TestClamd(folder, await freePort(), streamBytes)
  }

  /** Until it answers. */
  async start(): Promise<void> {
    const config = path.join(this.#folder, 'clamd.conf')
    const lines = [
      'Foreground yes',
      `TCPSocket ${this.#port}`,
      'TCPAddr 127.0.0.1',
      `DatabaseDirectory ${path.join(this.#folder, 'signatures')}`,
      `TemporaryDirectory ${path.join(this.#folder, 'tmp')}`,
      `StreamMaxLength ${this.#streamBytes}`,
      `User ${userInfo().username}`,
      'AlertExceedsMax yes',
    ]
    await writeFile(config, `${lines.join('\n')}\n`)
    this.#child = spawn(program, ['-c', config], { stdio: 'ignore' })
    for (let tries = 0; tries < 300; tries++) {
      if (await answers(this.#port)) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error('clamd does not answer')
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async remove(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('zPING\0'))
    socket.once('data', (bytes) => {
      socket.destroy()
      resolve(bytes.toString().startsWith('PONG'))
    })
    socket.once('error', () => resolve(false))
    socket.setTimeout(1_000, () => {
      socket.destroy()
      resolve(false)
    })
  })
}
