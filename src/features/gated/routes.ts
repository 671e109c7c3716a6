/** Access requests for programs: the Hub's addresses (hub-api.md, section 13), and the form that people send. */
import { z } from 'zod'
import type { Target } from '../../access/load-facts.ts'
import { nextPageLink } from '../../access/paging.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accessStatuses } from '../../domain/facts.ts'
import { pluralOfKind } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { cancelRequest } from './ask.ts'
import { grantAccess, handleRequest, handleRequests } from './handle.ts'
import { presentRequest, type ReportLine, reportAsCsv, reportLine } from './present.ts'
import { listRequests, type RequestPosition } from './queries.ts'

export const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const id = z.string().regex(/^[0-9a-f]{24}$/, 'is 24 lowercase hex digits')
const person = { userId: id.optional(), user: z.string().min(1).max(200).optional() }
const named = z
  .object(person)
  .refine((body) => body.userId !== undefined || body.user !== undefined, 'either userId or user must be provided')
/** Newer clients name the request itself. */
const ofRequest = z
  .object({ ...person, requestId: id.optional() })
  .refine(
    (body) => [body.userId, body.user, body.requestId].some((given) => given !== undefined),
    'one of requestId, userId and user must be provided',
  )
const verdict = {
  status: z.enum(accessStatuses as ['pending', 'accepted', 'rejected']),
  rejectionReason: z.string().max(200).nullish(),
}

const answers = {
  200: 'Done',
  400: 'The repo is not gated, or it is so already',
  403: 'The role or the token is too weak',
  404: 'RepoNotFound; or there is no such user or request, or it is in that state already',
}

export const gatedApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/user-access-request/:status',
    surface: 'api',
    action: 'repo.access.read',
    target: repoOfPath,
    query: z.object({
      limit: z.coerce.number().int().min(10).max(1_000).default(1_000),
      after: z.iso.datetime().optional(),
      before: z.iso.datetime().optional(),
      cursor: z.string().max(200).optional(),
    }),
    summary:
      'Who asked for access to a gated repo: `pending`, `accepted` or `rejected`, newest first, page by page (`Link`)',
    answers: { 200: 'Requests', 403: answers[403], 404: 'RepoNotFound' },
    handle: async ({ hub, allowed, params, query }) => {
      const status = accessStatuses.find((known) => known === params.get('status'))
      if (status === undefined) throw new HoldfastError('not_found')
      const { limit } = query
      const found = await listRequests(hub.db, allowed.resource.id, status, {
        from: query.cursor === undefined ? null : readPosition(query.cursor),
        after: timeOf(query.after),
        before: timeOf(query.before),
        limit: limit + 1,
      })
      const rows = found.slice(0, limit)
      const last = rows.at(-1)
      const { kind, owner, name } = allowed.resource
      const path = `/api/${pluralOfKind(kind)}/${owner.name}/${name}/user-access-request/${status}`
      const link =
        found.length > limit && last !== undefined
          ? nextPageLink(hub.config, path, {
              limit,
              after: query.after,
              before: query.before,
              cursor: writePosition(last),
            })
          : {}
      return json(
        rows.map((row) => presentRequest(hub, row)),
        200,
        { 'cache-control': 'no-store', ...link },
      )
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/user-access-request/handle',
    surface: 'api',
    action: 'repo.access.handle',
    target: repoOfPath,
    body: ofRequest.safeExtend(verdict),
    summary: 'Accepts or rejects a request for access, or moves it back to pending',
    answers,
    handle: async ({ hub, allowed, body, request }) => {
      const { status, rejectionReason: reason = null } = body
      await handleRequest(hub, allowed, request.origin, body, { status, reason })
      return json({})
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/user-access-request/batch',
    surface: 'api',
    action: 'repo.access.handle',
    target: repoOfPath,
    body: z.object({ ...verdict, requests: z.array(ofRequest).min(1).max(100, 'at most 100 requests at once') }),
    summary: 'Accepts, rejects or moves back up to 100 requests at once',
    answers: { ...answers, 200: 'What became of each, in the order they were given' },
    handle: async ({ hub, allowed, body, request }) => {
      const { status, rejectionReason: reason = null, requests } = body
      return json(await handleRequests(hub, allowed, request.origin, requests, { status, reason }))
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/user-access-request/grant',
    surface: 'api',
    action: 'repo.access.handle',
    target: repoOfPath,
    body: named,
    summary: 'Lets a person or a service account (`sa-<id>`) in, whether they asked or not',
    answers,
    handle: async ({ hub, allowed, body, request }) => {
      await grantAccess(hub, allowed, request.origin, body)
      return json({})
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/user-access-request/cancel',
    surface: 'api',
    action: 'repo.access.ask',
    target: repoOfPath,
    summary: "Withdraws the caller's own request for access, or the access",
    answers: { 200: 'Done', 403: 'It was rejected', 404: 'RepoNotFound, or there is no request' },
    handle: async ({ hub, allowed, request }) => {
      await cancelRequest(hub, allowed, request.origin, { kind: 'self' })
      return json({})
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/user-access-report',
    surface: 'api',
    action: 'repo.access.read',
    target: repoOfPath,
    query: z.object({ format: z.enum(['json', 'csv']).default('json') }),
    summary:
      'All requests for access to a gated repo as a file: JSON, or `?format=csv`. The download is itself recorded.',
    answers: { 200: 'The file', 403: answers[403], 404: 'RepoNotFound' },
    handle: async ({ hub, allowed, query, request }) => {
      if (request.method !== 'HEAD') await recordReport(hub, allowed, request.origin)
      return reportReply(allowed, await reportLines(hub, allowed.resource.id), query.format)
    },
  }),
]

const linesAtOnce = 1_000
const mostLines = 100_000

async function reportLines(hub: Hub, repoId: string): Promise<ReportLine[]> {
  const lines: ReportLine[] = []
  for (const status of accessStatuses) {
    let from: RequestPosition | null = null
    while (lines.length < mostLines) {
      const rows = await listRequests(hub.db, repoId, status, { from, limit: linesAtOnce })
      lines.push(...rows.map(reportLine))
      from = rows.at(-1) ?? null
      if (rows.length < linesAtOnce) break
    }
  }
  return lines
}

function reportReply(
  { resource }: Allowed<'repo.access.read'>,
  lines: readonly ReportLine[],
  format: 'json' | 'csv',
): Reply {
  const file = `access-${resource.owner.name}-${resource.name}.${format}`
  const headers = { 'content-disposition': `attachment; filename="${file}"`, 'cache-control': 'no-store' }
  if (format === 'json') return json(lines, 200, headers)
  return { kind: 'body', status: 200, type: 'text/csv; charset=utf-8', body: reportAsCsv(lines), headers }
}

async function recordReport(
  hub: Hub,
  allowed: Allowed<'repo.access.read'>,
  origin: Parameters<typeof recordEvent>[3],
): Promise<void> {
  const { resource: repo } = allowed
  await hub.transaction((tx) =>
    recordEvent(hub, tx, allowed, origin, {
      action: 'repo.access.export',
      resource: { kind: repo.kind, id: repo.id, name: `${repo.owner.name}/${repo.name}` },
      ownerId: repo.owner.id,
    }),
  )
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

export function writePosition({ askedAt, principalId }: RequestPosition): string {
  return `${askedAt}.${principalId}`
}

/** Throws `bad_request` for what no page of ours gave out. */
export function readPosition(text: string): RequestPosition {
  const [, askedAt, principalId] = /^(\d{1,15})\.([0-9a-f]{24})$/.exec(text) ?? []
  if (askedAt === undefined || principalId === undefined) {
    throw new HoldfastError('bad_request', { reason: 'This cursor is not one of ours.' })
  }
  return { askedAt: Number(askedAt), principalId }
}
