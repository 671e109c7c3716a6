/** The interface of signing policies, of organizations and of repos. */
import { z } from 'zod'
import type { Target } from '../../access/load-facts.ts'
import { json } from '../../access/reply.ts'
import { type Asked, type Params, type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import { failingHeads } from './heads.ts'
import {
  longestBypassHours,
  type PolicyTarget,
  readPolicies,
  type SigningPolicy,
  setBypass,
  setPolicy,
  signingLevels,
} from './policy.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})
const level = z.enum(signingLevels)
const wanted = z.strictObject({ level, humanSignatureOnly: z.boolean().default(false) })
const bypass = z.strictObject({ hours: z.number().positive().max(longestBypassHours), reason: z.string().max(300) })
const asked = z.object({ level: level.optional() })

const ofOrganization = '/api/organizations/:name/signing-policy'
const ofRepo = '/api/{kinds}/:namespace/:name/signing-policy'
const reading = 'What is asked of commits, and how many heads of branches do not meet it, or another level'

export const policyApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: ofOrganization,
    surface: 'api',
    action: 'org.signing_policy.read',
    target: organization,
    query: asked,
    summary: `${reading}.`,
    handle: async ({ hub, allowed, query }) =>
      json(await presentPolicy(hub, { organization: allowed.resource }, query)),
  }),
  route({
    method: 'PUT',
    path: ofOrganization,
    surface: 'api',
    action: 'org.signing_policy.update',
    target: organization,
    body: wanted,
    summary: 'Sets the signing policy of an organization, for all of its repos, in a session.',
    handle: async ({ hub, allowed, body, request }) => {
      await setPolicy(hub, allowed, request.origin, { organization: allowed.resource }, body)
      return json(await presentPolicy(hub, { organization: allowed.resource }, {}))
    },
  }),
  route({
    method: 'POST',
    path: `${ofOrganization}/bypass`,
    surface: 'api',
    action: 'org.signing_policy.bypass',
    target: organization,
    body: bypass,
    summary: 'Lets pushes through that do not meet the policy, for some hours, in a session.',
    handle: async ({ hub, allowed, body, request }) => {
      await setBypass(hub, allowed, request.origin, { organization: allowed.resource }, body)
      return json(await presentPolicy(hub, { organization: allowed.resource }, {}))
    },
  }),
  route({
    method: 'DELETE',
    path: `${ofOrganization}/bypass`,
    surface: 'api',
    action: 'org.signing_policy.bypass',
    target: organization,
    summary: 'Ends the bypass.',
    handle: async ({ hub, allowed, request }) => {
      await setBypass(hub, allowed, request.origin, { organization: allowed.resource }, null)
      return json(await presentPolicy(hub, { organization: allowed.resource }, {}))
    },
  }),
  route({
    method: 'GET',
    path: ofRepo,
    surface: 'api',
    action: 'repo.signing_policy.read',
    target: repoOfPath,
    query: asked,
    summary: `${reading}.`,
    handle: async ({ hub, allowed, query }) => json(await presentPolicy(hub, { repo: allowed.resource }, query)),
  }),
  route({
    method: 'PUT',
    path: ofRepo,
    surface: 'api',
    action: 'repo.signing_policy.update',
    target: repoOfPath,
    body: wanted,
    summary: 'Sets the signing policy of a repo, in a session: never less than its organization asks for.',
    handle: async ({ hub, allowed, body, request }) => {
      await setPolicy(hub, allowed, request.origin, { repo: allowed.resource }, body)
      return json(await presentPolicy(hub, { repo: allowed.resource }, {}))
    },
  }),
  route({
    method: 'POST',
    path: `${ofRepo}/bypass`,
    surface: 'api',
    action: 'repo.signing_policy.bypass',
    target: repoOfPath,
    body: bypass,
    summary: 'Lets pushes to a repo through that do not meet the policy, for some hours, in a session.',
    handle: async ({ hub, allowed, body, request }) => {
      await setBypass(hub, allowed, request.origin, { repo: allowed.resource }, body)
      return json(await presentPolicy(hub, { repo: allowed.resource }, {}))
    },
  }),
  route({
    method: 'DELETE',
    path: `${ofRepo}/bypass`,
    surface: 'api',
    action: 'repo.signing_policy.bypass',
    target: repoOfPath,
    summary: 'Ends the bypass.',
    handle: async ({ hub, allowed, request }) => {
      await setBypass(hub, allowed, request.origin, { repo: allowed.resource }, null)
      return json(await presentPolicy(hub, { repo: allowed.resource }, {}))
    },
  }),
]

async function presentPolicy(hub: Hub, target: PolicyTarget, query: z.output<typeof asked>): Promise<object> {
  const { own, inherited, effective, place } = await readPolicies(hub, target)
  const looked = query.level ?? effective.level
  const { failing, heads, isWhole } = await failingHeads(hub, target, looked)
  return {
    ...present(own),
    ...(inherited === null ? {} : { organization: present(inherited) }),
    effective: { ...present(effective), from: place },
    failingHeads: { level: looked, failing, heads, isWhole },
  }
}

function present({ level, humanSignatureOnly, bypass: open }: SigningPolicy): object {
  const until = open === null ? null : { until: new Date(open.until).toISOString(), reason: open.reason }
  return { level, humanSignatureOnly, bypass: until }
}
