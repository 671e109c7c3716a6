/**
 * Which lines two texts share: Myers' shortest edit script over what is left between the common beginning and the common end. Its cost is
 * bounded; texts that differ more than that count as different from the first to the last line in between.
 */
import type { DiffHunk, DiffLine } from '../../web/diff-view.tsx'

/** Lines of one text that stand in the other unchanged and at the same place of their order. */
export interface Match {
  readonly old: number
  readonly now: number
  readonly count: number
}

/** Insertions and deletions that are looked for: the square of it is what it costs. */
const mostEdits = 1_500
const contextLines = 3
/** Characters of one line that are shown. */
const longestLine = 1_000

/** The lines of a text without their ends; a text that ends in a line break has no empty line after it. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** In order, without gaps inside. */
export function matchLines(old: readonly string[], now: readonly string[]): Match[] {
  const least = Math.min(old.length, now.length)
  let start = 0
  while (start < least && old[start] === now[start]) start++
  let end = 0
  while (end < least - start && old.at(-1 - end) === now.at(-1 - end)) end++
  const middle = middleMatches(old.slice(start, old.length - end), now.slice(start, now.length - end))
  const matches: Match[] = []
  const add = (match: Match): void => {
    const last = matches.at(-1)
    if (match.count === 0) return
    if (last !== undefined && last.old + last.count === match.old && last.now + last.count === match.now) {
      matches[matches.length - 1] = { ...last, count: last.count + match.count }
    } else matches.push(match)
  }
  add({ old: 0, now: 0, count: start })
  for (const match of middle) add({ ...match, old: match.old + start, now: match.now + start })
  add({ old: old.length - end, now: now.length - end, count: end })
  return matches
}

function middleMatches(old: readonly string[], now: readonly string[]): Match[] {
  if (old.length === 0 || now.length === 0) return []
  const most = Math.min(old.length + now.length, mostEdits)
  // For each number of edits, the furthest place in `old` on each diagonal.
  const furthest = new Int32Array(2 * most + 3)
  const steps: Int32Array[] = []
  for (let edits = 0; edits <= most; edits++) {
    steps.push(furthest.slice(most - edits, most + edits + 3))
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const at = diagonal + most + 1
      const down = furthest[at + 1] ?? 0
      const right = (furthest[at - 1] ?? 0) + 1
      let x = diagonal === -edits || (diagonal !== edits && right - 1 < down) ? down : right
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++
      furthest[at] = x
      if (x >= old.length && x - diagonal >= now.length) return walkBack(steps, old.length, now.length)
    }
  }
  return []
}

/** `steps[n]` holds the furthest places before the n-th edit, of the diagonals from -n-1 to n+1. */
function walkBack(steps: readonly Int32Array[], oldLength: number, nowLength: number): Match[] {
  const matches: Match[] = []
  let x = oldLength
  let y = nowLength
  for (let edits = steps.length - 1; edits >= 0; edits--) {
    const places = steps[edits] ?? new Int32Array()
    const placeOn = (diagonal: number): number => places[diagonal + edits + 1] ?? 0
    const diagonal = x - y
    const isDown = diagonal === -edits || (diagonal !== edits && placeOn(diagonal - 1) < placeOn(diagonal + 1))
    const before = edits === 0 ? 0 : isDown ? diagonal + 1 : diagonal - 1
    const fromX = edits === 0 ? 0 : placeOn(before)
    const fromY = edits === 0 ? 0 : fromX - before
    const startX = edits === 0 ? 0 : isDown ? fromX : fromX + 1
    const startY = edits === 0 ? 0 : isDown ? fromY + 1 : fromY
    if (x > startX) matches.unshift({ old: startX, now: startY, count: x - startX })
    x = fromX
    y = fromY
  }
  return matches
}

export interface TextChange {
  readonly hunks: readonly DiffHunk[]
  readonly linesAdded: number
  readonly linesRemoved: number
  /** Lines are missing at its end. */
  readonly isCut: boolean
}

/** The change for a page, of at most `mostLines` lines. Null on one side: there is no file there. */
export function textChange(old: string | null, now: string | null, mostLines: number): TextChange {
  const [before, after] = [linesOf(old ?? ''), linesOf(now ?? '')]
  const all = changedLines(before, after, matchLines(before, after))
  noteFinalBreak(all, old, now)
  const hunks: DiffHunk[] = []
  let shown = 0
  let at = 0
  while (at < all.length && shown < mostLines) {
    let first = at
    while (all[first]?.kind === 'same') first++
    if (first >= all.length) break
    const from = Math.max(at, first - contextLines)
    let to = first
    for (let index = first; index < all.length && index <= to + 2 * contextLines; index++) {
      if (all[index]?.kind !== 'same') to = index
    }
    const end = Math.min(all.length, to + contextLines + 1, from + mostLines - shown)
    const lines = all.slice(from, end)
    hunks.push({ header: headerOf(lines), lines })
    shown += lines.length
    at = end
  }
  const isCut = all.slice(at).some((line) => line.kind !== 'same')
  const count = (kind: DiffLine['kind']): number => all.filter((line) => line.kind === kind).length
  return { hunks, linesAdded: count('added'), linesRemoved: count('removed'), isCut }
}

function changedLines(old: readonly string[], now: readonly string[], matches: readonly Match[]): DiffLine[] {
  const lines: DiffLine[] = []
  let x = 0
  let y = 0
  const end = { old: old.length, now: now.length, count: 0 }
  for (const match of [...matches, end]) {
    for (; x < match.old; x++) lines.push({ kind: 'removed', oldNumber: x + 1, newNumber: null, text: shown(old[x]) })
    for (; y < match.now; y++) lines.push({ kind: 'added', oldNumber: null, newNumber: y + 1, text: shown(now[y]) })
    for (let index = 0; index < match.count; index++, x++, y++)
      lines.push({ kind: 'same', oldNumber: x + 1, newNumber: y + 1, text: shown(old[x]) })
  }
  return lines
}

/** A last line that differs by its line break alone is a change too, and looks like one. */
function noteFinalBreak(lines: DiffLine[], old: string | null, now: string | null): void {
  const last = lines.at(-1)
  if (old === null || now === null || last?.kind !== 'same' || endsInBreak(old) === endsInBreak(now)) return
  const word = (text: string) => (endsInBreak(text) ? last.text : `${last.text} (no line break at the end)`)
  lines.pop()
  lines.push({ ...last, kind: 'removed', newNumber: null, text: word(old) })
  lines.push({ ...last, kind: 'added', oldNumber: null, text: word(now) })
}

function endsInBreak(text: string): boolean {
  return /[\r\n]$/.test(text)
}

function headerOf(lines: readonly DiffLine[]): string {
  const range = (side: 'oldNumber' | 'newNumber'): string => {
    const numbers = lines.flatMap((line) => line[side] ?? [])
    return `${numbers[0] ?? 0},${numbers.length}`
  }
  return `@@ -${range('oldNumber')} +${range('newNumber')} @@`
}

function shown(line: string | undefined): string {
  const text = line ?? ''
  return text.length <= longestLine ? text : `${text.slice(0, longestLine)}…`
}
