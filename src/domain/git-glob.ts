/**
 * Path patterns as git reads them in .gitattributes and .gitignore (gitignore(5), git's own wildmatch). Anybody can commit such a file, so
 * a match takes time in proportion to pattern times path, never more: the pattern is run as a set of states, without backtracking.
 * Texts are the UTF-8 bytes of names as Latin-1, because git's `?` and `[...]` match bytes.
 */

/** The form in which patterns and paths are compared. */
export function gitBytes(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

export interface PathPattern {
  /** Begins with `!`. */
  readonly isNegative: boolean
  /** Ends with a slash: matches folders only. */
  readonly isForFolders: boolean
  /** Has no slash within: matches the last part of a path, wherever it lies. */
  readonly isForNames: boolean
  /** What a pattern without special characters stands for; null for all others. Looked up instead of tried. */
  readonly literal: string | null
  /** How much work a match may be, for each byte of the path. */
  readonly weight: number
  /** `path` is relative to the folder of the file in which the pattern stands; `name` is its last part. */
  matches(path: string, name: string): boolean
}

export function parsePathPattern(line: string): PathPattern {
  const isNegative = line.startsWith('!')
  const signless = isNegative ? line.slice(1) : line
  const isForFolders = signless.endsWith('/')
  const body = isForFolders ? signless.slice(0, -1) : signless
  const isForNames = !body.includes('/')
  const pattern = body.startsWith('/') ? body.slice(1) : body
  const about = { isNegative, isForFolders, isForNames }
  const special = pattern.search(/[*?[\\]/)
  if (special < 0) {
    return { ...about, literal: pattern, weight: 0, matches: (path, name) => (isForNames ? name : path) === pattern }
  }
  if (isForNames) {
    const isSuffix = pattern.startsWith('*') && !/[*?[\\]/.test(pattern.slice(1))
    const suffix = pattern.slice(1)
    const glob = isSuffix ? null : compileGlob(pattern, false)
    const weight = isSuffix ? 0 : pattern.length
    return {
      ...about,
      literal: null,
      weight,
      matches: (_, name) => (glob === null ? name.endsWith(suffix) : glob(name)),
    }
  }
  // Git compares what stands before the first special character apart, so a `**` right behind it counts as one at the beginning.
  const prefix = pattern.slice(0, special)
  const glob = compileGlob(pattern.slice(special), true)
  return {
    ...about,
    literal: null,
    weight: pattern.length - special,
    matches: (path) => path.startsWith(prefix) && glob(path.slice(prefix.length)),
  }
}

type Token =
  | { readonly kind: 'byte'; readonly code: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'set'; readonly codes: Uint8Array }
  /** Zero or more; `crosses`: slashes too. */
  | { readonly kind: 'star'; readonly crosses: boolean }
  /** What follows up to and with the next slash may be left out. */
  | { readonly kind: 'folders' }

const slash = 0x2f

/** `isPath`: only `**` crosses slashes. A pattern that git finds broken matches nothing. */
function compileGlob(pattern: string, isPath: boolean): (text: string) => boolean {
  let tokens: Token[] | null | undefined
  return (text) => {
    // Only when it is tried: most patterns of a long hostile file never are.
    if (tokens === undefined) tokens = tokenize(pattern, isPath)
    return tokens !== null && run(tokens, text, isPath)
  }
}

function tokenize(pattern: string, isPath: boolean): Token[] | null {
  const tokens: Token[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '\\') {
      at++
      if (at === pattern.length) return null
      tokens.push({ kind: 'byte', code: pattern.charCodeAt(at) })
    } else if (character === '?') {
      tokens.push({ kind: 'any' })
    } else if (character === '[') {
      const set = readSet(pattern, at)
      if (set === null) return null
      tokens.push({ kind: 'set', codes: set.codes })
      at = set.end
    } else if (character === '*') {
      at = readStars(pattern, at, isPath, tokens)
    } else {
      tokens.push({ kind: 'byte', code: pattern.charCodeAt(at) })
    }
  }
  return tokens
}

/** Returns the place of the last star. */
function readStars(pattern: string, start: number, isPath: boolean, tokens: Token[]): number {
  let end = start
  while (pattern[end + 1] === '*') end++
  if (!isPath) {
    tokens.push({ kind: 'star', crosses: true })
    return end
  }
  const rest = pattern.slice(end + 1)
  const standsAlone =
    (start === 0 || pattern[start - 1] === '/') && (rest === '' || rest.startsWith('/') || rest.startsWith('\\/'))
  const crosses = end > start && standsAlone
  if (crosses && rest.startsWith('/')) tokens.push({ kind: 'folders' })
  tokens.push({ kind: 'star', crosses })
  return end
}

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[\x21-\x7e]/,
  lower: /[a-z]/,
  print: /[\x20-\x7e]/,
  punct: /[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]/,
  space: /[ \t\n\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** `[...]` from its bracket on; null where git gives up: no end, or a class that it does not know. */
function readSet(pattern: string, start: number): { codes: Uint8Array; end: number } | null {
  const isNegated = pattern[start + 1] === '!' || pattern[start + 1] === '^'
  const codes = new Uint8Array(256)
  let before = 0
  const first = start + (isNegated ? 2 : 1)
  for (let at = first; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === ']' && at > first) return { codes: isNegated ? inverted(codes) : codes, end: at }
    if (character === '-' && before !== 0 && at + 1 < pattern.length && pattern[at + 1] !== ']') {
      at++
      if (pattern[at] === '\\') at++
      if (at >= pattern.length) return null
      for (let code = before; code <= pattern.charCodeAt(at); code++) codes[code] = 1
      before = 0
      continue
    }
    if (character === '[' && pattern[at + 1] === ':') {
      const close = pattern.indexOf(']', at + 2)
      if (close < 0) return null
      if (close > at + 2 && pattern[close - 1] === ':') {
        const name = pattern.slice(at + 2, close - 1)
        const known = Object.hasOwn(classes, name) ? classes[name] : undefined
        if (known === undefined) return null
        for (let code = 0; code < 128; code++) if (known.test(String.fromCharCode(code))) codes[code] = 1
        at = close
        before = 0
        continue
      }
    }
    if (character === '\\') at++
    if (at >= pattern.length) return null
    before = pattern.charCodeAt(at)
    codes[before] = 1
  }
  return null
}

function inverted(codes: Uint8Array): Uint8Array {
  return codes.map((code) => 1 - code)
}

function run(tokens: readonly Token[], text: string, isPath: boolean): boolean {
  const end = tokens.length
  let now = new Uint8Array(end + 1)
  let next = new Uint8Array(end + 1)
  enter(tokens, now, 0)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    let isAlive = false
    for (let state = 0; state < end; state++) {
      if (now[state] === 0) continue
      const token = tokens[state]
      if (token === undefined || !consumes(token, code, isPath)) continue
      isAlive = true
      enter(tokens, next, token.kind === 'star' ? state : state + 1)
    }
    if (!isAlive) return false
    now.fill(0)
    const spent = now
    now = next
    next = spent
  }
  return now[end] === 1
}

function consumes(token: Token, code: number, isPath: boolean): boolean {
  switch (token.kind) {
    case 'byte':
      return token.code === code
    case 'any':
      return !isPath || code !== slash
    case 'set':
      return token.codes[code] === 1 && (!isPath || code !== slash)
    case 'star':
      return token.crosses || code !== slash
    case 'folders':
      return false
  }
}

/** Marks a state and all that it leads to without taking a byte. */
function enter(tokens: readonly Token[], states: Uint8Array, from: number): void {
  for (let state = from; states[state] === 0; state++) {
    states[state] = 1
    const kind = tokens[state]?.kind
    // `folders`, a star, a slash: what comes behind them is reached at once.
    if (kind === 'folders') enter(tokens, states, state + 3)
    else if (kind !== 'star') return
  }
}

/** What all matches of one request may cost together, in steps: some seconds at the very worst. */
export interface TotalBudget {
  steps: number
}

export const totalBudget = (): TotalBudget => ({ steps: 400_000_000 })

/**
 * Matches one path within bounds: at most some ten milliseconds, and what is left of the total. Real files stay far below; of a hostile
 * one, what comes after counts as not matching.
 */
export function matchBudget(path: string, total: TotalBudget): (pattern: PathPattern) => boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  let steps = 1_000_000
  return (pattern) => {
    const cost = 1 + pattern.weight * path.length
    steps -= cost
    total.steps -= cost
    return steps >= 0 && total.steps >= 0 && pattern.matches(path, name)
  }
}
