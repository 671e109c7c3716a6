/** The newest Python client that tests/compat/install-clients.sh has installed, each run with a home of its own: an empty cache. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Missing } from './case.ts'
import { run } from './processes.ts'
import { bareEnvironment, root } from './program.ts'

export interface PythonClient {
  /** Seconds. `home` keeps the cache of an earlier run. */
  upload(repo: string, file: string, options?: { isXet?: boolean; home?: string }): Promise<number>
  download(repo: string, name: string, options?: { isXet?: boolean }): Promise<number>
}

const script = fileURLToPath(new URL('python/xet_client.py', import.meta.url))

export function pythonClient(at: {
  readonly url: string
  readonly token: string
  readonly folder: string
}): PythonClient {
  const python = path.join(process.env.HOLDFAST_TEST_VENVS ?? path.join(root, '.venv'), 'newest', 'bin', 'python')
  if (!existsSync(python)) throw new Missing('The Python client is missing (bash tests/compat/install-clients.sh)')
  const call = async (args: readonly string[], isXet: boolean, home: string): Promise<number> => {
    const env = {
      ...bareEnvironment(home),
      HF_HOME: path.join(home, 'hf'),
      HF_ENDPOINT: at.url,
      HF_TOKEN: at.token,
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      HF_HUB_DISABLE_XET: isXet ? '0' : '1',
    }
    const { stdout } = await run(python, [script, ...args], { env, timeLimitMs: 900_000 })
    return Number(stdout.trim())
  }
  const withHome = async (home: string | undefined, work: (home: string) => Promise<number>): Promise<number> => {
    if (home !== undefined) return await work(home)
    const own = await mkdtemp(path.join(at.folder, 'home-'))
    try {
      return await work(own)
    } finally {
      await rm(own, { recursive: true, force: true })
    }
  }
  return {
    upload: (repo, file, { isXet = true, home } = {}) =>
      withHome(home, (folder) => call(['upload', repo, file], isXet, folder)),
    download: (repo, name, { isXet = true } = {}) =>
      withHome(undefined, (folder) => call(['download', repo, name, path.join(folder, 'target')], isXet, folder)),
  }
}
