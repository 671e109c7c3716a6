/**
 * What narrows a token beside its permissions: which files it reads, which programs it is taken from, how often and how much (idea 11 of
 * behaviours.md, section 4). Rules only; who counts is `access/token-pace.ts` and `features/downloads/budget.ts`.
 */
import { type Denied, HoldfastError } from './errors.ts'
import { gitBytes, parsePathPattern } from './git-glob.ts'

export interface TokenLimits {
  /** Patterns as in .gitignore, without `!`: the only files that it reads, and then it writes nothing. Empty: no limit. */
  readonly paths: readonly string[]
  /** Names of programs as they call themselves in `User-Agent`, lower case: `git`, `hf_hub`. Empty: every program. */
  readonly programs: readonly string[]
  /** In each minute, beginning with the first request. */
  readonly requestsPerMinute: number | null
  /** Bytes of content that it takes away, from midnight to midnight (UTC). */
  readonly bytesPerDay: number | null
}

export const noLimits: TokenLimits = { paths: [], programs: [], requestsPerMinute: null, bytesPerDay: null }

const mostPatterns = 50
const patternLimit = 200
const mostPrograms = 20
const programForm = /^[a-z0-9][a-z0-9._+-]{0,49}$/

/** As they are kept: trimmed, each once. Throws `invalid_input`. */
export function parsePaths(entries: readonly string[]): string[] {
  const paths = unique(entries)
  if (paths.length > mostPatterns) throw wrong('paths', `A token lists at most ${mostPatterns} patterns of files.`)
  for (const path of paths) {
    if (path.length > patternLimit) throw wrong('paths', `A pattern has at most ${patternLimit} characters.`)
    // What follows is how git would read it: as an exception, or for folders alone.
    if (path.startsWith('!') || path.endsWith('/') || /\p{Cc}/u.test(path)) {
      throw wrong('paths', `"${path}" is no pattern of files such as *.safetensors or config/**.`)
    }
  }
  return paths
}

/** Lower case, each once. Throws `invalid_input`. */
export function parsePrograms(entries: readonly string[]): string[] {
  const programs = unique(entries.map((entry) => entry.toLowerCase()))
  if (programs.length > mostPrograms) throw wrong('programs', `A token lists at most ${mostPrograms} programs.`)
  for (const program of programs) {
    if (!programForm.test(program)) {
      throw wrong('programs', `"${program.slice(0, 50)}" is no name of a program such as git, hf_hub or curl.`)
    }
  }
  return programs
}

/** Throws `invalid_input`. */
export function parseAmount(field: 'requestsPerMinute' | 'bytesPerDay', amount: number | null): number | null {
  if (amount === null) return null
  if (Number.isSafeInteger(amount) && amount >= 1) return amount
  throw wrong(field, 'A limit is a whole number from 1 up, or none.')
}

/** Whether a token with these patterns reads the file at `path`, which begins without a slash. */
export function readsPath({ paths }: Pick<TokenLimits, 'paths'>, path: string): boolean {
  if (paths.length === 0) return true
  const text = gitBytes(path)
  const name = text.slice(text.lastIndexOf('/') + 1)
  return paths.some((pattern) => parsePathPattern(gitBytes(pattern)).matches(text, name))
}

/**
 * Whether the program that calls itself so is one of them: clients of the Hub list several names with versions
 * (`unknown/None; hf_hub/2.4.0; python/3.11`). Anybody can call themselves anything: this finds tokens in wrong hands, and stops nobody who knows.
 */
export function isFromProgram({ programs }: Pick<TokenLimits, 'programs'>, userAgent: string | null): boolean {
  if (programs.length === 0) return true
  const names = (userAgent ?? '').toLowerCase().split(/[\s;,()]+/)
  return names.some((name) => programs.includes(name.split('/')[0] ?? ''))
}

/** Null where the program may use it. */
export function outsideProgram(limits: Pick<TokenLimits, 'programs'>, userAgent: string | null): Denied | null {
  if (isFromProgram(limits, userAgent)) return null
  return { code: 'token_outside_program', need: limits.programs.join(' or '), have: userAgent ?? 'no name' }
}

/** `left`: requests that the token was made for and that were not made; null: it was made for any number. */
export function usedUp(left: number | null): HoldfastError | null {
  return left === null || left > 0
    ? null
    : new HoldfastError('token_used_up', {}, { denied: { code: 'token_used_up' } })
}

/** `used`: how many requests of its minute there are with this one. */
export function tooFast(
  { requestsPerMinute: most }: TokenLimits,
  used: number,
  secondsLeft: number,
): HoldfastError | null {
  if (most === null || used <= most) return null
  return new HoldfastError(
    'token_too_fast',
    { seconds: secondsLeft },
    { headers: { 'retry-after': String(secondsLeft) } },
  )
}

/** `left`: of its bytes of today; may be less than none, where several took at once. */
export function tooMuch(bytes: number, left: number): HoldfastError | null {
  if (bytes <= left) return null
  const denied = { code: 'token_bytes_used_up', need: `${bytes} bytes`, have: `${Math.max(0, left)} left` } as const
  return new HoldfastError('token_bytes_used_up', {}, { denied })
}

/** Whether nothing passes `limits` that `ceiling` would stop. */
export function isWithinLimits(limits: TokenLimits, ceiling: TokenLimits): boolean {
  return (
    isSubset(limits.paths, ceiling.paths) &&
    isSubset(limits.programs, ceiling.programs) &&
    isAtMost(limits.requestsPerMinute, ceiling.requestsPerMinute) &&
    isAtMost(limits.bytesPerDay, ceiling.bytesPerDay)
  )
}

/** As they stand in the audit log. */
export function limitsInWords({ paths, programs, requestsPerMinute, bytesPerDay }: TokenLimits): string[] {
  return [
    ...paths.map((path) => `only files ${path}`),
    ...programs.map((program) => `only from ${program}`),
    ...(requestsPerMinute === null ? [] : [`${requestsPerMinute} requests a minute`]),
    ...(bytesPerDay === null ? [] : [`${bytesPerDay} bytes a day`]),
  ]
}

function isSubset(list: readonly string[], ceiling: readonly string[]): boolean {
  return ceiling.length === 0 || (list.length > 0 && list.every((entry) => ceiling.includes(entry)))
}

function isAtMost(amount: number | null, ceiling: number | null): boolean {
  return ceiling === null || (amount !== null && amount <= ceiling)
}

function unique(entries: readonly string[]): string[] {
  return [...new Set(entries.map((entry) => entry.trim()).filter((entry) => entry !== ''))]
}

function wrong(field: keyof TokenLimits, reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason, field })
}
