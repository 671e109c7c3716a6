/**
 * Rows as lines: one JSON list of values per row, in the order of the columns that the manifest names. Bytes are `{"base64": "..."}`, which
 * no other value looks like. The same form on both dialects, so that what one dumped the other loads.
 */
import path from 'node:path'
import type { SnapshotRows } from './backup-folder.ts'
import { BackupError } from './errors.ts'
import { readLines } from './line-file.ts'
import { tableFile } from './manifest.ts'

export type Value = string | number | null | Uint8Array
export type Row = Readonly<Record<string, Value>>

export function formatRow(columns: readonly string[], row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(columns.map((column) => formatValue(column, row[column])))
}

/** The rows of a table; none where the snapshot has no such table. */
export async function* readRows(snapshot: SnapshotRows, table: string): AsyncGenerator<Row> {
  const columns = snapshot.manifest.tables[table]?.columns
  if (columns === undefined) return
  for await (const values of readValues(snapshot, table)) {
    yield Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]))
  }
}

/** The same, as the lists that they are stored as. Throws `BackupError` that names the line. */
export async function* readValues(snapshot: SnapshotRows, table: string): AsyncGenerator<Value[]> {
  const width = snapshot.manifest.tables[table]?.columns.length
  let line = 0
  for await (const text of readLines(path.join(snapshot.folder, tableFile(table)))) {
    line++
    const values = parseRow(text)
    if (values === null || values.length !== width) {
      throw new BackupError(`${tableFile(table)}: line ${line} is not a row of ${width} values.`)
    }
    yield values
  }
}

function formatValue(column: string, value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (value instanceof Uint8Array) {
    return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  }
  throw new BackupError(`The column ${column} holds a value that no dump knows (${typeof value}).`)
}

function parseRow(text: string): Value[] | null {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(list)) return null
  const values: Value[] = []
  for (const given of list as unknown[]) {
    if (given === null || typeof given === 'string' || typeof given === 'number') values.push(given)
    else if (isMarkedBytes(given)) values.push(Buffer.from(given.base64, 'base64'))
    else return null
  }
  return values
}

function isMarkedBytes(value: unknown): value is { base64: string } {
  return typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string'
}
