/** The SQL of the audit log: it only ever inserts. */
import type { Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { EventTable } from '../../platform/db/schema.ts'

type EventRow = { [Column in keyof EventTable]: EventTable[Column] }

/** Part of every change, so it is built once. */
const insert = prepared<EventRow, never>((q, param) =>
  q.insertInto('event').values({
    id: param('id'),
    at: param('at'),
    action: param('action'),
    actorKind: param('actorKind'),
    actorId: param('actorId'),
    actorName: param('actorName'),
    credentialKind: param('credentialKind'),
    credentialId: param('credentialId'),
    credentialLast4: param('credentialLast4'),
    resourceKind: param('resourceKind'),
    resourceId: param('resourceId'),
    resourceName: param('resourceName'),
    ownerId: param('ownerId'),
    ip: param('ip'),
    userAgent: param('userAgent'),
    requestId: param('requestId'),
    data: param('data'),
  }),
)

export async function insertEvent(tx: Tx, event: EventTable): Promise<void> {
  await insert.run(tx, { ...event })
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
