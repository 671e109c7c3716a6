/** Whether the database answers and is sound. */
import { sql } from 'kysely'
import type { Db } from './database.ts'

/** Null if all is well, else what is wrong. SQLite reads its whole file, so this is for the doctor and not for a health check. */
export async function checkDatabase(db: Db): Promise<string | null> {
  if (db.dialect === 'postgres') {
    await sql`select 1`.execute(db.read)
    return null
  }
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check(5)`.execute(db.read)
  const faults = rows.map((row) => row.quick_check).filter((line) => line !== 'ok')
  return faults.length === 0 ? null : faults.join('; ')
}
