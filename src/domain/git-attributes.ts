/**
 * What .gitattributes says of a path: gitattributes(5) with macros, quoted patterns and files in subfolders, so that the hub and a clone
 * agree on what is a large file. Bounded in size and in work, since anybody can commit such a file.
 */
import { gitBytes, matchBudget, type PathPattern, parsePathPattern, type TotalBudget, totalBudget } from './git-glob.ts'

/** `true` set, `false` unset, a string for a value, null unspecified. */
export type AttributeValue = string | boolean | null

export interface GitAttributes {
  /**
   * Takes lines in, folder by folder from the root down and each in order. A thousand lines take about a millisecond; whoever has more
   * gives others a turn in between. `folder` has no slash at its end and is empty for the root.
   */
  add(folder: string, lines: readonly string[]): void
  /** The value of `filter` for a file. */
  filterOf(path: string): AttributeValue
}

/** What is read of one file. */
export const attributesFileLimit = 4 << 20
/** Git ignores longer lines as well. */
const lineLimit = 2048
/** Patterns with special characters; those after them do not count. */
const globLimit = 2000

interface State {
  readonly name: string
  readonly value: AttributeValue
}

interface Rule {
  readonly pattern: PathPattern
  readonly states: readonly State[]
  readonly folder: string
  /** What comes later wins. */
  readonly order: number
}

interface RuleIndex {
  readonly macros: Map<string, readonly State[]>
  /** Rules without special characters by folder and path, or by folder, NUL and name. */
  readonly literals: Map<string, Rule[]>
  readonly globs: Rule[]
  readonly folders: Set<string>
  readonly budget: TotalBudget
}

export function gitAttributes(): GitAttributes {
  const index: RuleIndex = {
    macros: new Map(),
    literals: new Map(),
    globs: [],
    folders: new Set(),
    budget: totalBudget(),
  }
  let order = 0
  return {
    add(folder, lines) {
      const prefix = folder === '' ? '' : `${gitBytes(folder)}/`
      index.folders.add(prefix)
      for (const line of lines) {
        const parsed = parseLine(line)
        if (parsed === null) continue
        if ('macro' in parsed) {
          // Only the file at the root may define macros.
          if (folder === '') index.macros.set(parsed.macro, parsed.states)
        } else keep(index, { ...parsed, folder: prefix, order: order++ })
      }
    },
    filterOf: (path) => filterOf(index, gitBytes(path)),
  }
}

/** Splits a file, without the byte order mark that git skips too. */
export function attributeLines(text: string): string[] {
  return text
    .slice(0, attributesFileLimit)
    .replace(/^\ufeff/, '')
    .split('\n')
}

/** A repo with 25,000 large files may name each of them in a line: those lines are looked up, not tried. */
function keep(index: RuleIndex, rule: Rule): void {
  const { literal, isForNames } = rule.pattern
  if (literal === null) {
    if (index.globs.length < globLimit) index.globs.push(rule)
    return
  }
  const key = `${rule.folder}${isForNames ? '\0' : ''}${literal}`
  const same = index.literals.get(key)
  if (same === undefined) index.literals.set(key, [rule])
  else same.push(rule)
}

function filterOf(index: RuleIndex, path: string): AttributeValue {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const matching: Rule[] = []
  for (const folder of index.folders) {
    if (!path.startsWith(folder)) continue
    matching.push(...(index.literals.get(`${folder}\0${name}`) ?? []))
    matching.push(...(index.literals.get(path) ?? []).filter((rule) => rule.folder === folder))
  }
  const matches = new Map<string, (pattern: PathPattern) => boolean>()
  for (const rule of index.globs) {
    if (!path.startsWith(rule.folder)) continue
    const test = matches.get(rule.folder) ?? matchBudget(path.slice(rule.folder.length), index.budget)
    matches.set(rule.folder, test)
    if (test(rule.pattern)) matching.push(rule)
  }
  matching.sort((a, b) => b.order - a.order)
  const values = new Map<string, AttributeValue>()
  for (const rule of matching) {
    fill(values, index.macros, rule.states)
    const value = values.get('filter')
    if (value !== undefined) return value
  }
  return null
}

/** The last word on an attribute counts: lines are gone through backwards, and what is known stays. */
function fill(
  values: Map<string, AttributeValue>,
  macros: ReadonlyMap<string, readonly State[]>,
  states: readonly State[],
): void {
  for (const { name, value } of states.toReversed()) {
    if (values.has(name)) continue
    values.set(name, value)
    const macro = value === true ? macros.get(name) : undefined
    if (macro !== undefined) fill(values, macros, macro)
  }
}

type ParsedLine =
  | { readonly pattern: PathPattern; readonly states: readonly State[] }
  | { readonly macro: string; readonly states: readonly State[] }

function parseLine(raw: string): ParsedLine | null {
  const line = gitBytes(raw).replace(/^[ \t\r\n]+/, '')
  if (line === '' || line.startsWith('#') || line.includes('\0') || gitBytes(raw).length >= lineLimit) return null
  const quoted = line.startsWith('"') ? unquote(line) : null
  const bare = /^[^ \t\r\n]+/.exec(line)?.[0] ?? ''
  const name = quoted?.text ?? bare
  const rest = quoted === null ? line.slice(bare.length) : quoted.rest
  if (name.startsWith('[attr]') && name.length > '[attr]'.length) {
    const macro = name.slice('[attr]'.length).trim()
    const states = parseStates(rest)
    return states === null || !isAttributeName(macro) ? null : { macro, states }
  }
  const states = parseStates(rest)
  if (states === null) return null
  const pattern = parsePathPattern(name)
  // A folder has no attributes, and "not these" has no meaning here.
  return pattern.isNegative || pattern.isForFolders ? null : { pattern, states }
}

/** Null where one name is not valid: git then ignores the line. */
function parseStates(text: string): State[] | null {
  const states: State[] = []
  for (const word of text.split(/[ \t\r\n]+/)) {
    if (word === '') continue
    const sign = word.startsWith('-') ? false : word.startsWith('!') ? null : true
    const signless = sign === true ? word : word.slice(1)
    const equals = signless.indexOf('=')
    const name = equals < 0 ? signless : signless.slice(0, equals)
    if (!isAttributeName(name)) return null
    states.push({ name, value: sign === true && equals >= 0 ? signless.slice(equals + 1) : sign })
  }
  return states
}

function isAttributeName(name: string): boolean {
  return /^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(name)
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/** A C string as git writes it; null where it does not end. */
function unquote(line: string): { text: string; rest: string } | null {
  let text = ''
  for (let at = 1; at < line.length; at++) {
    const character = line[at]
    if (character === '"') return { text, rest: line.slice(at + 1) }
    if (character !== '\\') {
      text += character
      continue
    }
    const octal = /^[0-3][0-7]{2}/.exec(line.slice(at + 1, at + 4))?.[0]
    const simple = escapes[line[at + 1] ?? '']
    if (octal === undefined && simple === undefined) return null
    text += octal === undefined ? simple : String.fromCharCode(Number.parseInt(octal, 8))
    at += octal?.length ?? 1
  }
  return null
}

/** The line that makes exactly this file a large file. */
export function trackingLine(path: string): string {
  // A leading slash binds the pattern to the root; without one a name would match in every folder.
  const pattern = gitBytes(path).replace(/[\\*?[]/g, '\\$&')
  const quoted = /[\s"\x7f-\xff]/.test(pattern) || /^[#!]/.test(pattern)
  const anchored = `/${pattern}`
  return `${quoted ? quote(anchored) : anchored} filter=lfs diff=lfs merge=lfs -text`
}

function quote(text: string): string {
  const escaped = text.replace(/[\\"\x00-\x1f\x7f-\xff]/g, (character) =>
    character === '\\' || character === '"'
      ? `\\${character}`
      : `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return `"${escaped}"`
}
