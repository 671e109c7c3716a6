/** A view of the whole database at one moment: what `Db.snapshot` lends, the same on both dialects. */
import { type DatabaseConnection, Kysely } from 'kysely'
import { DatabaseError } from './errors.ts'
import { type DialectName, kyselyProps } from './kysely-handle.ts'
import type { Schema } from './schema.ts'
import { assertOutsideTransaction } from './transaction.ts'

/** A connection inside a read transaction that sees one moment. */
export interface SnapshotConnection extends DatabaseConnection {
  close(): Promise<void>
}

export async function withSnapshot<T>(
  dialect: DialectName,
  open: () => Promise<SnapshotConnection>,
  fn: (view: Kysely<Schema>) => Promise<T>,
): Promise<T> {
  assertOutsideTransaction('db.snapshot')
  const connection = await open()
  let isOpen = true
  try {
    const props = kyselyProps(dialect, () => {
      if (!isOpen) throw new DatabaseError('misuse', 'A view of the database was used after it was closed.')
      return connection
    })
    return await fn(new Kysely<Schema>(props))
  } finally {
    isOpen = false
    await connection.close()
  }
}
