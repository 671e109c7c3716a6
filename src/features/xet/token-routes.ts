/** Where a client gets its Xet token, with its own credential: to read at a revision, or to upload for one. */

import type { Target } from '../../access/load-facts.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { decodeSegment, parseRevision } from '../../domain/names.ts'
import { getRevision } from '../files/service.ts'
import { connectionHeaders, openConnection, type XetConnection } from './connection-info.ts'

const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const answers = {
  200: 'The token, until when it holds, and the address to use it at; as JSON and as headers',
  401: 'A token is needed, or it is not valid',
  404: 'RepoNotFound or RevisionNotFound',
}

export const tokenRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/xet-read-token/*',
    surface: 'api',
    action: 'repo.content.read',
    target: repoOfPath,
    summary: 'Xet: a token to download, for an hour',
    answers,
    handle: async ({ hub, allowed, params }) => {
      const revision = revisionOf(params)
      if (revision !== noRevision) await getRevision(hub, allowed, revision)
      return reply(openConnection(hub, allowed, revision))
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/xet-write-token/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    summary: 'Xet: a token to upload, for an hour',
    answers: { ...answers, 403: 'The role or the token is too weak' },
    handle: async ({ hub, allowed, params, request }) => {
      const revision = revisionOf(params)
      // Told before gigabytes are sent and not after.
      if (/^(1|true)$/i.test(request.query.get('create_pr') ?? '')) throw new HoldfastError('pull_requests_missing')
      if (revision !== noRevision) parseRevision(revision)
      return reply(openConnection(hub, allowed, revision))
    },
  }),
]

/** What the Python client writes where it does not know the revision yet. */
const noRevision = 'None'

function revisionOf({ tail }: Params): string {
  return tail.map(decodeSegment).join('/')
}

function reply(connection: XetConnection): Reply {
  return json(connection, 200, { ...connectionHeaders(connection), 'cache-control': 'no-store' })
}
