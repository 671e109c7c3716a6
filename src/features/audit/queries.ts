/** The SQL of the audit log: it only ever inserts. */
import type { Tx } from '../../platform/db/database.ts'
import type { EventTable } from '../../platform/db/schema.ts'

export async function insertEvent(tx: Tx, event: EventTable): Promise<void> {
  await tx.insertInto('event').values(event).execute()
}

export async function insertEvents(tx: Tx, events: readonly EventTable[]): Promise<void> {
  await tx.insertInto('event').values(events).execute()
}

export async function insertEventOnce(tx: Tx, event: EventTable): Promise<void> {
  await tx
    .insertInto('event')
    .values(event)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}
