/** The organizations of a hub on pages: the list, and the limit of their seats. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { withQuery } from '../../web/address.ts'
import { freshForm } from '../../web/form-state.ts'
import { findNamespace, setSeatLimit } from '../organizations/service.ts'
import { findUsage } from '../storage/service.ts'
import { OrganizationsPage, organizationsPath, type SeatsDialog } from './organizations-page.tsx'
import { selectOrganizations } from './queries.ts'

const instance = { on: 'instance' } as const
const perPage = 50

export const organizationsRoutes: Route[] = [
  route({
    method: 'GET',
    path: organizationsPath,
    surface: 'page',
    action: 'instance.manage.read',
    target: instance,
    query: z.object({
      search: z.string().max(200).default(''),
      after: z.string().max(100).optional(),
      seats: z.string().max(100).optional(),
    }),
    handle: async ({ hub, facts, query, request }) => {
      const { seats } = query
      const [row] =
        seats === undefined ? [] : await selectOrganizations(hub.db, { search: nameKey(seats), after: null, limit: 1 })
      const limit = row?.name === seats ? (row?.seatLimit ?? null) : null
      const dialog = seats === undefined ? null : { organization: seats, limit, form: freshForm }
      return await listReply(hub, facts, request, { search: query.search, after: query.after ?? null }, dialog)
    },
  }),
  route({
    method: 'POST',
    path: `${organizationsPath}/seats`,
    surface: 'page',
    action: 'org.set_seat_limit',
    target: instance,
    body: z.object({ organization: z.string().max(100), limit: z.string().max(20).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const organization = await findNamespace(hub.db, body.organization)
          if (organization?.kind !== 'organization') throw new HoldfastError('organization_not_found')
          await setSeatLimit(hub, allowed, request.origin, organization, readLimit(body.limit))
          const words = `The seats of ${organization.name} are ${body.limit.trim() === '' ? 'not limited' : 'limited'}.`
          return redirectWithNotice(organizationsPath, 'success', words)
        },
        (fault) => {
          const dialog = { organization: body.organization, limit: null, form: formWithFault(body, fault) }
          return listReply(hub, facts, request, { search: '', after: null }, dialog, fault)
        },
      ),
  }),
]

/** Null for none. Throws `invalid_input`. */
function readLimit(text: string): number | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (/^\d{1,7}$/.test(trimmed) && Number(trimmed) >= 1) return Number(trimmed)
  throw new HoldfastError('invalid_input', { reason: 'A limit is a whole number from 1 up, or empty.', field: 'limit' })
}

async function listReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  query: { search: string; after: string | null },
  dialog: SeatsDialog,
  fault?: HoldfastError,
): Promise<Reply> {
  const search = nameKey(query.search.trim())
  const context = await pageContext(hub, facts, request)
  const rows = await selectOrganizations(hub.db, { search, after: query.after, limit: perPage + 1 })
  const shown = rows.slice(0, perPage)
  const usage = await findUsage(
    hub.db,
    shown.map(({ id }) => id),
  )
  const last = shown.at(-1)
  const after = last === undefined ? null : search === '' ? last.id : nameKey(last.name)
  return pageReply(
    context,
    <OrganizationsPage
      context={context}
      organizations={shown.map((row) => ({ ...row, stored: usage.get(row.id)?.stored ?? null }))}
      search={search}
      olderHref={rows.length > perPage ? withQuery(organizationsPath, { search, after }) : null}
      firstHref={query.after === null ? null : withQuery(organizationsPath, { search })}
      dialog={dialog}
    />,
    fault === undefined ? {} : faultAnswer(fault),
  )
}
