/**
 * Runs unmodified clients against a hub of the test's own: Python ones from the virtual environments that install-clients.sh makes, git and
 * git-lfs from the machine. What is missing is said loudly, with how to install it; CI sets HOLDFAST_TEST_REQUIRE_ALL and then it fails.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const venvs = process.env.HOLDFAST_TEST_VENVS ?? path.join(root, '.venv')

/** The python of one set of clients, or null after saying what to do. */
export function findPython(
  set: 'newest' | 'last1' | 'pickles' | 'model-signing' | 'models' | 'inference' | 'transformers' | 'older',
): string | null {
  const python = path.join(venvs, set, 'bin', 'python')
  if (existsSync(python)) return python
  const isLong = set === 'transformers' || set === 'older'
  return missing(
    `the set "${set}" of Python clients`,
    `bash tests/compat/install-clients.sh${isLong ? ' --long' : ''} (needs python3 with venv: apt-get install python3-venv)`,
  )
}

export function hasProgram(name: string, install: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' })
    return true
  } catch {
    return missing(name, install) !== null
  }
}

function missing(what: string, install: string): null {
  if (process.env.HOLDFAST_TEST_REQUIRE_ALL !== undefined) throw new Error(`Missing: ${what}. Install it: ${install}`)
  console.warn(`\n  LEFT OUT: ${what} is missing. Install it: ${install}\n`)
  return null
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program with a home folder of its own, so that no cache or login leaks between tests. */
export async function runClient(
  program: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string; home?: string; timeoutMs?: number } = {},
): Promise<Ran> {
  const home = options.home ?? (await mkdtemp(path.join(tmpdir(), 'holdfast-home-')))
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: home,
    HF_HOME: path.join(home, 'hf'),
    HF_HUB_DISABLE_UPDATE_CHECK: '1',
    HF_HUB_DISABLE_PROGRESS_BARS: '1',
    DISABLE_SAFETENSORS_CONVERSION: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C.UTF-8',
    ...options.env,
  }
  const result = await new Promise<Ran>((resolve) => {
    execFile(
      program,
      [...args],
      { env, cwd: options.cwd ?? home, maxBuffer: 64 * 2 ** 20, timeout: options.timeoutMs ?? 120_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ code, stdout, stderr: error?.killed ? `${stderr}\n(killed: time is up)` : stderr })
      },
    )
  })
  if (options.home === undefined) await rm(home, { recursive: true, force: true })
  return result
}

/** Fails with everything that the client printed. */
export function expectSuccess(ran: Ran): string {
  if (ran.code !== 0) throw new Error(`The client ended with ${ran.code}.\n${ran.stdout}\n${ran.stderr}`)
  return ran.stdout
}
