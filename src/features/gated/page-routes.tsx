/** The pages of gated repos: asking, deciding, and the list of one's own requests. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import { visibleAmong } from '../../access/viewer-reach.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type AccessStatus, accessStatuses, type Facts, type RepoFacts } from '../../domain/facts.ts'
import { isId } from '../../domain/ids.ts'
import { nameKey } from '../../domain/names.ts'
import { decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type RepoAddress, repoId, repoPath, withQuery } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import type { PageContext } from '../../web/page-context.ts'
import { repoViewOf } from '../repos/service.ts'
import { AccessPage, type MachineAccess } from './access-page.tsx'
import { type Asker, askForAccess, cancelRequest, wordsFor } from './ask.ts'
import { grantAccess, handleRequest, mostReason } from './handle.ts'
import { loadGate, type RenderTerms } from './load-gate.ts'
import { OwnRequestsPage, type OwnRequestView } from './own-requests-page.tsx'
import { accessPath, ownRequestsPath, requestsPath } from './paths.ts'
import {
  countRequests,
  findMachine,
  findTermsOfRepo,
  type ListedRequest,
  listMachines,
  listOwnRequests,
  listRequests,
  type OwnRequest,
  requestsAmong,
} from './queries.ts'
import { RequestsPage, type RequestView, TermsPage } from './requests-page.tsx'
import { readPosition, repoOfPath, writePosition } from './routes.ts'
import type { Answers, Terms } from './terms.ts'

const pageSize = 50
const countAtMost = 10_000
const mostMachines = 200
const mostOwn = 500
const status = z.enum(accessStatuses as ['pending', 'accepted', 'rejected'])
const field = z.string().max(1_000).default('')
/** Names of answers are the card's. */
const answers = z.record(z.string(), z.unknown())

/** `render`: what one agrees to, as a card; handed in by features/index.ts. */
export const gatedPageRoutes = (render: RenderTerms): Route[] => [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/access',
    surface: 'page',
    action: 'repo.access.ask',
    target: repoOfPath,
    handle: ({ hub, facts, request }) => accessReply(hub, facts, request, render, freshForm),
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/ask-access',
    surface: 'page',
    action: 'repo.access.ask',
    target: repoOfPath,
    body: answers,
    summary:
      'Agrees to the terms of a gated repo and asks for access; the answers by the names of the fields in its card',
    answers: { 303: 'To the repo', 403: 'It was rejected before', 422: 'An answer is missing' },
    handle: (call) => {
      const { hub, allowed, facts, body, request } = call
      return orShow(
        async () => {
          const asker = await askerOf(call, body._for)
          const now = await askForAccess(hub, allowed, facts, request.origin, { asker, body })
          const repo = addressOf(allowed.resource)
          const whose = asker.kind === 'self' ? 'You have' : `The ${wordsFor(asker.machine)} has`
          const notice =
            now === 'accepted'
              ? `${whose} access to ${repoId(repo)} now.`
              : `The request for access to ${repoId(repo)} is sent. It awaits a review from its authors.`
          return redirectWithNotice(asker.kind === 'self' ? repoPath(repo) : accessPath(repo), 'success', notice)
        },
        (fault) => accessReply(hub, facts, request, render, formWithFault(body, fault), fault),
      )
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/cancel-access',
    surface: 'page',
    action: 'repo.access.ask',
    target: repoOfPath,
    body: z.object({ _for: field, back: field }),
    handle: async (call) => {
      const { hub, allowed, body, request } = call
      const repo = addressOf(allowed.resource)
      const asker = await askerOf(call, body._for)
      await cancelRequest(hub, allowed, request.origin, asker)
      const whose = asker.kind === 'self' ? '' : ` of the ${wordsFor(asker.machine)}`
      const notice = `The request for access to ${repoId(repo)}${whose} is withdrawn.`
      return redirectWithNotice(body.back === '' ? repoPath(repo) : safeReturn(body.back), 'success', notice)
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/settings/access-requests',
    surface: 'page',
    action: 'repo.access.read',
    target: repoOfPath,
    query: z.object({ status: status.default('pending'), cursor: z.string().max(60).optional() }),
    handle: ({ hub, facts, query, request }) =>
      requestsReply(hub, facts, request, { status: query.status, cursor: query.cursor }),
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/settings/access-requests/terms/:hash',
    surface: 'page',
    action: 'repo.access.read',
    target: repoOfPath,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const hash = params.get('hash')
      const text = /^[0-9a-f]{64}$/.test(hash) ? await findTermsOfRepo(hub.db, allowed.resource.id, hash) : null
      if (text === null) throw new HoldfastError('not_found')
      const context = await pageContext(hub, facts, request)
      const repo = repoViewOf(facts)
      const terms = JSON.parse(text) as Terms
      const prompt = await render(hub, repo, { prompt: terms.prompt, hash })
      return pageReply(context, <TermsPage context={context} repo={repo} terms={terms} hash={hash} prompt={prompt} />)
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/access-requests/handle',
    surface: 'page',
    action: 'repo.access.handle',
    target: repoOfPath,
    body: z.object({
      userId: z.string().max(24),
      status,
      reason: z.string().max(mostReason, `has at most ${mostReason} characters`).default(''),
      tab: status.default('pending'),
    }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const verdict = { status: body.status, reason: body.reason || null }
          await handleRequest(hub, allowed, request.origin, { userId: body.userId }, verdict)
          const here = withQuery(requestsPath(addressOf(allowed.resource)), { status: body.tab })
          return redirectWithNotice(here, 'success', doneWords[body.status])
        },
        (fault) => requestsReply(hub, facts, request, { status: body.tab, form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/access-requests/grant',
    surface: 'page',
    action: 'repo.access.handle',
    target: repoOfPath,
    body: z.object({ user: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const who = await grantAccess(hub, allowed, request.origin, { user: body.user.trim() })
          const here = withQuery(requestsPath(addressOf(allowed.resource)), { status: 'accepted' })
          return redirectWithNotice(here, 'success', `Let in: ${wordsFor(who)}.`)
        },
        (fault) => {
          const addForm = formWithFault(body, fault, { access_user_missing: 'user', access_granted_already: 'user' })
          return requestsReply(hub, facts, request, { status: 'accepted', addForm, fault })
        },
      ),
  }),
  route({
    method: 'GET',
    path: ownRequestsPath,
    surface: 'page',
    action: 'account.settings.read',
    target: { on: 'self' },
    handle: async ({ hub, facts, request }) => {
      // A service account has no such page, and no session to open it in.
      if (facts.principal.kind !== 'user') return redirect('/', 303)
      const context = await pageContext(hub, facts, request)
      const rows = await listOwnRequests(hub.db, facts.principal.id, mostOwn)
      // A repo that was made private is gone from here too (AUTH-7).
      const ids = [...new Set(rows.map(({ repoId: id }) => id))]
      const seen = await visibleAmong(hub.db, facts, ids, hub.clock.now())
      const requests = rows.filter(({ repoId: id }) => seen.has(id)).map(ownView)
      return pageReply(context, <OwnRequestsPage context={context} requests={requests} />)
    },
  }),
]

const doneWords: Readonly<Record<AccessStatus, string>> = {
  accepted: 'Accepted: the next download works.',
  pending: 'Moved back to pending: the next download fails.',
  rejected: 'Rejected: the next download fails, and they cannot ask again.',
}

/** Throws `service_account_not_found`, also for one of an organization that the caller does not administer. */
async function askerOf(
  { hub, authorizeAlso }: Pick<Call<'repo.access.ask', unknown, unknown>, 'hub' | 'authorizeAlso'>,
  machineId: unknown,
): Promise<Asker> {
  if (typeof machineId !== 'string' || machineId === '') return { kind: 'self' }
  const machine = isId(machineId) ? await findMachine(hub.db, machineId) : null
  if (machine === null || machine.organization === null) throw new HoldfastError('service_account_not_found')
  const target = { on: 'organization', name: machine.organization.name } as const
  try {
    return { kind: 'machine', machine, proof: await authorizeAlso('org.service_account.ask_access', target) }
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'forbidden') {
      throw new HoldfastError('service_account_not_found')
    }
    throw error
  }
}

async function accessReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  render: RenderTerms,
  form: FormState,
  fault?: HoldfastError,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const [gate, machines] = await Promise.all([loadGate(hub, facts, render), loadMachines(hub, facts, context)])
  const page = <AccessPage context={context} repo={repoViewOf(facts)} gate={gate} machines={machines} form={form} />
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}

/** The service accounts that the viewer may ask for, with what became of it. */
async function loadMachines(hub: Hub, facts: Facts, context: PageContext): Promise<MachineAccess[]> {
  if (facts.resource.on !== 'repo' || facts.resource.repo === null) return []
  const administered = (context.viewer?.organizations ?? []).filter(({ role }) => role === 'admin')
  const keys = administered.map(({ name }) => nameKey(name))
  const machines = await listMachines(hub.db, keys, mostMachines)
  const ids = machines.map(({ id }) => id)
  const states = await requestsAmong(hub.db, facts.resource.repo.id, ids)
  return machines.map(({ id, fullname, name, organization }) => ({
    id,
    name: fullname ?? name,
    organization: organization?.name ?? '',
    status: states.get(id) ?? null,
  }))
}

async function requestsReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  state: {
    status: AccessStatus
    cursor?: string | undefined
    addForm?: FormState
    form?: FormState
    fault?: HoldfastError
  },
): Promise<Reply> {
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (repo === null) throw new Error('Requests were listed without a repo.')
  const from = state.cursor === undefined ? null : readPosition(state.cursor)
  const [context, found, counts] = await Promise.all([
    pageContext(hub, facts, request),
    listRequests(hub.db, repo.id, state.status, { from, limit: pageSize + 1 }),
    countRequests(hub.db, repo.id, countAtMost),
  ])
  const rows = found.slice(0, pageSize)
  const last = rows.at(-1)
  const view = repoViewOf(facts)
  const here = requestsPath(view)
  const page = (
    <RequestsPage
      context={context}
      repo={view}
      isGated={repo.gated !== false}
      status={state.status}
      counts={counts}
      requests={rows.map(viewOf)}
      mayHandle={decide('repo.access.handle', facts).allow}
      addForm={state.addForm ?? freshForm}
      fault={state.form ?? freshForm}
      olderHref={
        found.length > pageSize && last !== undefined
          ? withQuery(here, { status: state.status, cursor: writePosition(last) })
          : null
      }
      firstHref={from === null ? null : withQuery(here, { status: state.status })}
    />
  )
  return pageReply(context, page, state.fault === undefined ? {} : faultAnswer(state.fault))
}

function viewOf(row: ListedRequest): RequestView {
  const isPerson = row.principalKind === 'user'
  const said = row.fields === null ? {} : (JSON.parse(row.fields) as Answers)
  return {
    id: row.principalId,
    kind: row.principalKind,
    name: isPerson ? (row.name ?? 'deleted') : `sa-${row.principalId}`,
    fullname: isPerson ? row.fullname : row.machineName,
    organization: row.organizationName,
    status: row.status,
    askedAt: row.askedAt,
    email: row.email,
    askedBy: isPerson || row.termsHash === null ? null : (row.askerName ?? 'deleted'),
    grantedBy: row.grantedBy === null ? null : (row.granterName ?? 'deleted'),
    reviewedBy: row.reviewedBy === null ? null : (row.reviewerName ?? 'deleted'),
    reviewedAt: row.reviewedAt,
    reason: row.reason,
    answers: Object.entries(said).map(([name, answer]) => ({ field: name, answer })),
    termsHash: row.termsHash,
  }
}

function ownView(row: OwnRequest): OwnRequestView {
  const [namespace = '', name = ''] = row.fullName.split('/')
  return {
    repo: { kind: row.kind, namespace, name },
    machine:
      row.principalKind === 'user'
        ? null
        : { id: row.principalId, name: row.machineName ?? '', organization: row.organizationName ?? '' },
    status: row.status,
    reason: row.reason,
    askedAt: row.askedAt,
    byHand: row.grantedBy !== null,
  }
}

function addressOf({ kind, owner, name }: RepoFacts): RepoAddress {
  return { kind, namespace: owner.name, name }
}
