/** Trusted publishers for programs. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { presentPublisher } from './present.ts'
import {
  createAccountPublisher,
  createRepoPublisher,
  deleteAccountPublisher,
  deleteRepoPublisher,
  getAccountPublisher,
  getRepoPublisher,
  listAccountPublishers,
  listRepoPublishers,
} from './service.ts'

const ofRepo = '/api/{kinds}/:namespace/:name/trusted-publishers'
const ofAccount = '/api/organizations/:name/service-accounts/:id/trusted-publishers'

const repo = ({ params }: { params: Params }) =>
  ({ on: 'repo', kind: params.kind, namespace: params.get('namespace'), name: params.get('name') }) as const
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

const values = z.union([z.string(), z.array(z.string()).max(50)])
/** Strict: what narrows it must not be left out because it stands in the wrong place, such as an `environment` beside the claims. */
const newPublisher = z.strictObject({
  issuer: z.string().max(1_000),
  audience: z.string().max(1_000).nullish(),
  claims: z.record(z.string(), values),
})

export const publisherApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: ofRepo,
    surface: 'api',
    action: 'repo.publisher.read',
    target: repo,
    summary: 'The trusted publishers of a repo, with the run that last got a token.',
    handle: async ({ hub, allowed }) => json((await listRepoPublishers(hub, allowed)).map(presentPublisher)),
  }),
  route({
    method: 'POST',
    path: ofRepo,
    surface: 'api',
    action: 'repo.publisher.create',
    target: repo,
    body: newPublisher,
    summary:
      'Lets automation elsewhere push to a repo in the name of the caller, by ID tokens of `issuer` with these `claims`.',
    answers: { 201: 'It is trusted', 422: 'It would trust everybody, or its issuer cannot be asked' },
    handle: async ({ hub, allowed, body, request }) =>
      json(presentPublisher(await createRepoPublisher(hub, allowed, request.origin, body)), 201),
  }),
  route({
    method: 'GET',
    path: `${ofRepo}/:id`,
    surface: 'api',
    action: 'repo.publisher.read',
    target: repo,
    summary: 'One trusted publisher of a repo.',
    handle: async ({ hub, allowed, params }) =>
      json(presentPublisher(await getRepoPublisher(hub, allowed, params.get('id')))),
  }),
  route({
    method: 'DELETE',
    path: `${ofRepo}/:id`,
    surface: 'api',
    action: 'repo.publisher.delete',
    target: repo,
    summary: 'Deletes a trusted publisher of a repo. Tokens that it got are refused from the next request.',
    answers: { 204: 'It is gone' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteRepoPublisher(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
  route({
    method: 'GET',
    path: ofAccount,
    surface: 'api',
    action: 'org.service_account.read',
    target: organization,
    summary: 'The trusted publishers of a service account, with the run that last got a token.',
    handle: async ({ hub, allowed, params }) =>
      json((await listAccountPublishers(hub, allowed, params.get('id'))).map(presentPublisher)),
  }),
  route({
    method: 'POST',
    path: ofAccount,
    surface: 'api',
    action: 'org.service_account.token.create',
    target: organization,
    body: newPublisher,
    summary: 'Lets automation elsewhere act as a service account, by ID tokens of `issuer` with these `claims`.',
    answers: { 201: 'It is trusted', 422: 'It would trust everybody, or its issuer cannot be asked' },
    handle: async ({ hub, allowed, params, body, request }) =>
      json(presentPublisher(await createAccountPublisher(hub, allowed, request.origin, params.get('id'), body)), 201),
  }),
  route({
    method: 'GET',
    path: `${ofAccount}/:publisher`,
    surface: 'api',
    action: 'org.service_account.read',
    target: organization,
    summary: 'One trusted publisher of a service account.',
    handle: async ({ hub, allowed, params }) =>
      json(presentPublisher(await getAccountPublisher(hub, allowed, params.get('id'), params.get('publisher')))),
  }),
  route({
    method: 'DELETE',
    path: `${ofAccount}/:publisher`,
    surface: 'api',
    action: 'org.service_account.token.delete',
    target: organization,
    summary: 'Deletes a trusted publisher of a service account. Tokens that it got are refused from the next request.',
    answers: { 204: 'It is gone' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteAccountPublisher(hub, allowed, request.origin, params.get('id'), params.get('publisher'))
      return empty(204)
    },
  }),
]
