/**
 * Marks of what is under way, as files in the store's incoming folder: which git process may be writing to which
 * repository. After a crash they say where to clean up, and which processes to wait for: a process that outlived
 * its server could still move a ref, and nobody may read refs for good before it has ended.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type GitStore, incomingFolder } from './git-store.ts'

const markPattern = /^writer-(\d+)-([0-9a-f]{24})$/
const waitMs = 10_000

/** Leaves a mark that `pid` works in the repository; the returned function takes it away. */
export async function markWriter(store: GitStore, pid: number, repo: string): Promise<() => Promise<void>> {
  const path = join(incomingFolder(store), `writer-${pid}-${repo}`)
  await writeFile(path, '')
  return () => rm(path, { force: true })
}

export interface Leftovers {
  /** Repositories in which a dead server left work; they want `cleanStale`. */
  repos: string[]
  /** Forgets them, once they are clean. */
  forget(): Promise<void>
}

/**
 * What a dead server left: waits for git processes that outlived it (10 s at most), removes half-born repositories,
 * half-deleted ones and stages. Only before serving, by the one who owns the store.
 */
export async function findLeftovers(store: GitStore): Promise<Leftovers> {
  const folder = incomingFolder(store)
  const marks: string[] = []
  const repos = new Set<string>()
  for (const name of await readdir(folder)) {
    const match = markPattern.exec(name)
    if (match?.[1] === undefined || match[2] === undefined) {
      await rm(join(folder, name), { recursive: true, force: true })
      continue
    }
    await waitForEnd(Number(match[1]))
    marks.push(name)
    repos.add(match[2])
  }
  const forget = async () => {
    for (const name of marks) await rm(join(folder, name), { force: true })
  }
  return { repos: [...repos], forget }
}

async function waitForEnd(pid: number): Promise<void> {
  const deadline = Date.now() + waitMs
  while (Date.now() < deadline && (await isGitProcess(pid))) await pause(20)
}

/** Process ids are used again: where the system tells, only a process named git counts. */
async function isGitProcess(pid: number): Promise<boolean> {
  if (pid === process.pid || pid === 0) return false
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => 'Name:\tgit\n')
  return /^Name:\tgit/.test(status) && !/^State:\tZ/m.test(status)
}
