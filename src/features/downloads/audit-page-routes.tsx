/** The page of an organization's audited downloads. A filter that is none shows the form again with its message, and no records. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Params, type Route, route } from '../../access/route.ts'
import { mayOnceFresh } from '../../domain/policy.ts'
import { withQuery } from '../../web/address.ts'
import { type AuditedQuery, auditedQuery, getAuditScope, listAudited, setAuditScope } from './audit-list.ts'
import { AuditedDownloadsPage, type AuditedDownloadsProps, auditedDownloadsPath } from './audit-pages.tsx'
import { auditedViewOf } from './present.ts'
import { readCursor } from './routes.ts'

const pageSize = 50
const path = '/organizations/:name/settings/audited-downloads'
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const scopeShape = z.object({ downloads: z.enum(['nothing', 'restricted', 'all']) })

const savedWords = {
  nothing: 'From now on no downloads are audited. What was recorded stays.',
  restricted: 'Downloads of what is private, gated or held are audited.',
  all: 'All downloads are audited.',
} as const

export const downloadAuditPageRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'page',
    action: 'org.audit_log.read',
    target,
    query: auditedQuery.extend({ cursor: z.string().max(24).optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { id, name } = allowed.resource
      const { cursor, ...asked } = query
      const here = auditedDownloadsPath(name)
      const [context, scope] = await Promise.all([pageContext(hub, facts, request), getAuditScope(hub, id)])
      const shown = (rest: Pick<AuditedDownloadsProps, 'form' | 'records' | 'olderHref' | 'firstHref'>) => (
        <AuditedDownloadsPage
          context={context}
          organization={name}
          scope={scope}
          mayDecide={mayOnceFresh('org.download_audit.update', facts)}
          keptDays={hub.config.downloadAuditDays}
          isFiltered={Object.values(asked).some((value) => value !== '')}
          exportHref={withQuery(`/api/organizations/${encodeURIComponent(name)}/audit-log/downloads/export`, asked)}
          {...rest}
        />
      )
      return await orShow(
        async () => {
          const before = readCursor(cursor)
          const page = await listAudited(hub, id, asked, before, pageSize)
          return pageReply(
            context,
            shown({
              form: { values: formValues(asked), errors: {} },
              records: page.records.map(auditedViewOf),
              olderHref: page.next === null ? null : withQuery(here, { ...asked, cursor: page.next }),
              firstHref: before === null ? null : withQuery(here, asked),
            }),
          )
        },
        async (fault) =>
          pageReply(
            context,
            shown({ form: formWithFault(formValues(asked), fault), records: [], olderHref: null, firstHref: null }),
            faultAnswer(fault),
          ),
      )
    },
  }),
  route({
    method: 'POST',
    path,
    surface: 'page',
    action: 'org.download_audit.update',
    target,
    body: scopeShape,
    handle: async ({ hub, allowed, body, request }) => {
      await setAuditScope(hub, allowed, request.origin, body.downloads)
      return redirectWithNotice(auditedDownloadsPath(allowed.resource.name), 'success', savedWords[body.downloads])
    },
  }),
]

/** A date field takes a day only, also where an address named a moment. */
function formValues(asked: AuditedQuery): Record<string, string> {
  const day = (text: string): string => /^\d{4}-\d\d-\d\d/.exec(text)?.[0] ?? ''
  return { ...asked, from: day(asked.from), to: day(asked.to) }
}
