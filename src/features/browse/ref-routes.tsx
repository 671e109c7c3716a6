/** The page of branches and tags, and its forms. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import type { Target } from '../../access/load-facts.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { type ErrorCode, HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { repoPath } from '../../web/address.ts'
import { isConfirmed } from '../../web/confirmation.tsx'
import { freshForm } from '../../web/form-state.ts'
import { createBranch, createTag, deleteBranch, deleteTag, type Reading, type RefGate } from '../files/service.ts'
import { repoViewOf } from '../repos/service.ts'
import { loadRefs } from './load-refs.ts'
import { type RefKind, type RefsDialog, RefsPage } from './refs-page.tsx'

const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const field = z.string().max(2_000).default('')
const fieldOf: Partial<Record<ErrorCode, string>> = {
  invalid_ref_name: 'name',
  reference_exists: 'name',
  revision_not_found: 'startingPoint',
}

const changeRoutes = (gate: RefGate, what: RefKind, path: 'branches' | 'tags'): Route[] => [
  route({
    method: 'POST',
    path: `/{prefix}:namespace/:name/refs/${path}`,
    surface: 'page',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({ name: field, startingPoint: field, message: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const name = body.name.trim()
          const revision = body.startingPoint.trim() || 'main'
          if (what === 'branch') {
            const branch = { name, startingPoint: revision, isEmpty: false, overwrite: false }
            await createBranch(hub, gate, allowed, request.origin, branch)
          } else await createTag(hub, gate, allowed, request.origin, { name, revision, message: body.message })
          return redirectWithNotice(refsPath(facts), 'success', `The ${what} ${name} is made.`)
        },
        (fault) =>
          refsReply(hub, allowed, facts, request, {
            dialog: { kind: 'create', what, form: formWithFault(body, fault, fieldOf) },
            fault,
          }),
      ),
  }),
  route({
    method: 'POST',
    path: `/{prefix}:namespace/:name/refs/${path}/delete`,
    surface: 'page',
    action: 'repo.push',
    target: repoOfPath,
    body: z.object({ name: field, confirm: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { name, confirm } = body
          if (!isConfirmed(confirm, name)) {
            throw new HoldfastError('invalid_input', { reason: `Type ${name} to delete it.`, field: 'confirm' })
          }
          await (what === 'branch' ? deleteBranch : deleteTag)(hub, allowed, request.origin, name)
          return redirectWithNotice(refsPath(facts), 'success', `The ${what} ${name} is deleted.`)
        },
        (fault) =>
          refsReply(hub, allowed, facts, request, {
            dialog: { kind: 'delete', what, name: body.name, form: formWithFault(body, fault) },
            fault,
          }),
      ),
  }),
]

export const browseRefRoutes = (gate: RefGate): Route[] => [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/refs',
    surface: 'page',
    action: 'repo.read',
    target: repoOfPath,
    query: z.object({ dialog: z.string().max(30).optional(), name: z.string().max(300).optional() }),
    handle: ({ hub, allowed, facts, query, request }) =>
      refsReply(hub, allowed, facts, request, { dialog: dialogOf(query.dialog, query.name) }),
  }),
  ...changeRoutes(gate, 'branch', 'branches'),
  ...changeRoutes(gate, 'tag', 'tags'),
]

function dialogOf(dialog: string | undefined, name: string | undefined): RefsDialog {
  const [, kind, what] = /^(new|delete)-(branch|tag)$/.exec(dialog ?? '') ?? []
  if (what !== 'branch' && what !== 'tag') return null
  if (kind === 'new') return { kind: 'create', what, form: freshForm }
  return name === undefined || name === '' ? null : { kind: 'delete', what, name, form: freshForm }
}

function refsPath(facts: Facts): string {
  return repoPath(repoViewOf(facts), '/refs')
}

/** A dialog is drawn only for those who may press its button. */
async function refsReply(
  hub: Hub,
  allowed: Reading,
  facts: Facts,
  request: HttpRequest,
  shown: { readonly dialog: RefsDialog; readonly fault?: HoldfastError },
): Promise<Reply> {
  const repo = repoViewOf(facts)
  const [context, refs] = await Promise.all([pageContext(hub, facts, request), loadRefs(hub, allowed)])
  const page = <RefsPage context={context} repo={repo} {...refs} dialog={repo.mayWrite ? shown.dialog : null} />
  return pageReply(context, page, shown.fault === undefined ? {} : faultAnswer(shown.fault))
}
