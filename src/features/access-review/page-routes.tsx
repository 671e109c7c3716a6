/** The page that tests access: a question in the address, and its answer. */
import { z } from 'zod'
import { deniedHeader } from '../../access/error-reply.ts'
import { formWithFault } from '../../access/form-fault.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Account, accountOf } from '../../domain/facts.ts'
import { type Action, permissionRow, permissions } from '../../domain/permissions.ts'
import { testAccessPath } from '../../web/address.ts'
import type { Choice } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { broughtCommits } from '../signatures/service.ts'
import { listOwnTokens, type Token } from '../tokens/service.ts'
import { type Explanation, explainAccess } from './explain.ts'
import { type Answered, TestAccessPage } from './explain-page.tsx'
import { organizationIn, parseResource } from './parse-resource.ts'
import { findPicker, type Picker } from './picker.ts'

const text = (most: number) => z.string().trim().max(most).optional()
const question = z.object({
  action: text(100),
  resource: text(300),
  token: text(30),
  principal: text(100),
  path: text(1_000),
  revision: text(250),
  program: text(500),
  commits: text(20),
  in: text(100),
  find: text(100),
  afterMember: text(100),
  afterMachine: text(100),
})

/** What is done to repos first, as most questions are about it. */
const order: readonly string[] = ['repo', 'namespace', 'organization', 'workspace', 'group', 'self', 'instance']
const places: Readonly<Record<string, string>> = {
  repo: 'Repo',
  namespace: 'Namespace',
  organization: 'Organization',
  workspace: 'Workspace',
  group: 'Group',
  self: 'Yourself',
  instance: 'Hub',
}

const actionChoices: readonly Choice[] = (Object.keys(permissions) as Action[])
  .map((action) => ({ action, on: permissionRow(action).on, title: permissionRow(action).title }))
  .sort((a, b) => order.indexOf(a.on) - order.indexOf(b.on))
  .map(({ action, on, title }) => ({ value: action, label: `${places[on]}: ${title}` }))

export const accessReviewPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: testAccessPath,
    surface: 'page',
    action: 'token.read',
    target: { on: 'self' },
    query: question,
    handle: async (call) => {
      const { hub, allowed, facts, query, request } = call
      const tokens = await listOwnTokens(hub, allowed)
      const values = { action: 'repo.push', ...given(query) }
      let form: FormState = { values, errors: {} }
      let answered: Answered | null = null
      let status = 200
      // A link to one token asks nothing yet.
      if (query.action !== undefined && !isPicking(query)) {
        try {
          const action = actionOf(values.action)
          const resource = values.resource ?? openResource(action)
          const asked = {
            action,
            target: parseResource(resource),
            principal: values.principal ?? null,
            token: tokenOf(values.token),
            path: values.path ?? null,
            revision: values.revision ?? null,
            program: values.program ?? null,
            commits: broughtCommits.find((each) => each === values.commits) ?? null,
          }
          answered = answeredOf(await explainAccess(hub, call, asked), resource)
        } catch (thrown) {
          if (!(thrown instanceof HoldfastError) || thrown.status >= 500 || thrown.status === 429) throw thrown
          const fields = { user_not_found: 'principal', not_found: 'token' } as const
          form = formWithFault(values, thrown, fields)
          status = thrown.status === 400 ? 422 : thrown.status
        }
      }
      const sought = {
        organization: values.in ?? organizationOf(values.resource),
        find: values.find ?? '',
        afterMember: values.afterMember ?? '',
        afterMachine: values.afterMachine ?? '',
      }
      const picker = await findPicker(hub, call, sought)
      const context = await pageContext(hub, facts, request)
      const page = (
        <TestAccessPage
          context={context}
          form={form}
          actions={actionChoices}
          tokens={tokenChoices(tokens, values.token, picker)}
          answered={answered}
          picker={picker}
        />
      )
      return pageReply(context, page, {
        status,
        headers: { 'cache-control': 'no-store' },
      })
    },
  }),
]

/** Somebody is looked for, or was found before it was said where: nothing is asked yet. */
function isPicking(query: z.output<typeof question>): boolean {
  return query.in !== undefined && (!query.resource || (!query.principal && !query.token))
}

function given(query: z.output<typeof question>): Partial<Record<keyof z.output<typeof question>, string>> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== ''))
}

function actionOf(value: string): Action {
  const action = Object.hasOwn(permissions, value) ? (value as Action) : null
  if (action === null)
    throw new HoldfastError('invalid_input', { reason: 'Choose what to ask about.', field: 'action' })
  return action
}

/** Oneself and the hub have no name that one would type. */
function openResource(action: Action): string {
  const { on } = permissionRow(action)
  if (on === 'self' || on === 'instance') return on
  const reason = `That is done to ${/^[aeio]/.test(on) ? 'an' : 'a'} ${on}: name it.`
  throw new HoldfastError('invalid_input', { reason, field: 'resource' })
}

/** Whose resource it is that is asked about: its people come first. */
function organizationOf(resource: string | undefined): string | null {
  if (resource === undefined) return null
  try {
    return organizationIn(parseResource(resource))
  } catch (thrown) {
    if (thrown instanceof HoldfastError) return null
    throw thrown
  }
}

function tokenOf(value: string | undefined): string | null {
  if (value === undefined) return null
  if (!/^[0-9a-f]{24}$/.test(value)) throw new HoldfastError('not_found')
  return value
}

/** An administrator may come here with the id of somebody else's token in the address. */
function tokenChoices(tokens: readonly Token[], chosen: string | undefined, picker: Picker | null): Choice[] {
  const own = tokens.map(({ id, name, last4 }) => ({ value: id, label: `${name} (hf_…${last4})` }))
  const picked = picker?.machines.flatMap((machine) => machine.tokens.map((token) => ({ ...token, of: machine.name })))
  const known = picked?.find(({ id }) => id === chosen)
  const label = known === undefined ? `token ${chosen}` : `${known.name} of ${known.of} (hf_…${known.last4})`
  const other =
    chosen !== undefined && /^[0-9a-f]{24}$/.test(chosen) && !own.some(({ value }) => value === chosen)
      ? [{ value: chosen, label }]
      : []
  return [{ value: '', label: 'This session' }, ...own, ...other]
}

/** People call a service account by its name, programs by the other. */
const nameOf = ({ kind, name, fullname }: Account): string =>
  kind === 'service-account' ? `${fullname} (${name})` : name

function answeredOf(explanation: Explanation, resource: string): Answered {
  const { subject, refusal, question: asked } = explanation
  const account = subject === null ? null : accountOf(subject.principal)
  const name = subject === null ? (asked.principal ?? 'The token') : account === null ? 'Nobody' : nameOf(account)
  const credential = subject?.credential ?? null
  const by =
    credential?.kind === 'token' && credential.id !== ''
      ? `, with hf_…${credential.last4}`
      : credential?.kind === 'session'
        ? ', in a session'
        : ''
  const denied = refusal?.denied ?? null
  return {
    who: `${name}${by}`,
    title: permissionRow(asked.action).title,
    resource,
    explanation,
    header: denied === null ? null : `X-Hub-Denied: ${deniedHeader(denied)}`,
  }
}
