/** Taking such a list away is an act of its own: it is recorded before the first byte leaves. Looking at a page of it is not. */
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'

export async function recordExport(
  hub: Hub,
  allowed: Allowed<'download.read' | 'org.download.read'>,
  origin: Origin,
  content: string,
): Promise<void> {
  const ownerId = allowed.resource?.id ?? null
  await hub.transaction((tx) =>
    recordEvent(hub, tx, allowed, origin, {
      action: ownerId === null ? 'download.export' : 'org.download.export',
      resource: { kind: 'content', id: content, name: content },
      ownerId,
    }),
  )
}
