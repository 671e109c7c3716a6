/** The SQL of the looks at servers: which of them still answer for a model, and with which secret. */
import type { Db } from '../../platform/db/database.ts'
import type { Backend } from './queries.ts'

export async function selectBackends(db: Db, ids: readonly string[]): Promise<Backend[]> {
  if (ids.length === 0) return []
  return await db.list
    .selectFrom('inferenceBackend')
    .selectAll()
    .where('id', 'in', [...ids])
    .execute()
}
