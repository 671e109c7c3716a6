/** The machine's own git and git-lfs, as a person's: a home of their own, a token as the password, nothing of ours mixed in. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const searchPath = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'

/** False after saying loudly what is missing; in CI, where everything must run, a failure. */
export function hasGitLfs(): boolean {
  if (spawnSync('git', ['lfs', 'version'], { env: { PATH: searchPath }, stdio: 'ignore' }).status === 0) return true
  const words = 'git-lfs is missing. Install it: apt-get install git-lfs, or see git-lfs.com'
  if (process.env.HOLDFAST_TEST_REQUIRE_ALL !== undefined) throw new Error(words)
  console.warn(`\n  LEFT OUT: ${words}\n`)
  return false
}

export interface GitClient extends AsyncDisposable {
  readonly folder: string
  /** Runs a bash script in the folder; gives standard output and error. Rejects with both where it fails. */
  sh(script: string): Promise<string>
  /** Like `sh` for what must fail: gives what it printed. */
  fails(script: string): Promise<string>
}

/** `token` answers git's question for a password at `url`; null answers nothing. */
export async function gitClient(url: string, token: string | null, name = 'ada'): Promise<GitClient> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-client-'))
  const home = path.join(folder, 'home')
  const work = path.join(folder, 'work')
  await mkdir(home)
  await mkdir(work)
  const { host, protocol } = new URL(url)
  if (token !== null) await writeFile(path.join(home, '.git-credentials'), `${protocol}//${name}:${token}@${host}\n`)
  const environment = {
    PATH: searchPath,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: `${name}@example.com`,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: `${name}@example.com`,
    URL: url,
  }
  const sh = async (script: string): Promise<string> => {
    const { stdout, stderr } = await run('bash', ['-ec', script], { cwd: work, env: environment, maxBuffer: 1 << 26 })
    return stdout + stderr
  }
  await sh('git config --global credential.helper store; git config --global init.defaultBranch main')
  // Plain git tests run without git-lfs too.
  await sh('if git lfs version >/dev/null 2>&1; then git lfs install; fi')
  return {
    folder: work,
    sh,
    fails: async (script) => {
      try {
        const output = await sh(script)
        throw new Error(`It should have failed, but printed:\n${output}`)
      } catch (error) {
        const { stdout, stderr } = error as { stdout?: string; stderr?: string }
        if (stdout === undefined || stderr === undefined) throw error
        return stdout + stderr
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
