/**
 * Git over HTTP, as git itself speaks it (gitprotocol-http(5)), with and without `.git`. What is read and what is written are different
 * actions, chosen by the service that the client names; the bytes go straight between the client and git.
 */
import { once } from 'node:events'
import { z } from 'zod'
import type { HttpRequest } from '../../access/http-request.ts'
import type { Target } from '../../access/load-facts.ts'
import { taken } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { flushPacket, packet } from '../../platform/git/pkt-line.ts'
import { GitFailure } from '../../platform/git/run.ts'
import { advertiseRefs, type GitService, uploadPack } from '../../platform/git/upload-pack.ts'
import { gitFetch, noteDownload, refuseUncounted } from '../downloads/service.ts'
import { acceptPush, type CommitGate, inOurWords } from '../ingest/service.ts'
import { gitHold, judgesRefsAlone, wantHold } from '../storage/service.ts'

const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name').replace(/\.git$/i, ''),
})

/** What a service does to the repo. A pure function, so that the decision falls before anything is read. */
export function actionOfService(service: string | null): 'repo.push' | 'repo.content.read' {
  return service === 'git-receive-pack' ? 'repo.push' : 'repo.content.read'
}

/** `gate`: what features above this one say of a push; handed in by features/index.ts. */
export const gitRoutes = (gate: CommitGate): Route[] => [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/info/refs',
    surface: 'git',
    action: ({ query }) => actionOfService(query.get('service')),
    target: repoOfPath,
    query: z.object({ service: z.string().optional() }),
    summary: 'Git: the refs, before a fetch or a push',
    answers: { 200: "Git's own format", 401: 'A token is needed', 404: 'There is no such repo' },
    handle: async ({ hub, allowed, query, request }) => {
      const service = serviceOf(query.service)
      if (service === 'git-upload-pack') refuseUncounted(allowed.credential)
      prepare(request, `application/x-${service}-advertisement`)
      if (service === 'git-upload-pack' && (await refuseFetch(hub, allowed, request, `# service=${service}\n`)))
        return taken
      const answer = { ...exchangeOf(request), response: request.response }
      await untilGone(request, advertiseRefs(hub.git, allowed.resource.id, service, answer))
      return taken
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/git-upload-pack',
    surface: 'git',
    action: 'repo.content.read',
    target: repoOfPath,
    summary: 'Git: clone and fetch',
    answers: { 200: "Git's own format", 415: 'Not a request of git' },
    handle: async ({ hub, allowed, request }) => {
      requireType(request, 'git-upload-pack')
      refuseUncounted(allowed.credential)
      prepare(request, 'application/x-git-upload-pack-result')
      if (await refuseFetch(hub, allowed, request, null)) return taken
      const onWants = (commits: readonly string[]): void => {
        const content = gitFetch(allowed.resource.id)
        noteDownload(hub, allowed, request.origin, { content, via: 'git', commits, bytes: 0 })
      }
      const mayWant = (await judgesRefsAlone(hub, allowed.resource))
        ? (wants: readonly string[]) => wantHold(hub, allowed.resource, wants)
        : undefined
      await untilGone(request, uploadPack(hub.git, allowed.resource.id, { ...exchangeOf(request), onWants, mayWant }))
      return taken
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/git-receive-pack',
    surface: 'git',
    action: 'repo.push',
    target: repoOfPath,
    summary: 'Git: push',
    answers: { 200: "Git's own format, with the verdict on each ref", 415: 'Not a request of git' },
    handle: async ({ hub, allowed, request, reauthorize }) => {
      requireType(request, 'git-receive-pack')
      prepare(request, 'application/x-git-receive-pack-result')
      const push = { ...exchangeOf(request), origin: request.origin, gate, reauthorize }
      await untilGone(request, acceptPush(hub, allowed, push))
      return taken
    },
  }),
]

/** Git prints what stands behind ERR, and nothing of an answer with another status. True where it was answered. */
async function refuseFetch(
  hub: Hub,
  allowed: Allowed<'repo.push' | 'repo.content.read'>,
  request: HttpRequest,
  service: string | null,
): Promise<boolean> {
  const reason = await gitHold(hub, allowed.resource)
  if (reason === null) return false
  if (service !== null) request.response.write(Buffer.concat([packet(service), Buffer.from(flushPacket)]))
  request.response.end(packet(`ERR ${reason}\n`))
  await once(request.response, 'close')
  return true
}

function serviceOf(name: string | undefined): GitService {
  if (name === 'git-upload-pack' || name === 'git-receive-pack') return name
  throw new HoldfastError('bad_request', {
    reason: 'This hub speaks git\'s smart protocol only: "service" is git-upload-pack or git-receive-pack.',
  })
}

/** Only git sends this type; a form on a web page cannot. */
function requireType(request: HttpRequest, service: GitService): void {
  const wanted = `application/x-${service}-request`
  if (request.header('content-type') !== wanted) throw new HoldfastError('unsupported_media_type', { allowed: wanted })
}

/** Headers wait until git has something to say, so that a refusal before that can still have its own. */
function prepare({ response }: HttpRequest, type: string): void {
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-cache, max-age=0, must-revalidate')
  response.setHeader('pragma', 'no-cache')
  response.setHeader('expires', 'Fri, 01 Jan 1980 00:00:00 GMT')
}

function exchangeOf(request: HttpRequest) {
  const gone = new AbortController()
  request.response.once('close', () => gone.abort())
  return {
    request: request.message,
    encoding: request.header('content-encoding'),
    protocol: request.header('git-protocol'),
    response: request.response,
    signal: gone.signal,
  }
}

/** Waits for the exchange. That the client went away in the middle of it is no failure of ours. */
async function untilGone({ response }: HttpRequest, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (error instanceof GitFailure && error.reason === 'aborted' && response.closed) return
    throw inOurWords(error)
  }
}
