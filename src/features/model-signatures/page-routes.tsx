/** The pages of model signatures. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import type { Target } from '../../access/load-facts.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Asked, type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import { splitRevisionAndPath } from '../../domain/names.ts'
import { mayOnceFresh } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { getRevision } from '../files/service.ts'
import { repoViewOf } from '../repos/service.ts'
import { revisionHold } from '../storage/service.ts'
import { ModelKeysPage } from './key-pages.tsx'
import { ModelSignaturePage } from './pages.tsx'
import { countVerifiedBy } from './queries.ts'
import { modelSignatureOf } from './state.ts'
import { distrustKey, handsOutSignedOnly, listTrustedKeys, setSignedOnly, trustKey } from './trusted-keys.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})
const base = '/organizations/:name/settings/model-signatures'

export const modelSignaturePageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/model-signature/*',
    surface: 'page',
    action: 'repo.read',
    target: repoOfPath,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const { revision } = splitRevisionAndPath(params.tail)
      const { commit } = await getRevision(hub, allowed, revision)
      const [context, signature, hold] = await Promise.all([
        pageContext(hub, facts, request),
        modelSignatureOf(hub, allowed.resource, commit),
        revisionHold(hub, allowed.resource, commit),
      ])
      const repo = { ...repoViewOf(facts), hold }
      return pageReply(
        context,
        <ModelSignaturePage context={context} repo={repo} revision={revision} commit={commit} signature={signature} />,
      )
    },
  }),
  route({
    method: 'GET',
    path: base,
    surface: 'page',
    action: 'org.model_key.list',
    target: organization,
    query: z.object({ dialog: z.string().max(30).optional(), key: z.string().max(100).optional() }),
    handle: async ({ hub, allowed, facts, params, query, request, authorizeAlso }) => {
      if (query.dialog === 'delete') await authorizeAlso('org.model_key.delete', organization({ params }))
      return await keysReply(hub, allowed.resource, facts, request, {
        asked: query.dialog === 'delete' ? query.key : undefined,
      })
    },
  }),
  route({
    method: 'POST',
    path: `${base}/keys`,
    surface: 'page',
    action: 'org.model_key.create',
    target: organization,
    body: z.object({ name: z.string().max(1_000).default(''), key: z.string().max(100_000).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const key = await trustKey(hub, allowed, request.origin, body)
          return redirectWithNotice(pathOf(allowed.resource), 'success', `${key.name} is trusted to sign models.`)
        },
        (fault) => {
          // A secret does not travel back to the browser.
          const values = fault.code === 'private_key_exposed' || /PRIVATE/.test(body.key) ? { name: body.name } : body
          const form = formWithFault(values, fault, { model_key_taken: 'key' })
          return keysReply(hub, allowed.resource, facts, request, { forms: { key: form }, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/keys/:id/delete`,
    surface: 'page',
    action: 'org.model_key.delete',
    target: organization,
    handle: async ({ hub, allowed, params, request }) => {
      const key = await distrustKey(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(pathOf(allowed.resource), 'success', `${key.name} is no longer trusted.`)
    },
  }),
  route({
    method: 'POST',
    path: `${base}/policy`,
    surface: 'page',
    action: 'org.signed_models.update',
    target: organization,
    body: z.object({ only: z.enum(['all', 'signed']) }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await setSignedOnly(hub, allowed, request.origin, body.only === 'signed')
          return redirectWithNotice(pathOf(allowed.resource), 'success', 'The policy is saved.')
        },
        (fault) => {
          const form = formWithFault(body, fault)
          return keysReply(hub, allowed.resource, facts, request, { forms: { policy: form }, fault })
        },
      ),
  }),
]

function pathOf({ name }: OwnerFacts): string {
  return organizationSettingsPath(name, 'model-signatures')
}

interface View {
  readonly asked?: string | undefined
  readonly forms?: { readonly key?: FormState; readonly policy?: FormState }
  readonly fault?: HoldfastError
}

async function keysReply(hub: Hub, owner: OwnerFacts, facts: Facts, request: HttpRequest, view: View): Promise<Reply> {
  const [context, keys, signedOnly] = await Promise.all([
    pageContext(hub, facts, request),
    listTrustedKeys(hub, owner),
    handsOutSignedOnly(hub, owner.id),
  ])
  const asked = keys.find(({ id }) => id === view.asked)
  const dialog = asked === undefined ? null : { trusted: asked, revisions: await countVerifiedBy(hub.db, asked.id) }
  const page = (
    <ModelKeysPage
      context={context}
      organization={owner.name}
      keys={keys}
      signedOnly={signedOnly}
      mayChange={mayOnceFresh('org.model_key.create', facts)}
      forms={{ key: freshForm, policy: freshForm, ...view.forms }}
      dialog={dialog}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}
