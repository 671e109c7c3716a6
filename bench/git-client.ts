/** The git client as people run it, without their settings; and repositories to work with. */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Finished, run } from './processes.ts'
import { bareEnvironment } from './program.ts'

export type Git = (args: readonly string[], input?: string) => Promise<Finished>

/** `home` is made; it holds the client's settings. */
export async function gitClient(home: string): Promise<Git> {
  await mkdir(home, { recursive: true })
  const env = {
    ...bareEnvironment(home),
    GIT_AUTHOR_NAME: 'Bench',
    GIT_AUTHOR_EMAIL: 'bench@example.org',
    GIT_COMMITTER_NAME: 'Bench',
    GIT_COMMITTER_EMAIL: 'bench@example.org',
    // Large files are measured elsewhere, and a missing git-lfs must not matter.
    GIT_LFS_SKIP_SMUDGE: '1',
  }
  return (args, input) => run('git', args, { env, ...(input === undefined ? {} : { input }) })
}

/** A bare repository whose branch `main` has `commits` commits; the first adds `files` files, each later one changes one of them. */
export async function makeRepository(
  git: Git,
  folder: string,
  shape: { readonly files: number; readonly commits: number },
): Promise<void> {
  await git(['init', '-q', '--bare', '-b', 'main', folder])
  await git(['-C', folder, 'fast-import', '--quiet'], fastImport(shape))
  await git(['-C', folder, 'gc', '-q'])
}

function fastImport({ files, commits }: { files: number; commits: number }): string {
  const parts: string[] = []
  for (let commit = 0; commit < commits; commit++) {
    const summary = `Commit ${commit}`
    parts.push(
      `commit refs/heads/main\nmark :${commit + 1}\ncommitter Bench <bench@example.org> ${1_700_000_000 + commit} +0000\n`,
      `data ${summary.length}\n${summary}\n`,
      ...(commit === 0 ? [] : [`from :${commit}\n`]),
    )
    const changed = commit === 0 ? Array.from({ length: files }, (_, index) => index) : [commit % files]
    for (const index of changed) {
      const content = contentOf(index, commit)
      parts.push(`M 100644 inline ${nameOf(index)}\ndata ${content.length}\n${content}\n`)
    }
  }
  return parts.join('')
}

export function nameOf(index: number): string {
  return `folder-${Math.floor(index / 100)}/file-${index}.txt`
}

/** ASCII, so that its length counts its bytes. */
export function contentOf(index: number, version: number | string): string {
  return `File ${index} in version ${version}.\n${'The quick brown fox jumps over the lazy dog. '.repeat(2)}\n`
}

/** Milliseconds of a clone with its work tree, which is removed outside the clock. */
export async function timeClone(git: Git, url: string, folder: string): Promise<number> {
  const { milliseconds } = await git(['clone', '-q', url, folder])
  await rm(folder, { recursive: true, force: true })
  return milliseconds
}

export async function timePush(git: Git, from: string, url: string): Promise<number> {
  return (await git(['-C', from, 'push', '-q', '--force', url, 'main:main'])).milliseconds
}

export async function timeListRefs(git: Git, url: string): Promise<number> {
  return (await git(['ls-remote', '-q', url])).milliseconds
}

export function withCredential(url: string, user: string, password: string): string {
  const parsed = new URL(url)
  parsed.username = user
  parsed.password = password
  return parsed.href
}

export function bareRepositoryFolder(folder: string, name: string): string {
  return path.join(folder, `${name}.git`)
}
