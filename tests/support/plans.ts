/**
 * How a database carries out statements: each that passes through `watchPlans` is explained first, on SQLite by its plan, on PostgreSQL also by the rows that it
 * really read, and by the plan for any parameters that a prepared statement may come to use.
 */
import { CompiledQuery, type DatabaseConnection, Kysely } from 'kysely'
import pg from 'pg'
import { expect } from 'vitest'
import type { Db, Tx } from '../../src/platform/db/database.ts'
import { kyselyProps } from '../../src/platform/db/kysely-handle.ts'
import type { Schema } from '../../src/platform/db/schema.ts'
import type { TestDatabase } from './databases.ts'

export interface Plan {
  readonly statement: string
  /** Steps that read a table without an index. */
  readonly scans: readonly string[]
  /** Rows that were read, or thrown away by a filter, in all steps; null where the database does not say. */
  readonly rowsRead: number | null
}

export interface Watched {
  readonly db: Db
  /** Statements of this are explained, then carried out in a transaction each. */
  readonly tx: Tx
  readonly plans: readonly Plan[]
  /** Runs `act`; each statement of it goes by indexes, and reads no more than `most` rows where the database says how many. */
  expectCheap(act: () => Promise<unknown>, most: number): Promise<void>
  close(): Promise<void>
}

/** `large`: the tables that have many rows here; others may be read whole. */
export async function watchPlans({ db, options }: TestDatabase, large: readonly string[]): Promise<Watched> {
  const plans: Plan[] = []
  const explainer = db.dialect === 'sqlite' ? sqliteExplainer(db, large) : await postgresExplainer(options.url, large)
  const watch = (run: <R>(query: CompiledQuery) => Promise<R>): Kysely<Schema> => {
    const connection: DatabaseConnection = {
      executeQuery: async <R>(query: CompiledQuery) => {
        plans.push(await explainer.explain(query))
        return await run<R>(CompiledQuery.raw(query.sql, [...query.parameters]) as CompiledQuery)
      },
      streamQuery: () => {
        throw new Error('Streams are not explained.')
      },
    } as DatabaseConnection
    return new Kysely<Schema>(kyselyProps(db.dialect, () => connection))
  }
  const reading = watch((query) => db.list.executeQuery(query) as never)
  const writing = watch((query) => db.transaction((tx) => tx.executeQuery(query)) as never)
  return {
    db: { ...db, read: reading, list: reading },
    tx: writing as Tx,
    plans,
    expectCheap: async (act, most) => {
      const before = plans.length
      await act()
      const made = plans.slice(before)
      expect(made.length).toBeGreaterThan(0)
      for (const { statement, scans, rowsRead } of made) {
        expect({ statement, scans }).toEqual({ statement, scans: [] })
        if (rowsRead !== null) expect(rowsRead, statement).toBeLessThanOrEqual(most)
      }
    },
    close: () => explainer.close(),
  }
}

interface Explainer {
  explain(query: CompiledQuery): Promise<Plan>
  close(): Promise<void>
}

function sqliteExplainer(db: Db, large: readonly string[]): Explainer {
  return {
    explain: async ({ sql, parameters }) => {
      const { rows } = await db.read.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
      )
      const scans = rows
        .map(({ detail }) => detail)
        .filter((step) => large.some((table) => new RegExp(`^SCAN ${table}\\b`).test(step)))
        // The order of an index, as far as a limit: a plan says no more than that it begins at one end.
        .filter((step) => !/USING (COVERING )?INDEX/.test(step))
      return { statement: sql, scans, rowsRead: null }
    },
    close: async () => undefined,
  }
}

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

async function postgresExplainer(url: string | null, large: readonly string[]): Promise<Explainer> {
  const client = new pg.Client({ connectionString: url ?? '' })
  await client.connect()
  await client.query('set plan_cache_mode = force_generic_plan')
  // Some thousand rows are read faster whole than by an index: here a table is read whole only where no index helps, and the rows that are read tell the rest.
  await client.query('set enable_seqscan = off')
  let count = 0
  const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]
  const planOf = (rows: readonly unknown[]): Node[] => {
    const [row] = rows as { 'QUERY PLAN': [{ Plan: Node }] }[]
    return row === undefined ? [] : nodesOf(row['QUERY PLAN'][0].Plan)
  }
  const scansOf = (nodes: readonly Node[]): string[] =>
    nodes
      .filter((node) => node['Node Type'] === 'Seq Scan' && large.includes(node['Relation Name'] ?? ''))
      .map((node) => `Seq Scan on ${node['Relation Name']}`)
  return {
    explain: async ({ sql, parameters }) => {
      const isRead = /^\s*(select|with)\b/i.test(sql)
      const options = isRead ? 'analyze, format json' : 'format json'
      const known = planOf((await client.query(`explain (${options}) ${sql}`, [...parameters])).rows)
      const name = `plan_${++count}`
      await client.query(`prepare ${name} as ${sql}`)
      const values = parameters.length === 0 ? '' : `(${parameters.map(() => 'null').join(', ')})`
      const any = planOf((await client.query(`explain (format json) execute ${name}${values}`)).rows)
      const rowsRead = known.reduce((sum, node) => sum + readBy(node), 0)
      return { statement: sql, scans: [...scansOf(known), ...scansOf(any)], rowsRead: isRead ? rowsRead : null }
    },
    close: () => client.end(),
  }
}

function readBy(node: Node): number {
  const loops = node['Actual Loops'] ?? 0
  const each =
    (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  return node.Plans === undefined ? each * loops : 0
}
