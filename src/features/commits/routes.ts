/** The addresses through which clients upload without git: plan, commit, squash. */
import { z } from 'zod'
import { queryFlag, streamBody } from '../../access/body.ts'
import type { Target } from '../../access/load-facts.ts'
import { json } from '../../access/reply.ts'
import { type Asked, type Call, type Route, route } from '../../access/route.ts'
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import { decodeSegment } from '../../domain/names.ts'
import type { CommitGate } from '../ingest/service.ts'
import { presentCommitted, presentPlan } from './present.ts'
import { commitFromBody, planUpload, squashBranch } from './service.ts'

const mostFiles = 5000
/** 512 bytes in base64; whoever sends more is read this far. */
const sampleLength = 684

const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const uploadQuery = z.object({ create_pr: queryFlag.optional() })

/** No part of these addresses is a path, so a branch with raw slashes is read as one. */
const revisionOf = (tail: readonly string[]): string => tail.map(decodeSegment).join('/')

/** A caller who may not write learns that pull requests, the way open to him, are not there yet. */
const insteadOfPullRequest = async (refusal: HoldfastError, _facts: unknown, { query }: Asked<unknown>) => {
  if (refusal.status === 403 && query.has('create_pr')) refusePullRequest(queryFlag.parse(query.get('create_pr') ?? ''))
  return null
}

function refusePullRequest(isAsked: boolean | undefined): void {
  if (isAsked === true) throw new HoldfastError('pull_requests_missing')
}

/** `gate`: whether the hub may make commits for people at all, and who looks at their files; handed in by features/index.ts. */
export const commitRoutes = (gate: Pick<CommitGate, 'mayCommit' | 'watch'>): Route[] => [
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/preupload/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    onRefused: insteadOfPullRequest,
    query: uploadQuery,
    body: z.object({
      files: z
        .array(
          z.object({
            path: z.string().max(4096),
            size: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
            sample: z.string().default(''),
          }),
        )
        .max(mostFiles, `at most ${mostFiles} files at once`),
      gitAttributes: z.string().nullish(),
      gitIgnore: z.string().nullish(),
    }),
    bodyLimit: 4 << 20,
    summary: 'For each file to upload: as a large file or inside the commit, ignored or not, and what is there already',
    answers: { 200: 'One plan for each file', 404: 'RepoNotFound, or RevisionNotFound where that is no branch' },
    handle: async ({ hub, allowed, params, query, body, authorizeAlso }) => {
      refusePullRequest(query.create_pr)
      const reading = await authorizeAlso('repo.read', { on: 'repo-id', id: allowed.resource.id })
      const plan = await planUpload(hub, allowed, reading, {
        revision: revisionOf(params.tail),
        files: body.files.map(({ path, size, sample }) => ({
          path,
          size,
          sample: Buffer.from(sample.slice(0, sampleLength), 'base64'),
        })),
        gitAttributes: body.gitAttributes ?? undefined,
        gitIgnore: body.gitIgnore ?? undefined,
      })
      return json(presentPlan(plan))
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/commit/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    onRefused: insteadOfPullRequest,
    query: uploadQuery,
    summary: 'Makes a commit from a stream of operations (NDJSON): all of it or nothing',
    answers: {
      200: 'The commit; the head as it was where nothing changes',
      400: 'A line or the metadata in README.md is not valid',
      404: 'RepoNotFound, RevisionNotFound where that is no branch, or EntryNotFound for a file to delete',
      409: 'The branch moved meanwhile',
      412: 'The branch is not at parentCommit',
      422: 'A path is not allowed, a large file was not uploaded, or a file holds a secret',
    },
    handle: async (call) => {
      const { hub, allowed, params, request, query } = call
      refusePullRequest(query.create_pr)
      await gate.mayCommit(hub, allowed)
      const asked = {
        revision: revisionOf(params.tail),
        origin: request.origin,
        mayRead: (repoId: string) => mayRead(call, repoId),
        watch: await gate.watch(hub, allowed),
        // Asked once more where the ref moves: bodies may take hours, and a policy holds from the moment it is set.
        reauthorize: async () => {
          const again = await call.reauthorize()
          await gate.mayCommit(hub, again)
          return again
        },
      }
      const { commit } = await commitFromBody(hub, allowed, asked, streamBody(request))
      return json(presentCommitted(hub, allowed.resource, commit))
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/super-squash/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({ message: z.string().max(8192).default('') }),
    summary: 'Makes one commit of the whole history of a branch',
    answers: { 200: 'Done', 404: 'RepoNotFound, or RevisionNotFound where that is no branch' },
    handle: async ({ hub, allowed, params, body, request }) => {
      await gate.mayCommit(hub, allowed)
      const message = body.message.trim() === '' ? 'Super-squash branch' : body.message
      const commit = await squashBranch(hub, allowed, request.origin, { revision: revisionOf(params.tail), message })
      return json(presentCommitted(hub, allowed.resource, commit))
    },
  }),
]

async function mayRead(
  call: Pick<Call<'repo.push', unknown, unknown>, 'authorizeAlso'>,
  id: string,
): Promise<RepoFacts | null> {
  const allowed = await orRefusal(() => call.authorizeAlso('repo.content.read', { on: 'repo-id', id }))
  return allowed instanceof HoldfastError ? null : allowed.resource
}
