/** Previews of policies from their forms: each takes what its form sends, below the address that the form posts to. */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Params, type Route, route } from '../../access/route.ts'
import { scanPolicies } from '../../domain/quarantine.ts'
import { repoPath } from '../../web/address.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { repoViewOf } from '../repos/service.ts'
import { type SigningLevel, signingLevels } from '../signatures/service.ts'
import { mostShown, OrganizationPolicyPreviewPage, RepoPolicyPreviewPage } from './policy-pages.tsx'
import { tryPolicy } from './try-policy.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const repo = ({ params }: { params: Params }) =>
  ({ on: 'repo', kind: params.kind, namespace: params.get('namespace'), name: params.get('name') }) as const
const signing = z.object({ level: z.enum(signingLevels), humanOnly: z.string().max(10).default('no') })
const levelWords: Readonly<Record<SigningLevel, string>> = {
  off: 'asks for no signatures',
  warn: 'warns of commits that are not verified',
  signed: 'takes only commits that are signed',
  verified: 'takes only commits that are verified',
}
const policyWords = {
  warn: 'hands out what scanners find unsafe, with a warning',
  block_infected: 'holds what scanners find unsafe',
  block_until_scanned: 'holds files until they are scanned, and what is found unsafe',
} as const

const sentenceOf = (name: string, { level, humanOnly }: z.output<typeof signing>): string =>
  `${name} ${levelWords[level]}${humanOnly === 'yes' ? ', and only what people sign themselves' : ''}.`

export const policyPreviewPageRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/organizations/:name/settings/signing/preview',
    surface: 'page',
    action: 'org.signing_policy.update',
    target: organization,
    body: signing,
    handle: async ({ body, ...call }) => {
      const name = call.params.get('name')
      const { level } = body
      const humanSignatureOnly = body.humanOnly === 'yes'
      const change = { kind: 'signing_policy', organization: name, level, humanSignatureOnly } as const
      const [context, preview] = await Promise.all([
        pageContext(call.hub, call.facts, call.request),
        tryPolicy(call, change, mostShown),
      ])
      const backHref = organizationSettingsPath(name, 'signing')
      const view = { sentence: sentenceOf(name, body), preview, action: backHref, fields: body, backHref }
      return pageReply(
        context,
        <OrganizationPolicyPreviewPage
          context={context}
          organization={name}
          place="signing"
          placeLabel="Signing"
          view={view}
        />,
      )
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/signing/preview',
    surface: 'page',
    action: 'repo.signing_policy.update',
    target: repo,
    body: signing,
    handle: async ({ body, ...call }) => {
      const view = repoViewOf(call.facts)
      const fullName = `${view.namespace}/${view.name}`
      const { level } = body
      const humanSignatureOnly = body.humanOnly === 'yes'
      const named = { type: view.kind, name: fullName }
      const change = { kind: 'repo_signing_policy', repo: named, level, humanSignatureOnly } as const
      const [context, preview] = await Promise.all([
        pageContext(call.hub, call.facts, call.request),
        tryPolicy(call, change, mostShown),
      ])
      const backHref = repoPath(view, '/settings/signing')
      const shown = { sentence: sentenceOf(fullName, body), preview, action: backHref, fields: body, backHref }
      return pageReply(context, <RepoPolicyPreviewPage context={context} repo={view} view={shown} />)
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/scanning/preview',
    surface: 'page',
    action: 'org.update_settings',
    target: organization,
    // What the rest of the form says is carried on, and looked at when the change is made.
    body: z.object({
      scanPolicy: z.enum(scanPolicies),
      pickleAdmission: z.string().max(100).optional(),
      pickleAllowList: z.string().max(100_000).optional(),
      leakedTokens: z.string().max(100).optional(),
      pushProtection: z.string().max(100).optional(),
    }),
    handle: async ({ body, ...call }) => {
      const name = call.params.get('name')
      const change = { kind: 'scan_policy', organization: name, policy: body.scanPolicy } as const
      const [context, preview] = await Promise.all([
        pageContext(call.hub, call.facts, call.request),
        tryPolicy(call, change, mostShown),
      ])
      const backHref = organizationSettingsPath(name, 'scanning')
      const fields = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
      const sentence = `${name} ${policyWords[body.scanPolicy]}.`
      return pageReply(
        context,
        <OrganizationPolicyPreviewPage
          context={context}
          organization={name}
          place="scanning"
          placeLabel="Scanning and quarantine"
          view={{ sentence, preview, action: backHref, fields, backHref }}
        />,
      )
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/model-signatures/policy/preview',
    surface: 'page',
    action: 'org.signed_models.update',
    target: organization,
    body: z.object({ only: z.enum(['all', 'signed']) }),
    handle: async ({ body, ...call }) => {
      const name = call.params.get('name')
      const signedModelsOnly = body.only === 'signed'
      const change = { kind: 'signed_models', organization: name, signedModelsOnly } as const
      const [context, preview] = await Promise.all([
        pageContext(call.hub, call.facts, call.request),
        tryPolicy(call, change, mostShown),
      ])
      const backHref = organizationSettingsPath(name, 'model-signatures')
      const sentence = `${name} hands out ${signedModelsOnly ? 'signed models only' : 'all models'}.`
      return pageReply(
        context,
        <OrganizationPolicyPreviewPage
          context={context}
          organization={name}
          place="model-signatures"
          placeLabel="Model signatures"
          view={{ sentence, preview, action: `${backHref}/policy`, fields: body, backHref }}
        />,
      )
    },
  }),
]
