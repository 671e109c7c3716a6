/**
 * What can go wrong in the database, said once for both dialects: callers ask these questions and never look at
 * a driver's error codes.
 */

export type DatabaseFault =
  | 'timeout' // a query or a transaction took longer than it may
  | 'misuse' // a handle used where it may not be: a mistake in our code
  | 'aborted' // a statement after a failed one in the same transaction
  | 'unavailable' // the worker died, or the database is closed
  | 'integer' // a number outside the range that JavaScript holds exactly
  | 'statement' // SQLite refused a statement; `code` says why

export class DatabaseError extends Error {
  readonly fault: DatabaseFault
  /** SQLite's extended result code, for example `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly code: string | null

  constructor(fault: DatabaseFault, message: string, code: string | null = null) {
    super(message)
    this.name = 'DatabaseError'
    this.fault = fault
    this.code = code
  }
}

const uniqueCodes = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'])
// 57014: cancelled by statement_timeout. 25P03: cut by idle_in_transaction_session_timeout.
const timeoutCodes = new Set(['57014', '25P03'])
// 55P03: lock not available within lock_timeout.
const busyCodes = new Set([
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_BUSY_RECOVERY',
  'SQLITE_BUSY_TIMEOUT',
  '55P03',
])
// Class 08 and 57P0x: the connection or the server went away.
const lostCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', '57P01', '57P02', '57P03'])

/** A row with this key exists already. On both dialects the transaction is then lost: use `onConflict` to go on. */
export function isUniqueViolation(error: unknown): boolean {
  return uniqueCodes.has(codeOf(error))
}

/** A query or a transaction was cut because it took too long. */
export function isTimeout(error: unknown): boolean {
  return (error instanceof DatabaseError && error.fault === 'timeout') || timeoutCodes.has(codeOf(error))
}

/**
 * The database cannot be reached, or another process holds its write lock for longer than we wait. Trying again later is
 * right; whether a commit that was under way took effect is unknown.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.fault === 'unavailable'
  const code = codeOf(error)
  return lostCodes.has(code) || busyCodes.has(code) || code.startsWith('08')
}

/** Somebody else held what was wanted for longer than we wait; nothing was changed. */
export function isBusy(error: unknown): boolean {
  return busyCodes.has(codeOf(error))
}

/** PostgreSQL undid the transaction because of another one: serialization failure or deadlock. It may simply run again. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return ''
}
