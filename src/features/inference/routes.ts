/** Which servers answer for a model, or that the hub does, for programs. */
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { isoTime } from '../../domain/iso-time.ts'
import type { Hub } from '../../hub.ts'
import { settingsShape } from './backend.ts'
import { presentEmbedded } from './embedded/running.ts'
import { gatewayOf } from './gateway.ts'
import type { Backend, Served } from './queries.ts'
import { getServers, removeServers, setServers } from './service.ts'
import { exportQuery, getOwnUsage, getUsage, type Usage, usageQuery } from './usage.ts'
import { exportUsage } from './usage-export.ts'

const path = '/api/models/:namespace/:name/inference'
const target = ({ params }: { readonly params: Params }) =>
  ({ on: 'repo', kind: 'model', namespace: params.get('namespace'), name: params.get('name') }) as const

export const inferenceRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'api',
    action: 'repo.inference.read',
    target,
    summary:
      'The servers that answer for a model, with how they do, without their secrets; or how far the hub itself has loaded it.',
    answers: { 404: 'No such model, or no server answers for it' },
    handle: async ({ hub, allowed }) => {
      const served = await getServers(hub, allowed)
      if (served === null) throw new HoldfastError('not_found')
      return json(present(hub, allowed.resource.id, served))
    },
  }),
  route({
    method: 'PUT',
    path,
    surface: 'api',
    action: 'repo.inference.update',
    target,
    body: settingsShape,
    summary:
      'Says which servers answer for a model, at most eight, or that the hub runs it itself (`embedded`). A `secret` that is absent stays what it was at the same address; null takes it away.',
    answers: { 422: 'An address is not let through, or the hub cannot run such a model' },
    handle: async ({ hub, allowed, facts, body, request }) =>
      json(present(hub, allowed.resource.id, await setServers(hub, allowed, facts, request.origin, body))),
  }),
  route({
    method: 'DELETE',
    path,
    surface: 'api',
    action: 'repo.inference.update',
    target,
    summary: 'Nobody answers for the model any more.',
    handle: async ({ hub, allowed, request }) => {
      await removeServers(hub, allowed, request.origin)
      return json({ success: true })
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/usage',
    surface: 'api',
    action: 'org.inference_usage.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }),
    query: usageQuery,
    summary:
      'Calls of models that an organization is billed for, and those of its models, by model, principal, token, day, backend, status, who is billed or for which workspace; the last 30 days unless said.',
    answers: { 400: 'More than 400 days, or a time that is none' },
    handle: async ({ hub, allowed, query }) =>
      json(presentUsage(await getUsage(hub, allowed, query)), 200, { 'cache-control': 'no-store' }),
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/usage/export',
    surface: 'api',
    action: 'org.inference_usage.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }),
    query: exportQuery,
    summary:
      'These calls one by one, oldest first, as a table (`format=csv`) or as lines of JSON (`jsonl`). The export is itself recorded.',
    answers: { 200: 'All calls of the time', 400: 'More than 400 days, or a time that is none' },
    handle: (call) => exportUsage(call, call.query),
  }),
  route({
    method: 'GET',
    path: '/api/settings/usage',
    surface: 'api',
    action: 'account.inference_usage.read',
    target: { on: 'self' },
    query: usageQuery,
    summary: 'Calls of models that the caller pays for, summed up as for organizations.',
    answers: { 400: 'More than 400 days, or a time that is none' },
    handle: async ({ hub, allowed, query }) =>
      json(presentUsage(await getOwnUsage(hub, allowed, query)), 200, { 'cache-control': 'no-store' }),
  }),
]

function presentUsage({ from, to, by, groups, isComplete }: Usage): object {
  return {
    from: isoTime(from),
    to: isoTime(to),
    groupBy: by,
    groups: groups.map(({ key, label, calls, failed, tokensIn, tokensOut, uncounted, tookMs }) => ({
      ...{ key, name: label, calls, failed, tokensIn, tokensOut },
      callsWithoutTokens: uncounted,
      milliseconds: tookMs,
    })),
    isComplete,
  }
}

function present(hub: Hub, repoId: string, served: Served): object {
  const { backends, isEmbedded, revision, commit, updatedAt } = served
  return {
    backends: backends.map((backend) => presentBackend(hub, backend)),
    embedded: isEmbedded ? presentEmbedded(hub, repoId, served) : null,
    revision,
    commit,
    updatedAt: isoTime(updatedAt),
  }
}

function presentBackend(hub: Hub, backend: Backend): object {
  const { failures, skippedUntil, probe } = gatewayOf(hub).healthOf(backend)
  const { id, url, kind, model, weight, secret } = backend
  return {
    ...{ id, url, kind, model, weight, hasSecret: secret !== null, failures, skippedUntil: isoTime(skippedUntil) },
    probe: probe === null ? null : { at: isoTime(probe.at), isWell: probe.fault === null, fault: probe.fault },
  }
}
