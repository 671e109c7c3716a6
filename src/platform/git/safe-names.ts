/**
 * The last guard before a name reaches git. Callers hand in validated names; here only what git would misread is
 * refused: revision syntax (`^`, `~`, `@{`, `:`), options, line breaks that would smuggle a second command.
 */
import { GitFailure } from './run.ts'

export const zeroOid = '0'.repeat(40)
export const emptyTreeOid = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

const oidPattern = /^[0-9a-f]{40}$/
// git check-ref-format: no control characters, space or ~^:?*[\, no `..`, `@{`, `//`, no component that begins with
// a dot or ends with `.lock`, no dot or slash at the end.
const badInRef = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|(^|\/)\.|\.lock(\/|$)|\.$|\/$|^\/|^-/

export function isOid(value: string): boolean {
  return oidPattern.test(value)
}

/** Throws unless the value is a full object id. */
export function assertOid(value: string): void {
  if (!isOid(value)) throw new GitFailure('bad-name', 'not a full object id')
}

/**
 * Whether the string may stand after `refs/heads/` or `refs/tags/`. Names that begin with `refs/` are out as well:
 * git would try `refs/heads/refs/heads/x` when asked for a missing `refs/heads/x`.
 */
export function isSafeShortRef(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    name !== '@' &&
    name !== 'HEAD' &&
    !name.startsWith('refs/') &&
    !badInRef.test(name)
  )
}

/** Whether the string is a full ref of a kind that repositories here have. */
export function isSafeRef(ref: string): boolean {
  const short = /^refs\/(?:heads|tags|pr|convert|holdfast)\/(.+)$/s.exec(ref)?.[1]
  return short !== undefined && isSafeShortRef(short)
}

export function assertRef(ref: string): void {
  if (!isSafeRef(ref)) throw new GitFailure('bad-name', 'not a safe ref name')
}

/** Whether the path is relative, normal, and free of what ends a command or a tree entry. The empty path is the root. */
export function isSafePath(path: string): boolean {
  if (path === '') return true
  if (path.length > 4096 || path.includes('\0') || path.includes('\n')) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

export function assertPath(path: string): void {
  if (!isSafePath(path)) throw new GitFailure('bad-name', 'not a safe path')
}
