/** The page on which somebody says which servers answer for a model. The rules are those of the API: the same services decide. */
import { z } from 'zod'
import { formWithFault, orShow } from '../../access/form-fault.ts'
import { redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, type Call as RouteCall, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { withQuery } from '../../web/address.ts'
import { repoViewOf } from '../repos/service.ts'
import type { Backend, Served } from './queries.ts'
import {
  madeFromShape,
  type ServerForm,
  serverFormShape,
  serverOf,
  withoutServer,
  withRevision,
  withServer,
} from './server-form.ts'
import { serversReply, type View } from './server-page-reply.tsx'
import { serversPath } from './server-view.ts'
import { getServers, type MadeFrom, removeServers, setServers } from './service.ts'
import { tryModel, tryShape } from './try-it.ts'

const path = '/:namespace/:name/settings/inference'
const target = ({ params }: { readonly params: Params }) =>
  ({ on: 'repo', kind: 'model', namespace: params.get('namespace'), name: params.get('name') }) as const

const query = z.object({
  dialog: z.enum(['remove', 'end', 'embed']).optional().catch(undefined),
  server: z.string().max(100).default(''),
  change: z.string().max(100).default(''),
  /** Of a server that was removed: to take it back. */
  url: z.string().max(2_000).optional(),
  kind: z.string().max(20).optional(),
  model: z.string().max(200).optional(),
  weight: z.string().max(3).optional(),
})

export const serverPageRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'page',
    action: 'repo.inference.read',
    target,
    query,
    handle: async ({ hub, allowed, facts, query: asked, request }) =>
      await serversReply(hub, facts, request, await getServers(hub, allowed), viewOfQuery(asked)),
  }),
  route({
    method: 'POST',
    path,
    surface: 'page',
    action: 'repo.inference.update',
    target,
    body: serverFormShape,
    handle: (call) => saveServer(call, null, call.body),
  }),
  route({
    method: 'POST',
    path: `${path}/revision`,
    surface: 'page',
    action: 'repo.inference.update',
    target,
    body: madeFromShape.extend({ revision: z.string().max(1_000).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShowServers(
        { hub, allowed, facts, request },
        async () => {
          const asked = withRevision(await getServers(hub, allowed), body.revision)
          const served = await setServers(hub, allowed, facts, request.origin, asked, seen(body))
          return redirectWithNotice(here(facts), 'success', revisionWords(served))
        },
        (fault) => ({ revisionForm: formWithFault({ revision: body.revision }, fault, revisionFields) }),
      ),
  }),
  route({
    method: 'POST',
    path: `${path}/embedded`,
    surface: 'page',
    action: 'repo.inference.update',
    target,
    body: madeFromShape,
    handle: ({ hub, allowed, facts, body, request }) =>
      orShowServers(
        { hub, allowed, facts, request },
        async () => {
          await setServers(hub, allowed, facts, request.origin, { embedded: true }, keeping(body))
          const notice = 'The hub runs this model from now on. The first call loads it.'
          return redirectWithNotice(here(facts), 'success', notice)
        },
        (fault) => ({ embedForm: formWithFault({}, fault) }),
      ),
  }),
  route({
    method: 'POST',
    path: `${path}/end`,
    surface: 'page',
    action: 'repo.inference.update',
    target,
    body: madeFromShape,
    handle: ({ hub, allowed, facts, body, request }) =>
      orShowServers(
        { hub, allowed, facts, request },
        async () => {
          await removeServers(hub, allowed, request.origin, seen(body))
          return redirectWithNotice(here(facts), 'success', 'Nobody answers for this model any more.')
        },
        (fault) => ({ form: formWithFault({}, fault) }),
      ),
  }),
  route({
    method: 'POST',
    path: `${path}/try`,
    surface: 'page',
    action: 'repo.infer',
    target,
    body: tryShape,
    handle: async (call) => {
      const { hub, facts, body, request } = call
      const served = await getServers(hub, await call.authorizeAlso('repo.inference.read', target(call)))
      try {
        const answer = await tryModel(call, body)
        if ('kind' in answer) return answer
        return await serversReply(hub, facts, request, served, {
          tried: { form: { values: body, errors: {} }, answer },
        })
      } catch (fault) {
        // A refusal of the rules is told with its reason; what servers say is the answer of this page.
        if (!(fault instanceof HoldfastError) || fault.extras.denied !== undefined) throw fault
        const tried = { form: formWithFault(body, fault), answer: null }
        return await serversReply(hub, facts, request, served, { tried, fault })
      }
    },
  }),
  route({
    method: 'POST',
    path: `${path}/:id`,
    surface: 'page',
    action: 'repo.inference.update',
    target,
    body: serverFormShape,
    handle: (call) => saveServer(call, call.params.get('id'), call.body),
  }),
  route({
    method: 'POST',
    path: `${path}/:id/remove`,
    surface: 'page',
    action: 'repo.inference.update',
    target,
    body: madeFromShape,
    handle: ({ hub, allowed, facts, body, params, request }) =>
      orShowServers(
        { hub, allowed, facts, request },
        async () => {
          const served = await getServers(hub, allowed)
          refuseStale(served, body)
          const gone = serverOf(served, params.get('id'))
          const rest = withoutServer(served, gone.id)
          if ((rest.backends ?? []).length === 0) await removeServers(hub, allowed, request.origin, seen(body))
          else await setServers(hub, allowed, facts, request.origin, rest, keeping(body))
          const notice = `${gone.url} gets no more calls. To take it back, add it again: the form below has it${gone.secret === null ? '' : ', without its key'}.`
          return redirectWithNotice(withQuery(here(facts), again(gone)), 'success', notice)
        },
        (fault) => ({ form: formWithFault({}, fault) }),
      ),
  }),
]

const revisionFields = {
  revision_not_found: 'revision',
  branch_not_found: 'revision',
  model_not_runnable: 'revision',
} as const

function revisionWords({ revision, isEmbedded }: Served): string {
  const what = revision ?? 'the head'
  return isEmbedded ? `The hub runs ${what}.` : `The servers run ${what}, as far as the hub is told.`
}

function here(facts: Facts): string {
  return serversPath(repoViewOf(facts))
}

type Changing = Pick<RouteCall<'repo.inference.update', unknown, unknown>, 'hub' | 'allowed' | 'facts' | 'request'>

/** What can be mended is told over the page as it is now; `view`: in which of its forms. */
async function orShowServers(
  { hub, allowed, facts, request }: Changing,
  run: () => Promise<Reply>,
  view: (fault: HoldfastError, served: Served | null) => View,
): Promise<Reply> {
  return await orShow(run, async (fault) => {
    const served = await getServers(hub, allowed)
    return await serversReply(hub, facts, request, served, { ...view(fault, served), fault })
  })
}

async function saveServer(changing: Changing, id: string | null, body: ServerForm): Promise<Reply> {
  const { hub, allowed, facts, request } = changing
  return await orShowServers(
    changing,
    async () => {
      const served = await getServers(hub, allowed)
      refuseStale(served, body)
      await setServers(hub, allowed, facts, request.origin, withServer(served, id, body), keeping(body))
      const words = id === null ? 'answers for this model from now on' : 'is changed'
      return redirectWithNotice(here(facts), 'success', `${body.url.trim()} ${words}.`)
    },
    (fault, served) => {
      const { secret: _never, madeFrom: _old, ...shown } = body
      const isThere = served?.backends.some((backend) => backend.id === id) === true
      return { form: formWithFault(shown, fault), ...(id !== null && isThere ? { changing: id } : {}) }
    },
  )
}

function seen({ madeFrom }: z.output<typeof madeFromShape>): MadeFrom {
  return { updatedAt: madeFrom === '' ? null : madeFrom }
}

/** Everything but the servers stays as it is. */
function keeping(body: z.output<typeof madeFromShape>): MadeFrom {
  return { ...seen(body), keepsRevision: true }
}

/** Before anything else is said of servers that are others by now; what counts is asked again when it is written. */
function refuseStale(served: Served | null, body: z.output<typeof madeFromShape>): void {
  if (seen(body).updatedAt !== (served?.updatedAt ?? null)) throw new HoldfastError('servers_changed')
}

/** What would put a server that was removed into the form again. */
function again({ url, kind, model, weight }: Backend): Record<string, string | null> {
  return { url, kind, model, weight: String(weight) }
}

function viewOfQuery(asked: z.output<typeof query>): View {
  const { dialog, server, change, url, kind, model, weight } = asked
  if (dialog === 'end' || dialog === 'embed') return { dialog: { kind: dialog } }
  if (dialog === 'remove') return { dialog: { kind: 'remove', id: server } }
  if (change !== '') return { changing: change }
  if (url === undefined) return {}
  const values = Object.entries({ url, kind, model, weight }).filter(([, value]) => value !== undefined)
  return { form: { values: Object.fromEntries(values) as Record<string, string>, errors: {} } }
}
