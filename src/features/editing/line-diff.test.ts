import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linesOf, matchLines, textChange } from './line-diff.ts'
import { withLineEnds } from './line-ends.ts'

const fewLines = fc.array(fc.constantFrom('a', 'b', 'c', '', 'd'), { maxLength: 14 })

/** The longest common subsequence, the slow and sure way. */
function longestCommon(old: readonly string[], now: readonly string[]): number {
  const table = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0))
  for (let x = 1; x <= old.length; x++)
    for (let y = 1; y <= now.length; y++)
      (table[x] as number[])[y] =
        old[x - 1] === now[y - 1]
          ? (table[x - 1]?.[y - 1] ?? 0) + 1
          : Math.max(table[x - 1]?.[y] ?? 0, table[x]?.[y - 1] ?? 0)
  return table[old.length]?.[now.length] ?? 0
}

describe('which lines two texts share', () => {
  test('as many as there can be, each once, in order, and the same in both', () => {
    fc.assert(
      fc.property(fewLines, fewLines, (old, now) => {
        let [x, y, count] = [0, 0, 0]
        for (const match of matchLines(old, now)) {
          expect(match.old).toBeGreaterThanOrEqual(x)
          expect(match.now).toBeGreaterThanOrEqual(y)
          expect(now.slice(match.now, match.now + match.count)).toEqual(old.slice(match.old, match.old + match.count))
          ;[x, y, count] = [match.old + match.count, match.now + match.count, count + match.count]
        }
        expect(count).toBe(longestCommon(old, now))
      }),
    )
  })

  test('what a page shows leads from the one text to the other', () => {
    fc.assert(
      fc.property(fewLines, fewLines, (old, now) => {
        const { hunks, linesAdded, linesRemoved } = textChange(old.join('\n'), now.join('\n'), 1_000)
        const lines = hunks.flatMap((hunk) => hunk.lines)
        expect(lines.filter(({ kind }) => kind === 'added').length).toBe(linesAdded)
        expect(lines.filter(({ kind }) => kind === 'removed').length).toBe(linesRemoved)
        for (const line of lines) {
          if (line.oldNumber !== null && !line.text.includes('(no'))
            expect(linesOf(old.join('\n'))[line.oldNumber - 1]).toBe(line.text)
          if (line.newNumber !== null && !line.text.includes('(no'))
            expect(linesOf(now.join('\n'))[line.newNumber - 1]).toBe(line.text)
        }
      }),
    )
  })

  /* Somebody sends two texts of a hundred thousand different lines each, to keep the hub busy comparing them. */
  test('texts that share nothing cost no more than is allowed for', () => {
    const text = (word: string) => Array.from({ length: 100_000 }, (_, index) => `${word} ${index}`).join('\n')
    const startedAt = performance.now()
    const change = textChange(text('old'), text('new'), 1_000)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(change.isCut).toBe(true)
    expect(change.hunks.flatMap(({ lines }) => lines).length).toBe(1_000)
  })

  test('a line break at the end that comes or goes is a change', () => {
    expect(textChange('a\nb\n', 'a\nb', 100)).toMatchObject({ linesAdded: 1, linesRemoved: 1 })
    expect(textChange('a\nb\n', 'a\nb\n', 100)).toEqual({ hunks: [], linesAdded: 0, linesRemoved: 0, isCut: false })
  })
})

describe('line breaks that went through a form', () => {
  const form = (text: string): string => text.replace(/\r\n|\n|\r/g, '\r\n')

  test('a text that nobody changed comes out as it went in, whatever its breaks', () => {
    const piece = fc.constantFrom('a', 'b', '\n', '\r\n', '\r', ' ')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('')
        expect(withLineEnds(form(text), text)).toBe(text)
      }),
    )
  })

  test('new lines take the break of the file, LF in a new one', () => {
    expect(withLineEnds('a\r\nnew\r\nb\r\n', 'a\r\nb\r\n')).toBe('a\r\nnew\r\nb\r\n')
    expect(withLineEnds('a\r\nnew\r\nb\r\n', 'a\nb\n')).toBe('a\nnew\nb\n')
    expect(withLineEnds('a\r\nnew\r\nb', 'a\nb\r\nc\n')).toBe('a\nnew\nb')
    expect(withLineEnds('a\r\nb\r\n', null)).toBe('a\nb\n')
  })
})
