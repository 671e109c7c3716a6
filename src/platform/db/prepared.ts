/**
 * Hot statements, built once. Kysely needs some 40 us to build a query's text and a few to run it, so a statement that
 * runs in each request is compiled at its first use per dialect; later runs only fill in the parameters.
 */
import { type Compilable, type CompiledQuery, ExpressionWrapper, type Kysely, PostgresAdapter, ValueNode } from 'kysely'
import { findDirectRead } from './direct-reads.ts'
import type { DialectName } from './kysely-handle.ts'
import type { Schema } from './schema.ts'
import { nameStatement } from './statement-names.ts'

export type ParameterValue = string | number | null

/** Stands for a parameter's value while the query is built: use it wherever a value may stand. */
export type Param<Params> = <Name extends keyof Params & string>(
  name: Name,
) => ExpressionWrapper<Schema, never, Params[Name]>

export interface Prepared<Params extends Record<string, ParameterValue>, Row> {
  /** All rows. `on` is `db.read`, `db.list` or a `tx`. */
  run(on: Kysely<Schema>, parameters: Params): Promise<Row[]>
  /** The first row, or null. */
  first(on: Kysely<Schema>, parameters: Params): Promise<Row | null>
}

/**
 * `prepared<{ id: string }, UserTable>((q, param) => q.selectFrom('user').where('id', '=', param('id')).selectAll())`.
 * `build` runs once per dialect, so it must depend on nothing but its arguments; a list of unknown length does not fit.
 */
export function prepared<Params extends Record<string, ParameterValue>, Row>(
  build: (q: Kysely<Schema>, param: Param<Params>) => Compilable<Row>,
): Prepared<Params, Row> {
  const templates: Partial<Record<DialectName, Template>> = {}

  async function run(on: Kysely<Schema>, parameters: Params): Promise<Row[]> {
    const dialect = on.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite'
    templates[dialect] ??= makeTemplate(
      build(on, (name) => new ExpressionWrapper(ValueNode.create(new Slot(name)))).compile(),
    )
    const template = templates[dialect]
    const values = fill(template, parameters)
    const read = findDirectRead(on)
    // The row type is a promise of the caller's query, which no driver can check.
    if (read !== null) return read(template.query.sql, values) as Row[]
    const { rows } = await on.executeQuery<Row>({ ...template.query, parameters: values } as CompiledQuery<Row>)
    return rows
  }

  return {
    run,
    first: async (on, parameters) => (await run(on, parameters))[0] ?? null,
  }
}

/** Marks the place of a parameter among a query's values. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

interface Template {
  readonly query: CompiledQuery
  /** A slot's name, or a value that stood in the query itself. */
  readonly values: readonly unknown[]
}

function makeTemplate(query: CompiledQuery): Template {
  nameStatement(query.sql)
  return { query, values: query.parameters }
}

function fill(template: Template, parameters: Record<string, ParameterValue>): unknown[] {
  return template.values.map((value) => {
    if (!(value instanceof Slot)) return value
    const given = parameters[value.name]
    if (given === undefined) throw new TypeError(`The parameter ${value.name} of a prepared statement is missing.`)
    return given
  })
}
