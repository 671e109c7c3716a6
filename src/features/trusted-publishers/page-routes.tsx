/** The pages of trusted publishers. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts, RepoFacts } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { mayOnceFresh } from '../../domain/policy.ts'
import { missingIds, publisherName, runWords } from '../../domain/publisher.ts'
import type { Hub } from '../../hub.ts'
import { repoPath } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { repoViewOf } from '../repos/service.ts'
import { getServiceAccount } from '../service-accounts/service.ts'
import { AccountPublishersPage, type PublisherView, RepoPublishersPage } from './pages.tsx'
import { type PresetName, presetNames, presets, publisherFromForm } from './presets.ts'
import type { Publisher } from './publisher.ts'
import {
  createAccountPublisher,
  createRepoPublisher,
  deleteAccountPublisher,
  deleteRepoPublisher,
  listAccountPublishers,
  listRepoPublishers,
} from './service.ts'

const ofRepo = '/{prefix}:namespace/:name/settings/trusted-publishers'
const ofAccount = '/organizations/:name/settings/service-accounts/:id/trusted-publishers'

const repo = ({ params }: { params: Params }) =>
  ({ on: 'repo', kind: params.kind, namespace: params.get('namespace'), name: params.get('name') }) as const
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

const query = z.object({
  from: z.enum(presetNames).catch('github').default('github'),
  dialog: z.string().max(30).optional(),
  publisher: z.string().max(100).optional(),
})
/** The fields of all presets. */
const form = z.object({ preset: z.enum(presetNames) }).catchall(z.string().max(10_000))

interface View {
  readonly preset: PresetName
  /** The id of a publisher that is to be deleted. */
  readonly asked?: string | undefined
  readonly form?: FormState
  readonly fault?: HoldfastError
}

export const publisherPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: ofRepo,
    surface: 'page',
    action: 'repo.publisher.read',
    target: repo,
    query,
    handle: async ({ hub, allowed, facts, query: asked, request }) =>
      await repoReply(hub, facts, request, await listRepoPublishers(hub, allowed), viewOfQuery(asked)),
  }),
  route({
    method: 'POST',
    path: ofRepo,
    surface: 'page',
    action: 'repo.publisher.create',
    target: repo,
    body: form,
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const made = await createRepoPublisher(hub, allowed, request.origin, publisherFromForm(body.preset, body))
          return redirectWithNotice(pathOfRepo(allowed.resource), 'success', addedWords(made))
        },
        async (fault) =>
          await repoReply(hub, facts, request, await listRepoPublishers(hub, allowed), refusedView(body, fault)),
      ),
  }),
  route({
    method: 'POST',
    path: `${ofRepo}/:id/delete`,
    surface: 'page',
    action: 'repo.publisher.delete',
    target: repo,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteRepoPublisher(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(pathOfRepo(allowed.resource), 'success', deletedWords)
    },
  }),
  route({
    method: 'GET',
    path: ofAccount,
    surface: 'page',
    action: 'org.service_account.read',
    target: organization,
    query,
    handle: async ({ hub, allowed, facts, params, query: asked, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const publishers = await listAccountPublishers(hub, allowed, account.id)
      return await accountReply(hub, facts, request, { account, publishers }, viewOfQuery(asked))
    },
  }),
  route({
    method: 'POST',
    path: ofAccount,
    surface: 'page',
    action: 'org.service_account.token.create',
    target: organization,
    body: form,
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      return await orShow(
        async () => {
          const wanted = publisherFromForm(body.preset, body)
          const made = await createAccountPublisher(hub, allowed, request.origin, account.id, wanted)
          return redirectWithNotice(pathOfAccount(allowed.resource.name, account.id), 'success', addedWords(made))
        },
        async (fault) => {
          const publishers = await listAccountPublishers(hub, allowed, account.id)
          return await accountReply(hub, facts, request, { account, publishers }, refusedView(body, fault))
        },
      )
    },
  }),
  route({
    method: 'POST',
    path: `${ofAccount}/:publisher/delete`,
    surface: 'page',
    action: 'org.service_account.token.delete',
    target: organization,
    handle: async ({ hub, allowed, params, request }) => {
      const id = params.get('id')
      await deleteAccountPublisher(hub, allowed, request.origin, id, params.get('publisher'))
      return redirectWithNotice(pathOfAccount(allowed.resource.name, id), 'success', deletedWords)
    },
  }),
]

const deletedWords = 'The trusted publisher is deleted, with the tokens that it got.'

function addedWords({ issuer, claims }: Publisher): string {
  return `Trusted from now on: ${publisherName(issuer, claims)}.`
}

function pathOfRepo({ kind, owner, name }: RepoFacts): string {
  return repoPath({ kind, namespace: owner.name, name }, '/settings/trusted-publishers')
}

function pathOfAccount(name: string, id: string): string {
  return `${organizationSettingsPath(name, 'service-accounts')}/${encodeURIComponent(id)}/trusted-publishers`
}

function viewOfQuery({ from, dialog, publisher }: z.output<typeof query>): View {
  return { preset: from, asked: dialog === 'delete' ? publisher : undefined }
}

/** What is wrong with claims stands at their field where there is one, else over the form. */
function refusedView(body: z.output<typeof form>, fault: HoldfastError): View {
  const state = formWithFault(body, fault)
  const shown = ['issuer', 'audience', ...(body.preset === 'other' ? ['claims'] : [])]
  const astray = Object.entries(state.errors).find(([field]) => !shown.includes(field))
  const settled = astray === undefined ? state : { values: state.values, errors: {}, problem: astray[1] }
  return { preset: body.preset, form: settled, fault }
}

async function repoReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  publishers: readonly Publisher[],
  view: View,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const shared = sharedView(hub, facts, 'repo.publisher.create', publishers, view, true)
  const page = <RepoPublishersPage context={context} repo={repoViewOf(facts)} {...shared} />
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function accountReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  {
    account,
    publishers,
  }: { account: { id: string; name: string; disabledAt: number | null }; publishers: Publisher[] },
  view: View,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const shared = sharedView(hub, facts, 'org.service_account.token.create', publishers, view, false)
  const page = (
    <AccountPublishersPage
      context={context}
      organization={facts.resource.on === 'organization' ? facts.resource.name : ''}
      account={account}
      {...shared}
      mayAdd={shared.mayAdd && account.disabledAt === null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

function sharedView(
  hub: Hub,
  facts: Facts,
  adding: Action,
  publishers: readonly Publisher[],
  view: View,
  isOfRepo: boolean,
) {
  const views = publishers.map((publisher) => viewOf(publisher, isOfRepo))
  return {
    publishers: views,
    preset: view.preset,
    form: view.form ?? freshForm,
    mayAdd: mayOnceFresh(adding, facts),
    dialog: views.find(({ id }) => id === view.asked) ?? null,
    hubUrl: hub.config.publicUrl,
  }
}

function viewOf(publisher: Publisher, isOfRepo: boolean): PublisherView {
  const { id, issuer, audience, isDefaultAudience, claims, createdAt, createdBy, lastUsedAt, lastRun } = publisher
  return {
    id,
    name: publisherName(issuer, claims),
    issuer: Object.values(presets).find((preset) => preset.issuer === issuer)?.title ?? issuer,
    audience,
    isDefaultAudience,
    claims: Object.entries(claims).map(([name, values]) => ({ name, values })),
    missingIds: missingIds(claims),
    createdAt,
    createdBy: createdBy?.name ?? null,
    deadBecause:
      isOfRepo && createdBy?.isActive !== true ? 'Whoever set it up is no longer active: it gives nothing.' : null,
    lastUsedAt,
    lastRun: lastRun === null ? null : runWords(lastRun),
  }
}
