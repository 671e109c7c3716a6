/**
 * An organization's own list of what pickles may import: lines like those of a .gitignore. `module.name` admits one name, `module.*` everything below a module,
 * at any depth, `*` everything; a `!` before a line takes that out again; the last line that fits counts. `#` begins a comment. A name that leads
 * through something other than a class (`torch.hub.load` in a module of one's own that imports torch) belongs to another module: a star does not
 * admit it, only a line that spells it out.
 */

/** What happens to pickles that import what neither Holdfast's lists nor the organization's list names. */
export const admissionPolicies = ['off', 'flag', 'refuse'] as const
export type AdmissionPolicy = (typeof admissionPolicies)[number]

/** Characters, and lines that are no comment. */
export const longestImportList = 32_768
export const mostListLines = 2_000
const longestName = 400

export interface ImportList {
  admits(module: string, name: string): boolean
}

interface Line {
  /** Where it stands, from 1. */
  readonly number: number
  readonly isNegative: boolean
  /** Without the star. */
  readonly name: string
  readonly isPrefix: boolean
}

/** By the custom of Python: neither a module nor a function. */
const isClassName = (part: string): boolean => /^_?\p{Lu}/u.test(part)

const part = '[\\p{ID_Start}_][\\p{ID_Continue}]*'
const wellFormed = new RegExp(`^(?:\\*|${part}(?:\\.${part})*(?:\\.\\*)?)$`, 'u')

/** What is wrong with a text that is to be such a list, for people; null where nothing is. */
export function importListFault(text: string): string | null {
  if (text.length > longestImportList)
    return `An allow-list has at most ${longestImportList.toLocaleString('en')} characters.`
  const lines = linesOf(text)
  if (lines.length > mostListLines) return `An allow-list has at most ${mostListLines.toLocaleString('en')} lines.`
  const bad = lines.find(({ pattern }) => !wellFormed.test(pattern) || pattern.length > longestName)
  if (bad === undefined) return null
  return `Line ${bad.number} is neither module.name nor module.*: ${bad.pattern.slice(0, 80)}`
}

/** Lines that are not well-formed admit nothing. */
export function parseImportList(text: string): ImportList {
  const exact = new Map<string, Line>()
  const prefixes = new Map<string, Line>()
  for (const { number, pattern, isNegative } of linesOf(text.slice(0, longestImportList))) {
    if (!wellFormed.test(pattern)) continue
    const isPrefix = pattern.endsWith('*')
    const name = isPrefix ? pattern.slice(0, -1) : pattern
    ;(isPrefix ? prefixes : exact).set(name, { number, isNegative, name, isPrefix })
  }
  return {
    admits(module, name) {
      const full = `${module}.${name}`
      const isOwn = name.split('.').slice(0, -1).every(isClassName)
      let last = exact.get(full)
      for (let end = 0; ; ) {
        const line = prefixes.get(full.slice(0, end))
        const counts = line !== undefined && (isOwn || line.isNegative)
        if (counts && line.number > (last?.number ?? 0)) last = line
        const dot = full.indexOf('.', end)
        if (dot < 0) break
        end = dot + 1
      }
      return last !== undefined && !last.isNegative
    },
  }
}

/** The patterns of a list as they stand in it, for what was added and what was taken away. */
export function patternsOf(text: string): string[] {
  return linesOf(text).map(({ pattern, isNegative }) => (isNegative ? `!${pattern}` : pattern))
}

function linesOf(text: string): { number: number; pattern: string; isNegative: boolean }[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.replace(/#.*$/s, '').trim()
    if (line === '') return []
    const isNegative = line.startsWith('!')
    return [{ number: index + 1, pattern: isNegative ? line.slice(1).trim() : line, isNegative }]
  })
}
