/**
 * Rows from the files of a snapshot into a database that has the same tables and no rows, in one transaction: afterwards all are there, or
 * none. Names in a snapshot reach a statement only where the database itself has a table and a column of that name.
 */
import { CompiledQuery } from 'kysely'
import type { Db, Tx } from '../db/database.ts'
import type { DialectName } from '../db/kysely-handle.ts'
import { describeTables, type TableShape } from '../db/tables.ts'
import type { Snapshot } from './backup-folder.ts'
import { quoted } from './dump-tables.ts'
import { BackupError } from './errors.ts'
import { tableFile } from './manifest.ts'
import type { Progress } from './progress.ts'
import { readValues, type Value } from './table-rows.ts'

export interface Loaded {
  readonly rows: number
  /** Texts that PostgreSQL cannot hold as they were: it knows no NUL. */
  readonly changedTexts: number
}

/** setTimeout's largest delay: a load takes what it takes. */
const timeLimitMs = 2 ** 31 - 1
const rowsAtOnce = 200
/** SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535. */
const parametersAtOnce = 30_000
const bytesAtOnce = 4 << 20

/** `finish` runs in the same transaction after the last row. Throws `BackupError`, and then nothing was written. */
export async function loadTables(
  db: Db,
  snapshot: Snapshot,
  finish: (tx: Tx) => Promise<void>,
  progress: Progress,
): Promise<Loaded> {
  const tables = await describeTables(db.read, db.dialect)
  for (const [name, { columns }] of Object.entries(snapshot.manifest.tables)) checkShape(tables, name, columns)
  const counter = progress.begin('rows')
  const loaded = { rows: 0, changedTexts: 0 }
  await db.transaction(
    async (tx) => {
      for (const table of tables) {
        const dumped = snapshot.manifest.tables[table.name]
        if (dumped === undefined) throw new BackupError(`The snapshot ${snapshot.id} lacks the table ${table.name}.`)
        const batch = new Batch(tx, db.dialect, table, dumped.columns)
        for await (const values of readValues(snapshot, table.name)) {
          await batch.add(values)
          counter.add(1, 0)
        }
        await batch.flush()
        if (batch.rows !== dumped.rows) {
          throw new BackupError(`${tableFile(table.name)} has ${batch.rows} rows and should have ${dumped.rows}.`)
        }
        loaded.rows += batch.rows
        loaded.changedTexts += batch.changedTexts
      }
      await finish(tx)
    },
    { timeLimitMs },
  )
  counter.end()
  return loaded
}

/** Null where every table is empty, else the name of one that is not. */
export async function findFilledTable(db: Db): Promise<string | null> {
  for (const { name } of await describeTables(db.read, db.dialect)) {
    const { rows } = await db.read.executeQuery(CompiledQuery.raw(`select 1 from ${quoted(name)} limit 1`))
    if (rows.length > 0) return name
  }
  return null
}

function checkShape(tables: readonly TableShape[], name: string, columns: readonly string[]): void {
  const table = tables.find((each) => each.name === name)
  if (table === undefined) throw new BackupError(`This Holdfast has no table ${name}, which the snapshot has.`)
  const known = table.columns.map((column) => column.name)
  if (known.toSorted().join() !== columns.toSorted().join()) {
    throw new BackupError(`The table ${name} has other columns in the snapshot than here.`)
  }
}

class Batch {
  rows = 0
  changedTexts = 0
  readonly #tx: Tx
  readonly #dialect: DialectName
  readonly #table: TableShape
  readonly #columns: readonly string[]
  readonly #kinds: readonly string[]
  readonly #limit: number
  #values: Value[] = []
  #count = 0
  #bytes = 0

  constructor(tx: Tx, dialect: DialectName, table: TableShape, columns: readonly string[]) {
    this.#tx = tx
    this.#dialect = dialect
    this.#table = table
    this.#columns = columns
    this.#kinds = columns.map((name) => table.columns.find((column) => column.name === name)?.kind ?? 'text')
    this.#limit = Math.max(1, Math.min(rowsAtOnce, Math.floor(parametersAtOnce / columns.length)))
  }

  async add(values: readonly Value[]): Promise<void> {
    this.rows++
    for (const [index, value] of values.entries()) this.#values.push(this.#checked(value, index))
    this.#count++
    if (this.#count >= this.#limit || this.#bytes >= bytesAtOnce) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#count === 0) return
    const [count, values] = [this.#count, this.#values]
    this.#count = 0
    this.#bytes = 0
    this.#values = []
    await this.#tx.executeQuery(CompiledQuery.raw(this.#statement(count), values))
  }

  #statement(count: number): string {
    const width = this.#columns.length
    const place = (row: number, column: number): string =>
      this.#dialect === 'postgres' ? `$${row * width + column + 1}` : '?'
    const rows = Array.from(
      { length: count },
      (_, row) => `(${this.#columns.map((_, column) => place(row, column)).join(', ')})`,
    )
    return `insert into ${quoted(this.#table.name)} (${this.#columns.map(quoted).join(', ')}) values ${rows.join(', ')}`
  }

  #checked(value: Value, index: number): Value {
    if (value === null) return null
    const kind = this.#kinds[index]
    const fits =
      (kind === 'text' && typeof value === 'string') ||
      (kind === 'integer' && Number.isSafeInteger(value)) ||
      (kind === 'bytes' && value instanceof Uint8Array)
    if (!fits) {
      throw new BackupError(
        `${tableFile(this.#table.name)}: line ${this.rows} has no ${kind} in ${this.#columns[index]}.`,
      )
    }
    if (typeof value === 'number') return value
    this.#bytes += value.length
    if (this.#dialect === 'sqlite' || typeof value !== 'string' || !value.includes('\0')) return value
    this.changedTexts++
    return value.replaceAll('\0', '\uFFFD')
  }
}
