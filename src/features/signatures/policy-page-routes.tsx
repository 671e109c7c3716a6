/** The pages of signing policies. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import type { Target } from '../../access/load-facts.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Asked, type Call, type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { mayOnceFresh } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { repoPath } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { repoViewOf } from '../repos/service.ts'
import { failingHeads } from './heads.ts'
import { type PolicyTarget, readPolicies, setBypass, setPolicy, signingLevels } from './policy.ts'
import { levelLabel, OrganizationSigningPage, type PolicyDialog, RepoSigningPage } from './policy-pages.tsx'

const level = z.enum(signingLevels)
const asked = z.object({
  dialog: z.string().max(30).optional(),
  level: level.optional(),
  humanOnly: z.string().max(10).optional(),
})
const policyForm = z.object({ level, humanOnly: z.string().max(10).default('no') })
const bypassForm = z.object({ hours: z.coerce.number().default(1), reason: z.string().max(1_000).default('') })
type PolicyForm = z.output<typeof policyForm>
type BypassForm = z.output<typeof bypassForm>
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const repoOfPath = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const ofOrganization = '/organizations/:name/settings/signing'
const ofRepo = '/{prefix}:namespace/:name/settings/signing'

export const policyPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: ofOrganization,
    surface: 'page',
    action: 'org.signing_policy.read',
    target: organization,
    query: asked,
    handle: async ({ hub, allowed, facts, params, query, request, authorizeAlso }) => {
      if (query.dialog === 'save') await authorizeAlso('org.signing_policy.update', organization({ params }))
      if (query.dialog === 'bypass') await authorizeAlso('org.signing_policy.bypass', organization({ params }))
      const target = { organization: allowed.resource }
      return await policyReply(hub, facts, request, target, { dialog: await dialogOf(hub, target, query) })
    },
  }),
  route({
    method: 'POST',
    path: ofOrganization,
    surface: 'page',
    action: 'org.signing_policy.update',
    target: organization,
    body: policyForm,
    handle: (call) => save(call, { organization: call.allowed.resource }),
  }),
  ...(['bypass', 'bypass/end'] as const).map((end) =>
    route({
      method: 'POST',
      path: `${ofOrganization}/${end}`,
      surface: 'page',
      action: 'org.signing_policy.bypass',
      target: organization,
      body: bypassForm,
      handle: (call) => bypass(call, { organization: call.allowed.resource }, end === 'bypass'),
    }),
  ),
  route({
    method: 'GET',
    path: ofRepo,
    surface: 'page',
    action: 'repo.signing_policy.read',
    target: repoOfPath,
    query: asked,
    handle: async ({ hub, allowed, facts, params, query, request, authorizeAlso }) => {
      if (query.dialog === 'save') await authorizeAlso('repo.signing_policy.update', repoOfPath({ params }))
      if (query.dialog === 'bypass') await authorizeAlso('repo.signing_policy.bypass', repoOfPath({ params }))
      const target = { repo: allowed.resource }
      return await policyReply(hub, facts, request, target, { dialog: await dialogOf(hub, target, query) })
    },
  }),
  route({
    method: 'POST',
    path: ofRepo,
    surface: 'page',
    action: 'repo.signing_policy.update',
    target: repoOfPath,
    body: policyForm,
    handle: (call) => save(call, { repo: call.allowed.resource }),
  }),
  ...(['bypass', 'bypass/end'] as const).map((end) =>
    route({
      method: 'POST',
      path: `${ofRepo}/${end}`,
      surface: 'page',
      action: 'repo.signing_policy.bypass',
      target: repoOfPath,
      body: bypassForm,
      handle: (call) => bypass(call, { repo: call.allowed.resource }, end === 'bypass'),
    }),
  ),
]

type Posted<A extends Action, Body> = Pick<Call<A, unknown, Body>, 'hub' | 'allowed' | 'facts' | 'request' | 'body'>

function save(
  call: Posted<'org.signing_policy.update' | 'repo.signing_policy.update', PolicyForm>,
  target: PolicyTarget,
): Promise<Reply> {
  const { hub, allowed, facts, request, body } = call
  return orShow(
    async () => {
      await setPolicy(hub, allowed, request.origin, target, policyOf(body))
      return redirectWithNotice(pathOf(target), 'success', savedWords(body))
    },
    (fault) => policyReply(hub, facts, request, target, { form: formWithFault(body, fault), fault }),
  )
}

function bypass(
  call: Posted<'org.signing_policy.bypass' | 'repo.signing_policy.bypass', BypassForm>,
  target: PolicyTarget,
  isOn: boolean,
): Promise<Reply> {
  const { hub, allowed, facts, request, body } = call
  return orShow(
    async () => {
      await setBypass(hub, allowed, request.origin, target, isOn ? body : null)
      return redirectWithNotice(pathOf(target), 'success', bypassWords(isOn))
    },
    (fault) => policyReply(hub, facts, request, target, bypassFault(body, fault)),
  )
}

type View = { dialog?: PolicyDialog | null; form?: FormState; fault?: HoldfastError }

async function policyReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  target: PolicyTarget,
  view: View,
): Promise<Reply> {
  const [context, policies] = await Promise.all([pageContext(hub, facts, request), readPolicies(hub, target)])
  const on = 'organization' in target ? 'org' : 'repo'
  const shown = {
    context,
    policies,
    mayChange: mayOnceFresh(`${on}.signing_policy.update`, facts),
    mayBypass: mayOnceFresh(`${on}.signing_policy.bypass`, facts),
    form: view.form ?? freshForm,
    dialog: view.dialog ?? null,
  }
  const page =
    'organization' in target ? (
      <OrganizationSigningPage {...shown} organization={target.organization.name} />
    ) : (
      <RepoSigningPage {...shown} repo={repoViewOf(facts)} />
    )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function dialogOf(hub: Hub, target: PolicyTarget, query: z.output<typeof asked>): Promise<PolicyDialog | null> {
  if (query.dialog === 'bypass') return { kind: 'bypass', form: freshForm }
  if (query.dialog !== 'save' || query.level === undefined) return null
  const looked = query.level === 'signed' ? 'signed' : 'verified'
  const heads = await failingHeads(hub, target, looked)
  return { kind: 'save', level: query.level, humanOnly: query.humanOnly === 'yes', heads }
}

function bypassFault(body: BypassForm, fault: HoldfastError): View {
  const form = formWithFault({ hours: String(body.hours), reason: body.reason }, fault)
  return { dialog: { kind: 'bypass', form }, fault }
}

function policyOf(body: PolicyForm) {
  return { level: body.level, humanSignatureOnly: body.humanOnly === 'yes' }
}

function savedWords(body: PolicyForm): string {
  return `The signing policy is saved: ${levelLabel(body.level)}.`
}

function bypassWords(isOn: boolean): string {
  return isOn ? 'Pushes are taken now, whatever they bring. It ends by itself.' : 'The signing policy holds again.'
}

function pathOf(target: PolicyTarget): string {
  if ('organization' in target) return organizationSettingsPath(target.organization.name, 'signing')
  const { kind, owner, name } = target.repo
  return repoPath({ kind, namespace: owner.name, name }, '/settings/signing')
}
