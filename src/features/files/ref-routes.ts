/** The addresses that make and delete branches and tags (hub-api.md, section 8). */
import { z } from 'zod'
import type { Target } from '../../access/load-facts.ts'
import { json } from '../../access/reply.ts'
import { type Asked, type Params, type Route, route } from '../../access/route.ts'
import { decodeSegment, repoAddress, splitRevisionAndPath } from '../../domain/names.ts'
import { createBranch, createTag, deleteBranch, deleteTag, type RefGate } from './ref-changes.ts'

const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

/** A name may have slashes, and some clients do not encode them. */
const nameOf = (params: Params): string => params.tail.map(decodeSegment).join('/')

/** `gate` is handed in by features/index.ts. */
export const refRoutes = (gate: RefGate): Route[] => [
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/branch/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({
      startingPoint: z.string().max(300).nullish(),
      emptyBranch: z.boolean().nullish(),
      overwrite: z.boolean().nullish(),
    }),
    summary: 'Make a branch',
    answers: { 200: 'Made', 404: 'RevisionNotFound', 409: 'There is one of that name' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const name = nameOf(params)
      await createBranch(hub, gate, allowed, request.origin, {
        name,
        startingPoint: body.startingPoint ?? null,
        isEmpty: body.emptyBranch === true,
        overwrite: body.overwrite === true,
      })
      const { kind, owner } = allowed.resource
      const address = repoAddress(kind, owner.name, allowed.resource.name)
      return json({ url: `${hub.config.publicUrl}/${address}/tree/${encodeURIComponent(name)}` })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/{kinds}/:namespace/:name/branch/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    summary: 'Delete a branch',
    answers: { 200: 'Deleted', 400: 'It is main', 404: 'RevisionNotFound' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteBranch(hub, allowed, request.origin, nameOf(params))
      return json({ success: true })
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/tag/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({ tag: z.string().max(300), message: z.string().max(100_000).nullish() }),
    summary: 'Tag a revision; with a message the tag is annotated',
    answers: { 200: 'Made', 404: 'RevisionNotFound', 409: 'There is one of that name' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const { revision } = splitRevisionAndPath(params.tail)
      await createTag(hub, gate, allowed, request.origin, { name: body.tag, revision, message: body.message ?? null })
      return json({ success: true })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/{kinds}/:namespace/:name/tag/*',
    surface: 'api',
    action: 'repo.push',
    target: repoOfPath,
    summary: 'Delete a tag',
    answers: { 200: 'Deleted', 404: 'RevisionNotFound' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteTag(hub, allowed, request.origin, nameOf(params))
      return json({ success: true })
    },
  }),
]
