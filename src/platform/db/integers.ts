/**
 * Both drivers hand 64-bit integers to JavaScript as numbers. A value that a number cannot hold exactly would be
 * changed without a word, so it is an error instead.
 */
import { DatabaseError } from './errors.ts'

/** Throws when a column of a row holds an integer beyond 2^53 - 1. */
export function checkIntegers(rows: readonly object[]): void {
  for (const row of rows) {
    for (const value of Object.values(row)) {
      if (typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)) {
        throw unsafeInteger(String(value))
      }
    }
  }
}

/** PostgreSQL's int8 and numeric arrive as text. */
export function parseInteger(text: string): number {
  const value = Number(text)
  if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) throw unsafeInteger(text)
  return value
}

function unsafeInteger(text: string): DatabaseError {
  return new DatabaseError('integer', `The database returned ${text}, which a number cannot hold exactly.`)
}
