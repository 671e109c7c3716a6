/** Whether a repository holds what it should, told by reading it. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { GitFailure, runGit } from './run.ts'
import { assertOid } from './safe-names.ts'

const timeLimitMs = 12 * 3_600_000

/** Null if everything that these objects lead to is there, else what git says. Names are followed, contents are not hashed. */
export async function findMissing(store: GitStore, repo: string, oids: readonly string[]): Promise<string | null> {
  if (oids.length === 0) return null
  for (const oid of oids) assertOid(oid)
  return await faultOf(
    store,
    ['--git-dir', repositoryFolder(store, repo), 'rev-list', '--objects', '--quiet', '--stdin'],
    {
      input: `${oids.join('\n')}\n`,
    },
  )
}

/** Null if every pack is what it was, object by object, else what git says. */
export async function findDamagedPack(store: GitStore, repo: string): Promise<string | null> {
  const folder = repositoryFolder(store, repo)
  const packs = join(folder, 'objects', 'pack')
  const indexes = (await readdir(packs)).filter((name) => /^pack-[0-9a-f]+\.idx$/.test(name))
  if (indexes.length === 0) return null
  return await faultOf(store, ['--git-dir', folder, 'verify-pack', '--', ...indexes.map((name) => join(packs, name))])
}

async function faultOf(
  store: GitStore,
  args: readonly string[],
  input: { input?: string } = {},
): Promise<string | null> {
  try {
    await runGit(store, args, { ...input, timeLimitMs })
    return null
  } catch (error) {
    if (error instanceof GitFailure && error.reason === 'exit') return error.stderr.trim() || error.message
    throw error
  }
}
