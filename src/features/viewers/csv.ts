/** CSV and TSV as a table: RFC 4180 as spreadsheets write it, with quotes, line breaks in cells and rows of unequal length. */
import { type Cell, rowHtml } from './escape.ts'
import { limits } from './limits.ts'
import type { ShownTable, Source } from './shown.ts'
import { readText } from './text.ts'

/** Read first; most pages need no more. */
const firstRead = 512 << 10

export async function csvTable(source: Source, from: number, separator: '\t' | null): Promise<ShownTable> {
  for (let most = firstRead; ; most *= 4) {
    const { text, isCut, notes } = await readText(source, Math.min(most, limits.rowsRead))
    const mark = separator ?? separatorOf(text)
    // The head, the rows before, those that are shown, and one more to know whether there is one.
    const wanted = from + limits.rowsAtOnce + 2
    const { rows, isOpen } = parseCsv(text, mark, wanted)
    const isWhole = !isCut || rows.length > wanted - 1
    if (!isWhole && most < limits.rowsRead) continue
    // The last row that was read may be half a row.
    if (isCut && rows.length < wanted && rows.length > 1) rows.pop()
    if (isOpen && !isCut) notes.push('A quote is not closed, so the rest of the file stands in one cell.')
    if (isCut && rows.length < wanted) notes.push(endNote)
    return table(rows, from, isCut, notes)
  }
}

export const endNote = `Rows beyond the first ${limits.rowsRead >> 20} MiB of the file are not shown.`

function table(rows: readonly (readonly string[])[], from: number, isCut: boolean, notes: string[]): ShownTable {
  const [head = [], ...all] = rows
  const shown = all.slice(from, from + limits.rowsAtOnce)
  const lengths = shown.map((row) => row.length)
  const widest = Math.max(head.length, ...lengths)
  if (lengths.some((length) => length !== head.length)) {
    const least = Math.min(...lengths)
    const most = Math.max(...lengths)
    const words = least === most ? `${most}` : `between ${least} and ${most}`
    notes.push(`The first line has ${head.length} cells, these rows have ${words}.`)
  }
  const width = Math.min(widest, limits.columns)
  if (widest > width) notes.push(`${widest - width} more columns are not shown.`)
  const columns = Array.from({ length: width }, (_, index) => ({
    name: (head[index] ?? '').trim().slice(0, 100) || `column ${index + 1}`,
    type: null,
  }))
  const bodyHtml = shown
    .map((row, index) =>
      rowHtml(
        from + index + 1,
        columns.map((_, column): Cell => {
          const text = row[column]
          if (text === undefined) return { text: '', look: 'none' }
          return { text, look: /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? 'number' : 'text' }
        }),
      ),
    )
    .join('')
  const hasMore = all.length > from + shown.length && shown.length > 0
  const total = isCut || hasMore ? null : all.length
  const next = hasMore ? from + shown.length : null
  return { kind: 'table', columns, bodyHtml, rows: shown.length, from, next, total, notes }
}

/** What stands most often in the first line, outside of quotes. */
export function separatorOf(text: string): string {
  const [line = ''] = /^[^\r\n]{0,10000}/.exec(text) ?? []
  const bare = line.replace(/"[^"]*"/g, '')
  const counted = [',', ';', '\t', '|'].map((sign) => ({ sign, count: bare.split(sign).length }))
  return counted.reduce((best, one) => (one.count > best.count ? one : best)).sign
}

/** Up to `wanted` rows. Empty lines are none. `isOpen`: the text ends inside quotes. */
export function parseCsv(text: string, separator: string, wanted: number): { rows: string[][]; isOpen: boolean } {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  let isOpen = false
  while (at < text.length && rows.length < wanted) {
    let cell: string
    if (text[at] === '"') {
      let end = at + 1
      for (;;) {
        end = text.indexOf('"', end)
        if (end === -1 || text[end + 1] !== '"') break
        end += 2
      }
      isOpen = end === -1
      cell = text.slice(at + 1, isOpen ? text.length : end).replaceAll('""', '"')
      at = isOpen ? text.length : end + 1
      // What stands behind a closing quote belongs to the cell, as spreadsheets read it.
      const rest = endOfCell(text, at, separator)
      cell += text.slice(at, rest)
      at = rest
    } else {
      const end = endOfCell(text, at, separator)
      cell = text.slice(at, end)
      at = end
    }
    // A row of a million cells is told by its length; their texts are not kept.
    row.push(row.length < limits.columns ? cell : '')
    if (text[at] === separator) {
      at++
      if (at < text.length) continue
      row.push('')
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++
    at++
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  if (row.length > 0 && rows.length < wanted) rows.push(row)
  return { rows, isOpen }
}

function endOfCell(text: string, from: number, separator: string): number {
  let at = from
  for (; at < text.length; at++) {
    const sign = text[at]
    if (sign === separator || sign === '\n' || sign === '\r') break
  }
  return at
}
