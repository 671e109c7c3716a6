/** The wire of model signatures: of a revision, whom an organization trusts, and whether it hands out others. */
import { z } from 'zod'
import type { Target } from '../../access/load-facts.ts'
import { empty, json } from '../../access/reply.ts'
import { type Asked, type Params, type Route, route } from '../../access/route.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { getRevision } from '../files/service.ts'
import { presentBrief, presentModelSignature, presentTrustedKey } from './present.ts'
import { modelSignatureOf } from './state.ts'
import { distrustKey, handsOutSignedOnly, listTrustedKeys, setSignedOnly, trustKey } from './trusted-keys.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})
const keys = '/api/organizations/:name/model-keys'
const only = '/api/organizations/:name/signed-models'

export const modelSignatureRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/model-signature/:revision',
    surface: 'api',
    action: 'repo.read',
    target: repoOfPath,
    summary: 'Whether a revision is signed as a model by somebody whom its organization trusts, and which files differ',
    answers: { 200: '`status`: `verified`, `unverified` (with `reason`), `none`, or `pending` while it is looked at' },
    handle: async ({ hub, allowed, params }) => {
      const { commit } = await getRevision(hub, allowed, params.get('revision'))
      return json(presentModelSignature(commit, await modelSignatureOf(hub, allowed.resource, commit)))
    },
  }),
  route({
    method: 'GET',
    path: keys,
    surface: 'api',
    action: 'org.model_key.list',
    target: organization,
    summary: 'Keys and certificates whose signatures of models an organization trusts',
    handle: async ({ hub, allowed }) => json((await listTrustedKeys(hub, allowed.resource)).map(presentTrustedKey)),
  }),
  route({
    method: 'POST',
    path: keys,
    surface: 'api',
    action: 'org.model_key.create',
    target: organization,
    body: z.strictObject({ key: z.string().max(100_000), name: z.string().max(1_000).default('') }),
    summary: 'Trusts a public key (P-256, P-384, P-521) or a certificate, in PEM, in a session',
    answers: { 200: 'It is trusted', 400: 'It is no such key', 409: 'It is trusted already' },
    handle: async ({ hub, allowed, body, request }) =>
      json(presentTrustedKey(await trustKey(hub, allowed, request.origin, body))),
  }),
  route({
    method: 'DELETE',
    path: `${keys}/:id`,
    surface: 'api',
    action: 'org.model_key.delete',
    target: organization,
    summary: 'Trusts a key or a certificate no longer, in a session: what it verified is unverified at once',
    answers: { 204: 'It is trusted no longer', 404: 'There is no such key' },
    handle: async ({ hub, allowed, params, request }) => {
      await distrustKey(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
  route({
    method: 'GET',
    path: only,
    surface: 'api',
    action: 'org.model_key.list',
    target: organization,
    summary: 'Whether an organization hands out signed models alone',
    handle: async ({ hub, allowed }) => json({ signedModelsOnly: await handsOutSignedOnly(hub, allowed.resource.id) }),
  }),
  route({
    method: 'PUT',
    path: only,
    surface: 'api',
    action: 'org.signed_models.update',
    target: organization,
    body: z.strictObject({ signedModelsOnly: z.boolean() }),
    summary: 'Hands out signed models of an organization alone, or all again, in a session',
    handle: async ({ hub, allowed, body, request }) => {
      await setSignedOnly(hub, allowed, request.origin, body.signedModelsOnly)
      return json(body)
    },
  }),
]

/** For repo info, whose feature is below this one. */
export async function modelSignatureBrief(hub: Hub, allowed: Allowed<'repo.read'>, commit: string): Promise<object> {
  return presentBrief(await modelSignatureOf(hub, allowed.resource, commit))
}
