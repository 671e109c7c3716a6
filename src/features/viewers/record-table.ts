/** Records (JSON objects) as a table whose columns are the keys that these rows have, in the order in which they come. */
import { cellOf } from './cells.ts'
import { brokenRowHtml, type Cell, rowHtml } from './escape.ts'
import { limits } from './limits.ts'
import type { ShownTable } from './shown.ts'

export type Row = { readonly value: unknown } | { readonly broken: string }

type Place = Pick<ShownTable, 'from' | 'next' | 'total'>

export function recordTable(rows: readonly Row[], place: Place, notes: string[]): ShownTable {
  const names = new Map<string, number>()
  let hasOthers = false
  for (const row of rows) {
    if ('broken' in row) continue
    if (!isRecord(row.value)) hasOthers = true
    else for (const key of Object.keys(row.value)) if (!names.has(key)) names.set(key, names.size)
  }
  const keys = [...names.keys()].slice(0, limits.columns)
  if (names.size > keys.length) notes.push(`${names.size - keys.length} more columns are not shown.`)
  const columns = [...keys, ...(hasOthers ? ['value'] : [])].map((name) => ({ name: name.slice(0, 100), type: null }))
  const bodyHtml = rows
    .map((row, index) => {
      const number = place.from + index + 1
      if ('broken' in row) return brokenRowHtml(number, columns.length, row.broken)
      const record = isRecord(row.value) ? row.value : null
      const cells: Cell[] = keys.map((key) =>
        record !== null && Object.hasOwn(record, key) ? cellOf(record[key]) : cellOf(undefined),
      )
      if (hasOthers) cells.push(record === null ? cellOf(row.value) : cellOf(undefined))
      return rowHtml(number, cells)
    })
    .join('')
  return { kind: 'table', columns, bodyHtml, rows: rows.length, ...place, notes }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
