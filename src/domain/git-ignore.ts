/** What the .gitignore at the root of a repo keeps out: gitignore(5). Bounded like .gitattributes. */
import { gitBytes, matchBudget, type PathPattern, parsePathPattern, type TotalBudget, totalBudget } from './git-glob.ts'

export interface GitIgnore {
  isIgnored(path: string): boolean
}

const textLimit = 256 * 1024

export function parseGitIgnore(text: string): GitIgnore {
  const patterns: PathPattern[] = []
  for (const raw of text
    .slice(0, textLimit)
    .replace(/^\ufeff/, '')
    .split('\n')) {
    const line = trimSpaces(gitBytes(raw.replace(/\r$/, '')))
    if (line === '' || line.startsWith('#')) continue
    patterns.push(parsePathPattern(line))
  }
  patterns.reverse()
  const budget = totalBudget()
  return { isIgnored: (path) => isIgnored(patterns, gitBytes(path), budget) }
}

/** What lies in an ignored folder is ignored, whatever later lines say of it. */
function isIgnored(patterns: readonly PathPattern[], path: string, budget: TotalBudget): boolean {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    if (lastWord(patterns, path.slice(0, slash), true, budget)) return true
  }
  return lastWord(patterns, path, false, budget)
}

function lastWord(patterns: readonly PathPattern[], path: string, isFolder: boolean, budget: TotalBudget): boolean {
  const matches = matchBudget(path, budget)
  const found = patterns.find((pattern) => (isFolder || !pattern.isForFolders) && matches(pattern))
  return found !== undefined && !found.isNegative
}

/** Spaces at the end go, unless a backslash holds them. */
function trimSpaces(line: string): string {
  const trimmed = line.replace(/ +$/, '')
  if (trimmed.length === line.length) return line
  const backslashes = /\\*$/.exec(trimmed)?.[0].length ?? 0
  return backslashes % 2 === 1 ? `${trimmed} ` : trimmed
}
