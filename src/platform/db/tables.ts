/**
 * What tables the database has, asked of the database itself, so that a dump covers every table of every migration without a list that
 * somebody has to keep. Both dialects give the same shapes: what only one of them has (SQLite's row numbers and search index) is left out.
 */
import { type Kysely, sql } from 'kysely'
import { DatabaseError } from './errors.ts'
import type { DialectName } from './kysely-handle.ts'
import type { Schema } from './schema.ts'

export type ColumnKind = 'text' | 'integer' | 'bytes'

export interface TableShape {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly kind: ColumnKind }[]
  /** Columns that name a row, in the order of an index: the order in which a dump is written. */
  readonly key: readonly string[]
  /** Tables whose rows must be there first. */
  readonly references: readonly string[]
}

/** All tables but the one of migrations; each after those that it references. */
export async function describeTables(on: Kysely<Schema>, dialect: DialectName): Promise<TableShape[]> {
  const tables = dialect === 'sqlite' ? await describeSqlite(on) : await describePostgres(on)
  return inOrderOfReferences(tables.filter((table) => table.name !== 'migration'))
}

/** Names of the migrations that made these tables, in order; none where there are no tables. */
export async function readMigrations(on: Kysely<Schema>, dialect: DialectName): Promise<string[]> {
  const found =
    dialect === 'sqlite'
      ? sql<{ name: string | null }>`select name from sqlite_master where type = 'table' and name = 'migration'`
      : sql<{ name: string | null }>`select to_regclass('migration')::text as name`
  if ((await found.execute(on)).rows[0]?.name == null) return []
  const { rows } = await sql<{ name: string }>`select name from migration order by name`.execute(on)
  return rows.map((row) => row.name)
}

interface ColumnRow {
  readonly name: string
  readonly type: string
  /** Place in the primary key from 1 on, else 0. */
  readonly pk: number
}

async function describeSqlite(on: Kysely<Schema>): Promise<TableShape[]> {
  const { rows } = await sql<{ name: string }>`select name from pragma_table_list
    where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name`.execute(on)
  const tables: TableShape[] = []
  for (const { name } of rows) {
    const columns = (await sql<ColumnRow>`select name, type, pk from pragma_table_info(${name})`.execute(on)).rows
    const primary = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk)
    // The number that SQLite itself gives to a row: it means nothing elsewhere, and PostgreSQL has no such column.
    const rowNumber = primary.length === 1 && /^integer$/i.test(primary[0]?.type ?? '') ? primary[0]?.name : undefined
    const references = await sql<{ table: string }>`select "table" from pragma_foreign_key_list(${name})`.execute(on)
    tables.push({
      name,
      columns: columns
        .filter((column) => column.name !== rowNumber)
        .map((column) => ({ name: column.name, kind: kindOf(name, column.name, column.type) })),
      key: rowNumber === undefined ? primary.map((column) => column.name) : await uniqueColumns(on, name),
      references: references.rows.map((row) => row.table),
    })
  }
  return tables
}

/** The columns of the first unique constraint, for a table whose primary key is its row number. */
async function uniqueColumns(on: Kysely<Schema>, table: string): Promise<string[]> {
  const { rows } = await sql<{ list: string; name: string }>`
    select list.name as "list", member.name as "name" from pragma_index_list(${table}) as list
    join pragma_index_info(list.name) as member where list.origin = 'u' order by list.name, member.seqno`.execute(on)
  return rows.filter((row) => row.list === rows[0]?.list).map((row) => row.name)
}

async function describePostgres(on: Kysely<Schema>): Promise<TableShape[]> {
  const { rows } = await sql<{ table: string } & ColumnRow>`
    select c.relname as "table", a.attname as "name", format_type(a.atttypid, null) as "type",
      coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1 as "pk"
    from pg_class c join pg_attribute a on a.attrelid = c.oid left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by c.relname, a.attnum`.execute(on)
  const links = await sql<{ table: string; references: string }>`
    select c.relname as "table", f.relname as "references" from pg_constraint k
    join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid
    where k.contype = 'f' and c.relnamespace = current_schema()::regnamespace`.execute(on)
  return [...Map.groupBy(rows, (row) => row.table)].map(([name, columns]) => ({
    name,
    columns: columns.map((column) => ({ name: column.name, kind: kindOf(name, column.name, column.type) })),
    key: columns
      .filter((column) => column.pk > 0)
      .sort((a, b) => a.pk - b.pk)
      .map((column) => column.name),
    references: links.rows.filter((link) => link.table === name).map((link) => link.references),
  }))
}

const kinds: Readonly<Record<string, ColumnKind>> = {
  text: 'text',
  integer: 'integer',
  bigint: 'integer',
  blob: 'bytes',
  bytea: 'bytes',
}

function kindOf(table: string, column: string, type: string): ColumnKind {
  const kind = kinds[type.toLowerCase()]
  if (kind === undefined)
    throw new DatabaseError('misuse', `${table}.${column} has a type that no dump knows: ${type}.`)
  return kind
}

function inOrderOfReferences(tables: readonly TableShape[]): TableShape[] {
  const ordered: TableShape[] = []
  let waiting = tables.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  while (waiting.length > 0) {
    const isReady = (table: TableShape): boolean =>
      table.references.every((name) => name === table.name || !waiting.some((other) => other.name === name))
    const ready = waiting.filter(isReady)
    if (ready.length === 0) throw new DatabaseError('misuse', 'Tables reference each other in a circle.')
    ordered.push(...ready)
    waiting = waiting.filter((table) => !ready.includes(table))
  }
  return ordered
}
