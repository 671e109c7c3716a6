/** Which git this is. */
import { type GitProgram, runGit } from './run.ts'

export interface GitVersion {
  /** `git version 2.39.5` without the words. */
  readonly text: string
  readonly numbers: readonly [major: number, minor: number]
}

export async function gitVersion(git: GitProgram): Promise<GitVersion> {
  const { stdout } = await runGit(git, ['version'])
  const text = stdout
    .toString()
    .replace(/^git version /, '')
    .trim()
  const [major = 0, minor = 0] = text.split('.').map((part) => Number.parseInt(part, 10))
  return { text, numbers: [major, minor] }
}
