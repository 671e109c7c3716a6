/** Taking the log away is an act of its own: it is recorded before the first byte leaves. Looking at a page of it is not. */
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from './service.ts'

export async function recordExport(
  hub: Hub,
  allowed: Allowed<'org.audit_log.read'>,
  origin: Origin,
  filters: Readonly<Record<string, string>>,
): Promise<void> {
  const { id, name } = allowed.resource
  await hub.transaction((tx) =>
    recordEvent(hub, tx, allowed, origin, {
      action: 'org.audit_log.export',
      resource: { kind: 'organization', id, name },
      ownerId: id,
      data: { filters },
    }),
  )
}
