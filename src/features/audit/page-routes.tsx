/** The page of the audit log. A filter that is none shows the form again with its message, and no entries. */
import type { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Params, type Route, route } from '../../access/route.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { filterQuery, given, listQuery, readCursor, readFilter } from './filter.ts'
import { listActions, listEvents } from './list-events.ts'
import { AuditLogPage, type AuditLogProps } from './pages.tsx'
import { readSealState } from './seal-state.ts'

const pageSize = 50
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const pageQuery = filterQuery.extend({ cursor: listQuery.shape.cursor })

export const auditPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/audit-log',
    surface: 'page',
    action: 'org.audit_log.read',
    target,
    query: pageQuery,
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { id, name } = allowed.resource
      const { cursor, ...asked } = query
      const filters = given(asked)
      const [context, actions, seals] = await Promise.all([
        pageContext(hub, facts, request),
        listActions(hub, id),
        readSealState(hub),
      ])
      const here = organizationSettingsPath(name, 'audit-log')
      const always = { context, organization: name, actions, seals, isFiltered: Object.keys(filters).length > 0 }
      const shown = (rest: Pick<AuditLogProps, 'form' | 'entries' | 'olderHref' | 'firstHref'>) => (
        <AuditLogPage
          {...always}
          {...rest}
          exportHref={address(`/api/organizations/${encodeURIComponent(name)}/audit-log/export`, filters)}
        />
      )
      return await orShow(
        async () => {
          const before = readCursor(cursor)
          const page = await listEvents(hub, readFilter(id, asked), before, pageSize)
          return pageReply(
            context,
            shown({
              form: { values: formValues(asked), errors: {} },
              entries: page.entries,
              olderHref: page.next === null ? null : address(here, { ...filters, cursor: page.next }),
              firstHref: before === null ? null : address(here, filters),
            }),
          )
        },
        async (fault) =>
          pageReply(
            context,
            shown({ form: formWithFault(formValues(asked), fault), entries: [], olderHref: null, firstHref: null }),
            faultAnswer(fault),
          ),
      )
    },
  }),
]

/** A date field takes a day only, also where an address named a moment. */
function formValues(asked: z.output<typeof filterQuery>): Record<string, string> {
  const day = (text: string): string => /^\d{4}-\d\d-\d\d/.exec(text)?.[0] ?? ''
  return { ...asked, from: day(asked.from), to: day(asked.to) }
}

function address(path: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString()
  return query === '' ? path : `${path}?${query}`
}
