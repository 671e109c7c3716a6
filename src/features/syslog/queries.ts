/** The one row of syslog: how far it has come, who sends, and how that goes. It is changed only by who read what it was before. */
import type { Db, Tx } from '../../platform/db/database.ts'

export interface Cursor {
  /** After this event ... */
  readonly seal: number
  readonly position: number
  /** ... and after this record of a download. */
  readonly downloadSeal: number
  readonly downloadId: string
}

export interface SyslogState {
  readonly cursor: Cursor
  readonly holder: string | null
  /** Milliseconds since 1970, as all times here. */
  readonly leaseUntil: number
  readonly nextAt: number
  readonly failures: number
  readonly failingSince: number | null
  readonly lastError: string | null
  readonly lastSentAt: number | null
}

/** The state, and the text that it was read from. */
export interface Stored {
  readonly text: string
  readonly state: SyslogState
}

const key = 'syslog'

export async function findState(db: Db): Promise<Stored | null> {
  const row = await db.read.selectFrom('instance').select('value').where('key', '=', key).executeTakeFirst()
  return row === undefined ? null : { text: row.value, state: JSON.parse(row.value) as SyslogState }
}

export async function insertState(tx: Tx, state: SyslogState): Promise<void> {
  await tx
    .insertInto('instance')
    .values({ key, value: JSON.stringify(state) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
}

/** Null where another process changed it meanwhile. */
export async function replaceState(tx: Tx, before: Stored, state: SyslogState): Promise<Stored | null> {
  const text = JSON.stringify(state)
  const done = await tx
    .updateTable('instance')
    .set({ value: text })
    .where('key', '=', key)
    .where('value', '=', before.text)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1 ? { text, state } : null
}
