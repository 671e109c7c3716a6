/** The log as one JSON array. */
import type { HttpRequest } from '../../access/http-request.ts'
import { replyWithJsonArray } from '../../access/json-array-reply.ts'
import type { Reply } from '../../access/reply.ts'
import type { Hub } from '../../hub.ts'
import type { EventFilter } from './filter.ts'
import { listEvents } from './list-events.ts'
import { presentEntry } from './present.ts'

export interface ExportOptions {
  readonly fileName: string
  /** Throws where it is not. */
  stillAllowed(): Promise<unknown>
  readonly stallMs?: number
}

/** Newest first. */
export async function replyWithExport(
  hub: Hub,
  request: HttpRequest,
  filter: EventFilter,
  options: ExportOptions,
): Promise<Reply> {
  return await replyWithJsonArray(request, {
    ...options,
    page: async (after: Awaited<ReturnType<typeof listEvents>>['next'], limit) => {
      const { entries, next } = await listEvents(hub, filter, after, limit)
      return { items: entries.map((entry) => presentEntry(hub, entry)), next }
    },
  })
}
