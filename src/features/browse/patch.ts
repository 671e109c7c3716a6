/**
 * Reads git's patch text for a page. Pure and bounded: what does not fit is marked as cut. A line of content always has a sign before it, so
 * no content can pass for the head of a file.
 */
import type { DiffHunk, DiffLine } from '../../web/diff-view.tsx'

export interface PatchSection {
  readonly isBinary: boolean
  readonly hunks: DiffHunk[]
  /** Lines are missing at its end. */
  readonly isCut: boolean
}

/** Characters of one line that are shown. */
const longestLine = 1_000

/** One section for each `diff --git`, in order. `isCut`: the text ends early, perhaps inside a line. Lines over all are at most `mostLines`. */
export function parsePatch(text: string, isCut: boolean, mostLines: number): PatchSection[] {
  const lines = text.split('\n')
  if (isCut || lines.at(-1) === '') lines.pop()
  const sections: Building[] = []
  let left = mostLines
  for (const line of lines) {
    const section = sections.at(-1)
    if (line.startsWith('diff --git ')) sections.push({ isBinary: false, hunks: [], isCut: false, old: 0, now: 0 })
    else if (section !== undefined && !section.isCut) left -= readLine(section, line, left)
  }
  const last = sections.at(-1)
  if (isCut && last !== undefined) last.isCut = true
  return sections
}

interface Building {
  isBinary: boolean
  hunks: { header: string; lines: DiffLine[] }[]
  isCut: boolean
  old: number
  now: number
}

const signs: Readonly<Record<string, DiffLine['kind']>> = { ' ': 'same', '+': 'added', '-': 'removed' }

/** How many lines of the page it takes. */
function readLine(section: Building, line: string, left: number): 0 | 1 {
  const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line)
  const hunk = section.hunks.at(-1)
  if (header !== null) {
    if (left <= 0) section.isCut = true
    else section.hunks.push({ header: shortened(line), lines: [] })
    section.old = Number(header[1])
    section.now = Number(header[2])
    return 0
  }
  if (hunk === undefined) {
    if (line.startsWith('Binary files ')) section.isBinary = true
    return 0
  }
  const kind = signs[line.charAt(0)]
  if (kind === undefined) return 0
  if (left <= 0) {
    section.isCut = true
    return 0
  }
  hunk.lines.push({
    kind,
    oldNumber: kind === 'added' ? null : section.old++,
    newNumber: kind === 'removed' ? null : section.now++,
    text: shortened(line.slice(1)),
  })
  return 1
}

function shortened(line: string): string {
  return line.length <= longestLine ? line : `${line.slice(0, longestLine)}…`
}
