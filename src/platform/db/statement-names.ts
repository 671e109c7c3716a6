/**
 * Names for hot statements. PostgreSQL plans a named statement once per connection; only statements made with
 * `prepared` get one, so that the number of plans a connection keeps is bounded by the program's text.
 */
import { createHash } from 'node:crypto'

const names = new Map<string, string>()

export function nameStatement(sql: string): void {
  if (!names.has(sql)) names.set(sql, `holdfast_${createHash('sha256').update(sql).digest('hex').slice(0, 24)}`)
}

/** Null for a statement that was not named. */
export function statementName(sql: string): string | null {
  return names.get(sql) ?? null
}
