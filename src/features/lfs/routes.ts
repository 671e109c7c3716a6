/** The addresses of Git LFS: batch and locks below the repo's own address, and the signed addresses that the bytes go to. */
import { z } from 'zod'
import { sendFile } from '../../access/file-reply.ts'
import type { Target } from '../../access/load-facts.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { authorize } from '../../domain/policy.ts'
import { storedContent } from '../../domain/quarantine.ts'
import { noteDownload } from '../downloads/service.ts'
import { bytesOf, findLinkedBlob, findPlacedBlob, refuseHeld } from '../storage/service.ts'
import { answerDownload, answerUpload, isSha256 } from './batch.ts'
import { duplicateFiles } from './duplicate.ts'
import { createLock, listLocks, presentLock, releaseLock } from './locks.ts'
import { completeUpload, receiveObject, receivePart } from './transfer.ts'

const mostObjects = 1_000
const mostLocks = 100

/** With and without `.git`, as git writes it. */
const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name').replace(/\.git$/i, ''),
})

const repoOfSignature = ({ params }: Asked<unknown>): Target => ({ on: 'repo-id', id: params.get('repo') })

const lfsJson = (value: unknown, status = 200): Reply => {
  const body = JSON.stringify(value)
  return { kind: 'body', status, type: 'application/vnd.git-lfs+json', body, headers: { 'cache-control': 'no-store' } }
}

const pageQuery = {
  cursor: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(0).optional(),
}
const limitOf = (limit: number | undefined): number => (!limit ? mostLocks : Math.min(limit, mostLocks))

const sizeQuery = z.object({ size: z.coerce.number().int().min(0) })

/** What an upload is for, where the client says it: a branch, as `refs/heads/x` or by its name. */
function revisionOf(ref: string | undefined): string {
  return ref === undefined || ref === '' ? 'main' : ref.replace(/^refs\/heads\//, '')
}

const mostDuplicates = 1_000

export const routes: Route[] = [
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/lfs-files/duplicate',
    surface: 'api',
    action: 'repo.content.read',
    target: ({ params }) => ({
      on: 'repo',
      kind: params.kind,
      namespace: params.get('namespace'),
      name: params.get('name'),
    }),
    body: z.object({
      target: z.object({ type: z.enum(['model', 'dataset', 'space']), name: z.string().max(300) }),
      files: z
        .array(z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is 64 lowercase hex digits') }))
        .max(mostDuplicates, `at most ${mostDuplicates} files at once`),
    }),
    summary: 'Copies large files to another repo, without sending their bytes',
    answers: {
      200: 'Those that failed, with the reason',
      403: 'The role or the token is too weak',
      404: 'RepoNotFound',
    },
    handle: async ({ hub, allowed, body, authorizeAlso }) => {
      const [namespace = '', name = ''] = body.target.name.split('/', 2)
      const pushing = await authorizeAlso('repo.push', { on: 'repo', kind: body.target.type, namespace, name })
      const sha256s = body.files.map((file) => file.sha256)
      return json(await duplicateFiles(hub, allowed, pushing, [...new Set(sha256s)]))
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/info/lfs/objects/batch',
    surface: 'lfs',
    // What is done to it stands in the body, and is decided there: who may push need not be let through the gate of a gated repo.
    action: 'repo.read',
    target: repoOfPath,
    body: z.object({
      operation: z.enum(['upload', 'download']),
      transfers: z.array(z.string()).max(20).optional(),
      ref: z.object({ name: z.string().max(1_000) }).nullish(),
      objects: z
        .array(z.object({ oid: z.string().max(200), size: z.number().int().min(0) }))
        .max(mostObjects, `at most ${mostObjects} objects at once`),
    }),
    summary: 'Git LFS: where to send or to get objects',
    answers: { 200: 'One entry for each object', 401: 'A token is needed', 404: 'RepoNotFound' },
    handle: async ({ hub, allowed, facts, body, request, authorizeAlso }) => {
      if (body.operation === 'download') {
        return lfsJson(await answerDownload(hub, authorize('repo.content.read', facts), body.objects))
      }
      const pushing = await authorizeAlso('repo.push', { on: 'repo-id', id: allowed.resource.id })
      const client = {
        takesMultipart: body.transfers?.includes('multipart') === true,
        takesXet: body.transfers?.includes('xet') === true,
        revision: revisionOf(body.ref?.name),
        xetSession: request.header('x-xet-session-id'),
        isGitLfs: /^git-lfs\//.test(request.origin.userAgent ?? ''),
      }
      return lfsJson(await answerUpload(hub, pushing, body.objects, client))
    },
  }),
  route({
    method: 'PUT',
    path: '/lfs/:repo/objects/:oid',
    surface: 'lfs',
    signed: true,
    action: 'repo.push',
    target: repoOfSignature,
    query: sizeQuery,
    summary: 'Git LFS: the bytes of an object, to the address that the batch gave',
    answers: { 200: 'Stored', 400: 'Wrong length or hash; nothing was stored', 403: 'The address is not valid' },
    handle: async ({ hub, params, query, request, reauthorize }) => {
      const blob = { sha256: oidOf(params.get('oid')), size: query.size }
      await receiveObject(hub, request, blob, reauthorize)
      return json({}, 200)
    },
  }),
  route({
    method: 'GET',
    path: '/lfs/:repo/objects/:oid',
    surface: 'lfs',
    signed: true,
    action: 'repo.content.read',
    target: repoOfSignature,
    summary: 'Git LFS: the bytes of an object, from the address that the batch gave',
    answers: { 200: 'The bytes', 206: 'The range that was asked for', 404: 'The repo has no such object' },
    handle: async ({ hub, allowed, params, request }) => {
      const blob = await findPlacedBlob(hub.db, allowed.resource.id, oidOf(params.get('oid')))
      if (blob === null) throw new HoldfastError('entry_not_found')
      const content = storedContent(blob.sha256)
      await refuseHeld(hub, allowed.resource, content)
      return await sendFile(request, hub.config, {
        name: blob.sha256,
        size: blob.size,
        etag: blob.sha256,
        served: { type: 'application/octet-stream', disposition: 'attachment' },
        caching: 'private, no-store',
        headers: {},
        ...bytesOf(hub, allowed.resource, blob),
        onSend: (bytes) => noteDownload(hub, allowed, request.origin, { content, via: 'lfs', bytes }),
      })
    },
  }),
  route({
    method: 'POST',
    path: '/lfs/:repo/objects/:oid/verify',
    surface: 'lfs',
    signed: true,
    action: 'repo.push',
    target: repoOfSignature,
    query: sizeQuery,
    summary: 'Git LFS: whether an object arrived',
    answers: { 200: 'It is stored', 404: 'It is not' },
    handle: async ({ hub, allowed, params, query }) => {
      const blob = await findLinkedBlob(hub.db, allowed.resource.id, oidOf(params.get('oid')))
      if (blob === null) throw new HoldfastError('entry_not_found')
      if (blob.size !== query.size) {
        throw new HoldfastError('length_mismatch', { received: blob.size, expected: query.size })
      }
      return lfsJson({ oid: blob.sha256, size: blob.size })
    },
  }),
  route({
    method: 'PUT',
    path: '/lfs/:repo/uploads/:upload/parts/:part',
    surface: 'lfs',
    signed: true,
    action: 'repo.push',
    target: repoOfSignature,
    summary: 'Git LFS: one part of an object, to the address that the batch gave',
    answers: { 200: 'Stored; its name is in ETag', 400: 'Wrong length', 403: 'The address is not valid' },
    handle: async ({ hub, allowed, params, request }) => {
      const etag = await receivePart(hub, allowed, request, params.get('upload'), Number(params.get('part')))
      return json({}, 200, { etag: `"${etag}"` })
    },
  }),
  route({
    method: 'POST',
    path: '/lfs/:repo/uploads/:upload',
    surface: 'lfs',
    signed: true,
    action: 'repo.push',
    target: repoOfSignature,
    body: z.object({
      oid: z.string(),
      parts: z.array(z.object({ partNumber: z.number().int(), etag: z.string() })).max(mostObjects),
    }),
    summary: 'Git LFS: all parts of an object were sent',
    answers: { 200: 'Joined, checked and stored', 400: 'Wrong length or hash' },
    handle: async ({ hub, allowed, params, body, reauthorize }) => {
      const said = { oid: body.oid, parts: body.parts.length }
      await completeUpload(hub, allowed, params.get('upload'), said, reauthorize)
      return lfsJson({ oid: body.oid, success: true })
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/info/lfs/locks',
    surface: 'lfs',
    action: 'repo.content.read',
    target: repoOfPath,
    query: z.object({ ...pageQuery, path: z.string().optional(), id: z.string().optional() }),
    summary: 'Git LFS: the locks of a repo',
    handle: async ({ hub, allowed, query }) => {
      const filter = { path: query.path, id: query.id, after: query.cursor ?? null }
      const page = await listLocks(hub, allowed, filter, limitOf(query.limit))
      return lfsJson({ locks: page.locks.map(presentLock), ...nextCursor(page.next) })
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/info/lfs/locks',
    surface: 'lfs',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({ path: z.string(), ref: z.object({ name: z.string().max(300) }).nullish() }),
    summary: 'Git LFS: lock a file',
    answers: { 201: 'Locked', 409: 'Somebody has locked it' },
    handle: async ({ hub, allowed, body }) => {
      const lock = await createLock(hub, allowed, { path: body.path, ref: body.ref?.name ?? null })
      return lfsJson({ lock: presentLock(lock) }, 201)
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/info/lfs/locks/verify',
    surface: 'lfs',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object(pageQuery),
    summary: "Git LFS: one's own locks and those of others, before a push",
    handle: async ({ hub, allowed, body }) => {
      const page = await listLocks(hub, allowed, { after: body.cursor ?? null }, limitOf(body.limit))
      const { principal } = allowed
      const isMine = (ownerId: string): boolean => accountOf(principal)?.id === ownerId
      return lfsJson({
        ours: page.locks.filter((lock) => isMine(lock.ownerId)).map(presentLock),
        theirs: page.locks.filter((lock) => !isMine(lock.ownerId)).map(presentLock),
        ...nextCursor(page.next),
      })
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/info/lfs/locks/:lock/unlock',
    surface: 'lfs',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({ force: z.boolean().optional() }),
    summary: 'Git LFS: release a lock; with force that of somebody else',
    answers: { 200: 'Released', 403: 'It is the lock of somebody else', 404: 'There is no such lock' },
    handle: async ({ hub, allowed, params, body, request, authorizeAlso }) => {
      const here: Target = { on: 'repo-id', id: allowed.resource.id }
      const breakAny = body.force === true ? () => authorizeAlso('repo.unlock_any', here) : null
      const lock = await releaseLock(hub, allowed, request.origin, params.get('lock'), breakAny)
      return lfsJson({ lock: presentLock(lock) })
    },
  }),
]

function oidOf(value: string): string {
  if (!isSha256(value)) throw new HoldfastError('entry_not_found')
  return value
}

function nextCursor(next: string | null): { next_cursor?: string } {
  return next === null ? {} : { next_cursor: next }
}
