/** Events for tests of the audit log, and what a check of that log finds. */
import { type Fault, type LogReport, verifyLog } from '../../src/features/audit/service.ts'
import type { Hub } from '../../src/hub.ts'
import type { EventTable } from '../../src/platform/db/schema.ts'

export function auditEvent(hub: Hub, change: Partial<EventTable> = {}): EventTable {
  return {
    id: hub.clock.id(),
    at: hub.clock.now(),
    action: 'repo.create',
    actorKind: 'user',
    actorId: hub.clock.id(),
    actorName: 'ada',
    credentialKind: 'token',
    credentialId: hub.clock.id(),
    credentialLast4: 'abcd',
    resourceKind: 'model',
    resourceId: hub.clock.id(),
    resourceName: 'ada/Häfen \u{1f6a2}',
    ownerId: null,
    ip: '127.0.0.1',
    userAgent: 'tests "quoted" \\ \u0007',
    requestId: null,
    data: '{"private":true}',
    ...change,
  }
}

/** Writes so many, in one transaction; gives their ids. */
export async function writeEvents(hub: Hub, count: number, change: Partial<EventTable> = {}): Promise<string[]> {
  const events = Array.from({ length: count }, () => auditEvent(hub, change))
  await hub.transaction(async (tx) => {
    for (let at = 0; at < count; at += 200) {
      await tx
        .insertInto('event')
        .values(events.slice(at, at + 200))
        .execute()
    }
  })
  return events.map(({ id }) => id)
}

export async function checkLog(
  hub: Hub,
  options: Partial<Parameters<typeof verifyLog>[1]> = {},
): Promise<{ report: LogReport; kinds: string[]; faults: Fault[] }> {
  const faults: Fault[] = []
  const report = await verifyLog(hub, { ...options, onFault: (fault) => faults.push(fault) })
  return { report, faults, kinds: faults.map(({ kind }) => kind) }
}
