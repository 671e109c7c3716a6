/** What the tests of git share: a store in a temporary folder and a way to make commits with real git. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type GitStore,
  type GitStoreOptions,
  openGitStore,
  repositoryFolder,
} from '../../src/platform/git/git-store.ts'
import { createRepository } from '../../src/platform/git/repository.ts'

const run = promisify(execFile)

export interface TestStore extends AsyncDisposable {
  store: GitStore
  /** The temporary folder; `store` lies in its `git` folder. */
  folder: string
  /** Runs the machine's git, as a client would; gives its standard output without the last newline. */
  git(cwd: string, ...args: string[]): Promise<string>
}

export const testRepo = '65f0c0ffee0000000000abcd'

export async function openTestStore(options: Partial<GitStoreOptions> = {}): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-git-'))
  const store = await openGitStore({ folder: join(folder, 'git'), ...options })
  return {
    store,
    folder,
    git: runClient,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A repository with the commits that `script` makes in a work tree, pushed over the file system. */
export async function seedRepository(test: TestStore, script: string, repo = testRepo): Promise<string> {
  await createRepository(test.store, repo)
  const work = await mkdtemp(join(test.folder, 'work-'))
  const bare = repositoryFolder(test.store, repo)
  await run('sh', ['-ec', `git init -q -b main .\n${script}\ngit push -q --mirror "${bare}"`], {
    cwd: work,
    env: clientEnvironment,
  })
  return work
}

/** Runs the machine's git, as a client would; gives its standard output without the last newline. */
export async function runClient(cwd: string, ...args: string[]): Promise<string> {
  return (await run('git', args, { cwd, env: clientEnvironment, maxBuffer: 1 << 28 })).stdout.trimEnd()
}

export const clientEnvironment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
}
