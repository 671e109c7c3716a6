/** Every row of every table as files of lines, from one view of the database. Rows are streamed: a table of any length costs little memory. */
import path from 'node:path'
import { CompiledQuery, type Kysely } from 'kysely'
import type { DialectName } from '../db/kysely-handle.ts'
import type { Schema } from '../db/schema.ts'
import { describeTables, readMigrations, type TableShape } from '../db/tables.ts'
import { syncFolder } from '../git/durable.ts'
import { type FileFacts, writeLines } from './line-file.ts'
import { tableFile } from './manifest.ts'
import type { Progress } from './progress.ts'
import { formatRow } from './table-rows.ts'

export interface Dump {
  readonly migrations: readonly string[]
  readonly tables: Readonly<Record<string, { readonly columns: string[]; readonly rows: number }>>
  readonly files: Readonly<Record<string, FileFacts>>
}

/** Called with each row as it is written. */
export type SeeRow = (table: string, row: Readonly<Record<string, unknown>>) => void

const rowsAtOnce = 200
/** A row with bytes may be some hundred KiB long. */
const rowsWithBytesAtOnce = 25

export async function dumpTables(
  view: Kysely<Schema>,
  dialect: DialectName,
  folder: string,
  see: SeeRow,
  progress: Progress,
): Promise<Dump> {
  const tables: Record<string, { columns: string[]; rows: number }> = {}
  const files: Record<string, FileFacts> = {}
  const counter = progress.begin('rows')
  for (const table of await describeTables(view, dialect)) {
    const columns = table.columns.map((column) => column.name)
    let rows = 0
    const lines = async function* (): AsyncGenerator<string> {
      for await (const row of streamTable(view, table)) {
        see(table.name, row)
        rows++
        counter.add(1, 0)
        yield formatRow(columns, row)
      }
    }
    const name = tableFile(table.name)
    files[name] = await writeLines(path.join(folder, name), lines())
    tables[table.name] = { columns, rows }
  }
  counter.end()
  await syncFolder(path.join(folder, 'tables'))
  return { migrations: await readMigrations(view, dialect), tables, files }
}

async function* streamTable(
  view: Kysely<Schema>,
  table: TableShape,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const columns = table.columns.map((column) => quoted(column.name)).join(', ')
  const text = `select ${columns} from ${quoted(table.name)} order by ${table.key.map(quoted).join(', ')}`
  const hasBytes = table.columns.some((column) => column.kind === 'bytes')
  const query = CompiledQuery.raw(text)
  const chunks = view.getExecutor().stream<Record<string, unknown>>(query, hasBytes ? rowsWithBytesAtOnce : rowsAtOnce)
  for await (const { rows } of chunks) yield* rows
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
