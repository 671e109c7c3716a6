/**
 * Births and deaths of bare repositories. Both are one rename, so a repository is there whole or not at all, and a
 * deleted one is out of reach before its bytes are collected.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeFileDurably } from './durable.ts'
import { type GitStore, incomingFolder, repositoryFolder } from './git-store.ts'

const repositoryConfig = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
`

/** Makes an empty bare repository whose HEAD is `main`. Throws when the id is taken. */
export async function createRepository(store: GitStore, repo: string): Promise<void> {
  const target = repositoryFolder(store, repo)
  const building = join(incomingFolder(store), `new-${repo}-${randomBytes(6).toString('hex')}`)
  // What `git init --bare` would make, without its spawn and its templates.
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
    await mkdir(join(building, folder), { recursive: true, mode: 0o700 })
  }
  await writeFileDurably(join(building, 'config'), repositoryConfig)
  await writeFileDurably(join(building, 'HEAD'), 'ref: refs/heads/main\n')
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  try {
    await rename(building, target)
  } catch (error) {
    await rm(building, { recursive: true, force: true })
    throw error
  }
  for (const folder of [dirname(target), dirname(dirname(target)), store.folder]) await syncFolder(folder)
}

export async function hasRepository(store: GitStore, repo: string): Promise<boolean> {
  return stat(repositoryFolder(store, repo)).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

/** Takes the repository out of reach at once, then removes its bytes. Deleting what is not there is no error. */
export async function deleteRepository(store: GitStore, repo: string): Promise<void> {
  const folder = repositoryFolder(store, repo)
  const grave = join(incomingFolder(store), `deleted-${repo}-${randomBytes(6).toString('hex')}`)
  try {
    await rename(folder, grave)
    await syncFolder(dirname(folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return
  } finally {
    store.readers.retire(folder)
    store.refWriters.retire(folder)
  }
  await rm(grave, { recursive: true, force: true })
}
