/**
 * A form sends every line break as CR LF, whatever it was in the file. Lines that stayed keep the break that they had, and new ones take
 * the one that the file uses most, so that a change of one word is a change of one line.
 */
import { linesOf, matchLines } from './line-diff.ts'

const breaks = /\r\n|\n|\r/g

/** `sent` as it came out of the form; `before`: the file that it was made from, null for a new one. */
export function withLineEnds(sent: string, before: string | null): string {
  const plain = sent.replace(breaks, '\n')
  const usual = usualBreak(before ?? '')
  const ends = before?.match(breaks) ?? []
  if (before === null || ends.every((end) => end === usual))
    return usual === '\n' ? plain : plain.replaceAll('\n', usual)
  const now = linesOf(plain)
  const kept = now.map(() => usual)
  for (const match of matchLines(linesOf(before), now)) {
    for (let index = 0; index < match.count; index++) kept[match.now + index] = ends[match.old + index] ?? usual
  }
  const isEnded = plain.endsWith('\n')
  return now
    .map((line, index) => (index === now.length - 1 && !isEnded ? line : line + (kept[index] ?? usual)))
    .join('')
}

/** LF where there is none. */
function usualBreak(text: string): string {
  const counts = new Map<string, number>()
  for (const [end] of text.matchAll(breaks)) counts.set(end, (counts.get(end) ?? 0) + 1)
  let [usual, most] = ['\n', 0]
  for (const [end, count] of counts) if (count > most) [usual, most] = [end, count]
  return usual
}
