/** Seats and storage of an organization, on one page: people from a tier below, bytes from this one. */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { decide } from '../../domain/policy.ts'
import { withQuery } from '../../web/address.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { seatsOf } from '../organizations/service.ts'
import { findUsage } from '../storage/service.ts'
import { writeCursor } from './listing.ts'
import { OrganizationStoragePage } from './organization-storage-page.tsx'
import { listOwned } from './owned.ts'

const pageSize = 50

export const organizationStorageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/storage',
    surface: 'page',
    action: 'org.settings.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }),
    query: z.object({ cursor: z.string().max(500).optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { id, name } = allowed.resource
      const [context, seats, page] = await Promise.all([
        pageContext(hub, facts, request),
        seatsOf(hub, id),
        listOwned(hub, facts, name, { limit: pageSize, cursor: query.cursor }),
      ])
      const usage = await findUsage(hub.db, [id, ...page.rows.map((row) => row.id)])
      const here = organizationSettingsPath(name, 'storage')
      const { total, active } = seats.serviceAccounts
      const seesMachines = decide('org.service_account.read', facts).allow
      return pageReply(
        context,
        <OrganizationStoragePage
          context={context}
          organization={name}
          seats={seats}
          machines={seesMachines ? { total, active, invited: seats.invited } : null}
          usage={usage.get(id) ?? null}
          repos={page.rows.map((row) => ({
            kind: row.kind,
            namespace: row.ownerName,
            name: row.name,
            usage: usage.get(row.id) ?? null,
          }))}
          olderHref={page.next === null ? null : withQuery(here, { cursor: writeCursor(page.next) })}
          firstHref={query.cursor === undefined ? null : here}
        />,
      )
    },
  }),
]
