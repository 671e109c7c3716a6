/** The pages of usage: an organization's, for its administrators, and one's own. */
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { namespacePath, withQuery } from '../../web/address.ts'
import type { FormState } from '../../web/form-state.ts'
import { type UsageGroup, type UsageSum, usageGroups } from './queries.ts'
import { getOwnUsage, getUsage, type Usage } from './usage.ts'
import {
  OrganizationUsagePage,
  OwnUsagePage,
  type UsageFigures,
  type UsageRow,
  type UsageView,
} from './usage-pages.tsx'
import { betweenOf, type UsageForm, usageFormShape } from './usage-period.ts'

/** On one page; the figures above the list are of all. */
const mostRows = 100
/** Of one's own calls it is known who called, and who pays; workspaces are organizations'. */
const ownGroups = usageGroups.filter((group) => group !== 'principal' && group !== 'billed' && group !== 'workspace')

export const inferenceUsagePages: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/usage',
    surface: 'page',
    action: 'org.inference_usage.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }),
    query: usageFormShape,
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { name } = allowed.resource
      const context = await pageContext(hub, facts, request)
      const drawn = (form: FormState, usage: UsageView | null) => (
        <OrganizationUsagePage
          context={context}
          organization={name}
          form={form}
          groups={usageGroups}
          usage={usage}
          exportHref={usage === null ? null : exportHref(name, usage)}
        />
      )
      return await orShow(
        async () => {
          const usage = await getUsage(hub, allowed, betweenOf(query, hub.clock.now()))
          return pageReply(context, drawn(formOf(query), viewOf(usage, name)))
        },
        async (fault) => pageReply(context, drawn(refusedForm(query, fault), null), faultAnswer(fault)),
      )
    },
  }),
  route({
    method: 'GET',
    path: '/settings/usage',
    surface: 'page',
    action: 'account.settings.read',
    target: { on: 'self' },
    query: usageFormShape,
    handle: async ({ hub, allowed, facts, query, request }) => {
      const context = await pageContext(hub, facts, request)
      const drawn = (form: FormState, usage: UsageView | null) => (
        <OwnUsagePage context={context} form={form} groups={ownGroups} usage={usage} exportHref={null} />
      )
      return await orShow(
        async () => {
          const usage = await getOwnUsage(hub, allowed, betweenOf(query, hub.clock.now()))
          return pageReply(context, drawn(formOf(query), viewOf(usage, context.viewer?.name ?? '')))
        },
        async (fault) => pageReply(context, drawn(refusedForm(query, fault), null), faultAnswer(fault)),
      )
    },
  }),
]

/** The calls of the same time, one by one. */
function exportHref(organization: string, { from, to }: UsageView): string {
  const path = `/api/organizations/${encodeURIComponent(organization)}/usage/export`
  return withQuery(path, { format: 'csv', from: isoTime(from), to: isoTime(to) })
}

function formOf(query: UsageForm): FormState {
  return { values: { ...query }, errors: {} }
}

function refusedForm(query: UsageForm, fault: HoldfastError): FormState {
  return formWithFault(query, fault)
}

/** `owner`: whose models are linked to. */
function viewOf({ from, to, by, groups, isComplete }: Usage, owner: string): UsageView {
  // Days are read in their order, everything else by its size.
  const ordered = by === 'day' ? groups.toSorted((a, b) => (a.key < b.key ? 1 : -1)) : groups
  const rows = ordered.slice(0, mostRows).map((group) => rowOf(group, by, owner))
  return { by, from, to, rows, total: totalOf(groups), more: isComplete ? groups.length - rows.length : null }
}

function rowOf({ key, label, ...figures }: UsageSum, by: UsageGroup, owner: string): UsageRow {
  const isTheirs = by === 'model' && label.startsWith(`${owner}/`)
  const [namespace = '', name = ''] = label.split('/')
  return {
    ...figures,
    label: labelOf(by, key, label),
    ...(isTheirs ? { href: `${namespacePath(namespace)}${namespacePath(name)}` } : {}),
  }
}

function labelOf(by: UsageGroup, key: string, label: string): string {
  switch (by) {
    case 'token':
      return key === 'session' ? 'Signed in, without a token' : `Token that ends in ${label}`
    case 'backend':
      return key === 'none' ? 'No server' : label
    case 'workspace':
      return key === 'none' ? 'No workspace' : label
    case 'status':
      return label === '499' ? '499: the caller left' : label
    default:
      return label
  }
}

function totalOf(groups: readonly UsageSum[]): UsageFigures {
  const sum = (of: (group: UsageSum) => number) => groups.reduce((total, group) => total + of(group), 0)
  return {
    calls: sum(({ calls }) => calls),
    failed: sum(({ failed }) => failed),
    tokensIn: sum(({ tokensIn }) => tokensIn),
    tokensOut: sum(({ tokensOut }) => tokensOut),
    uncounted: sum(({ uncounted }) => uncounted),
    tookMs: sum(({ tookMs }) => tookMs),
  }
}
