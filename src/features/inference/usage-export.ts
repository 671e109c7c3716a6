/** Single calls, for accountants: as a table or as lines of JSON. Taking them away is an act of its own, and recorded. */
import type { z } from 'zod'
import type { HttpRequest } from '../../access/http-request.ts'
import { replyWithCsv, replyWithLines } from '../../access/json-array-reply.ts'
import type { Reply } from '../../access/reply.ts'
import { firstIdAt } from '../../domain/ids.ts'
import { isoTime } from '../../domain/iso-time.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { InferenceUsageTable } from '../../platform/db/schema.ts'
import { recordEvent } from '../audit/service.ts'
import { selectCalls } from './queries.ts'
import { type exportQuery, timesIn } from './usage.ts'
import { usageBookOf } from './usage-book.ts'

interface Exporting {
  readonly hub: Hub
  readonly allowed: Allowed<'org.inference_usage.read'>
  readonly request: HttpRequest
  reauthorize(): Promise<unknown>
}

/** Oldest first, all of them; a page is in memory. Throws `bad_request` as the sums do. */
export async function exportUsage(
  { hub, allowed, request, reauthorize }: Exporting,
  asked: z.output<typeof exportQuery>,
): Promise<Reply> {
  const { from, to } = timesIn(hub, asked)
  const { id, name } = allowed.resource
  // What was called a moment ago is part of it.
  await usageBookOf(hub).flush()
  if (request.method !== 'HEAD') {
    await hub.transaction((tx) =>
      recordEvent(hub, tx, allowed, request.origin, {
        action: 'org.inference_usage.export',
        resource: { kind: 'organization', id, name },
        ownerId: id,
        data: { from: isoTime(from), to: isoTime(to), format: asked.format },
      }),
    )
  }
  const source = {
    fileName: `usage-${name}.${asked.format}`,
    most: Number.POSITIVE_INFINITY,
    page: async (after: string | null, limit: number) => {
      const range = { after: after ?? firstIdAt(from), to: firstIdAt(to) }
      const rows = await selectCalls(hub.db, id, range, limit)
      return { items: rows.map(presentCall), next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) }
    },
    stillAllowed: reauthorize,
  }
  return asked.format === 'csv'
    ? await replyWithCsv(request, { ...source, columns: exportColumns })
    : await replyWithLines(request, source)
}

function presentCall(row: InferenceUsageTable) {
  return {
    id: row.id,
    at: isoTime(row.at),
    model: row.repoName,
    commit: row.commit,
    route: row.route,
    principalKind: row.actorKind,
    principal: row.actorName,
    principalId: row.actorId,
    tokenId: row.tokenId,
    tokenLast4: row.tokenLast4,
    billed: row.billedName,
    billedId: row.billedId,
    workspace: row.workspaceName,
    workspaceId: row.workspaceId,
    backend: row.backend,
    status: row.status,
    tokensIn: row.tokensIn,
    tokensOut: row.tokensOut,
    firstByteMs: row.firstByteMs,
    milliseconds: row.tookMs,
  }
}

const exportColumns = [
  ...(['id', 'at', 'model', 'commit', 'route', 'principalKind', 'principal', 'principalId', 'tokenId'] as const),
  ...(['tokenLast4', 'billed', 'billedId', 'workspace', 'workspaceId', 'backend', 'status', 'tokensIn'] as const),
  ...(['tokensOut', 'firstByteMs', 'milliseconds'] as const),
] satisfies readonly (keyof ReturnType<typeof presentCall>)[]
