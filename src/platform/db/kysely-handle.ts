/**
 * Kysely over our own connections. Kysely's SqliteDialect is not used: it has one connection and a mutex, so that
 * `db` inside a transaction hangs the process. Here a handle is a compiler plus a function that lends a connection,
 * and transactions begin only in transaction.ts.
 */
import {
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  type KyselyProps,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { DatabaseError } from './errors.ts'

export type DialectName = 'sqlite' | 'postgres'

/** Lends a connection for one query. It may throw, for example inside a transaction or when the database is closed. */
export type Lend = () => Promise<DatabaseConnection> | DatabaseConnection

/** Our connections need no mutex: each has its own queue. */
class QueuedSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

const refuseTransaction = async (): Promise<never> => {
  throw new DatabaseError('misuse', 'Transactions begin with db.transaction(fn), which waits for its turn to write.')
}

/**
 * Writes a parameter as `+?`. SQLite (built with STAT4, as better-sqlite3 is) looks at the value of a bare `?` while it plans a join or a
 * range, and therefore plans the statement again at every execution: the facts of a request took 135 us of processor time with `?` and
 * 20 us with `+?`. The sign does nothing to a value, and a comparison still uses its index.
 */
class SteadySqliteCompiler extends SqliteQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return '+?'
  }
}

/** Satisfies Kysely's type; queries never pass through it. */
const noDriver: Driver = {
  init: async () => undefined,
  acquireConnection: refuseTransaction,
  releaseConnection: async () => undefined,
  beginTransaction: refuseTransaction,
  commitTransaction: refuseTransaction,
  rollbackTransaction: refuseTransaction,
  destroy: async () => undefined,
}

const dialects: Record<DialectName, Dialect> = {
  sqlite: {
    createAdapter: () => new QueuedSqliteAdapter(),
    createDriver: () => noDriver,
    createQueryCompiler: () => new SteadySqliteCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => noDriver,
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  },
}

/** What `new Kysely(...)` and `new Transaction(...)` take. */
export function kyselyProps(dialectName: DialectName, lend: Lend): KyselyProps {
  const dialect = dialects[dialectName]
  const executor = new DefaultQueryExecutor(dialect.createQueryCompiler(), dialect.createAdapter(), {
    provideConnection: async (consumer) => await consumer(await lend()),
  })
  return { config: { dialect }, dialect, driver: noDriver, executor }
}
