/**
 * The folder of bare repositories, opened once. Repositories lie by immutable id, so a rename moves nothing; the
 * shard is taken from the last digits of the id because ids are ordered by time and their first digits crowd.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { catFileArgs, catFilePoolName, refWriterArgs } from './commands.ts'
import { writeFileDurably } from './durable.ts'
import { placeHook } from './pre-receive.ts'
import { ProcessPool } from './process-pool.ts'
import { openStarter } from './process-starter.ts'
import { GitFailure, type GitProgram, startGit } from './run.ts'

export interface GitStoreOptions {
  /** Absolute path of the folder that holds all repositories. */
  folder: string
  /** The git program; found on `searchPath` when it is a bare name. */
  program?: string
  /** What the processes get as PATH. */
  searchPath?: string
  /** How many long-lived `cat-file` and `update-ref` processes may stand at once (each kind). */
  maxProcesses?: number
  /** A long-lived process that was not used for this long (ms) is ended. */
  idleMs?: number
}

export interface GitStore extends GitProgram {
  readonly folder: string
  /** Long-lived `cat-file --batch-command`, one repository each. */
  readonly readers: ProcessPool
  /** Long-lived `update-ref --stdin`, one repository each. */
  readonly refWriters: ProcessPool
  /**
   * From now on a small process beside this one begins the git processes, so that none of them stops the event loop. For servers: what
   * runs a command or two gains nothing. `onFailure` hears why it could not be had; git is then begun from here for a while.
   */
  startApart(onFailure: (error: Error) => void): void
  close(): Promise<void>
}

const defaultSearchPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

/** Opens the store: creates its folders, its git configuration and its hook, and the process pools. Throws where git could not run the hook. */
export async function openGitStore(options: GitStoreOptions): Promise<GitStore> {
  const { folder } = options
  const support = join(folder, 'support')
  const hooks = hooksFolder({ folder })
  await mkdir(hooks, { recursive: true, mode: 0o700 })
  await mkdir(join(folder, 'incoming'), { recursive: true, mode: 0o700 })
  await writeFileDurably(join(support, 'config'), gitConfig(hooks))
  await placeHook(hooks)
  const program = options.program ?? 'git'
  const environment = gitEnvironment(join(support, 'config'), options.searchPath ?? defaultSearchPath)
  const starter = openStarter()
  const git: GitProgram = { program, environment, starter }
  const limits = { limit: options.maxProcesses ?? 32, idleMs: options.idleMs ?? 60_000 }
  const readers = new ProcessPool(
    catFilePoolName,
    (repository) => startGit(git, catFileArgs(repository), endless),
    limits,
  )
  const refWriters = new ProcessPool('update-ref', (repo) => startGit(git, refWriterArgs(repo), endless), limits)
  const close = async () => {
    await Promise.all([readers.close(), refWriters.close()])
    await starter.close()
  }
  return { ...git, folder, readers, refWriters, startApart: starter.startApart, close }
}

// setTimeout's largest delay: pooled processes are ended by their pool.
const endless = { timeLimitMs: 2 ** 31 - 1 }

const repoIdPattern = /^[0-9a-f]{24}$/

/** Absolute path of a repository. Throws unless the id is 24 lowercase hex digits, so no path can be smuggled in. */
export function repositoryFolder(store: Pick<GitStore, 'folder'>, repo: string): string {
  if (!repoIdPattern.test(repo)) throw new GitFailure('bad-name', 'not a repository id')
  return join(store.folder, repo.slice(-4, -2), repo.slice(-2), `${repo}.git`)
}

/** Where the hook of all repositories lies. */
export function hooksFolder(store: Pick<GitStore, 'folder'>): string {
  return join(store.folder, 'support', 'hooks')
}

/** Where new and deleted repositories lie for a moment; same file system as the repositories, so a rename is atomic. */
export function incomingFolder(store: GitStore): string {
  return join(store.folder, 'incoming')
}

function gitEnvironment(config: string, searchPath: string): Record<string, string> {
  return {
    PATH: searchPath,
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    // Ours instead of the user's: one file for all repositories, so that a new release needs no migration of them.
    GIT_CONFIG_GLOBAL: config,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_ADVICE: '0',
  }
}

/**
 * What every repository is served with. `core.fsync=all` and `unpackLimit=1`: git's defaults fsync nothing of a small
 * push. `gc.auto=0`: maintenance runs under the repo's lease only. `safe.directory`: a mounted volume may belong to
 * another user; who may reach the data folder is the operating system's business.
 */
function gitConfig(hooks: string): string {
  return `[safe]
	directory = *
[core]
	hooksPath = ${JSON.stringify(hooks)}
	fsync = all
	fsyncMethod = fsync
	protectHFS = true
	protectNTFS = true
	bigFileThreshold = 32m
	filesRefLockTimeout = 2000
	packedRefsTimeout = 5000
[gc]
	auto = 0
[maintenance]
	auto = false
[init]
	defaultBranch = main
[transfer]
	hideRefs = refs/holdfast
[receive]
	unpackLimit = 1
	autogc = false
	updateServerInfo = false
	denyNonFastForwards = false
	denyDeletes = false
	advertisePushOptions = false
	fsckObjects = true
[receive "fsck"]
	missingSpaceBeforeDate = ignore
	badTimezone = ignore
	badDate = ignore
	badDateOverflow = ignore
	badEmail = ignore
	missingEmail = ignore
	missingNameBeforeEmail = ignore
	missingSpaceBeforeEmail = ignore
	multipleAuthors = ignore
	zeroPaddedFilemode = ignore
	missingTaggerEntry = ignore
	nullSha1 = error
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[pack]
	windowMemory = 256m
	writeBitmapLookupTable = true
[repack]
	useDeltaBaseOffset = true
[gc]
	writeCommitGraph = true
`
}
