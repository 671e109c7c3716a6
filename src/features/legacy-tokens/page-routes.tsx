/** The page of an organization's deprecated token. */
import { z } from 'zod'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { Facts } from '../../domain/facts.ts'
import { mayOnceFresh } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { LegacyTokenPage, legacyTokenPath } from './pages.tsx'
import { deleteLegacyToken, getLegacyToken, type LegacyTokenState, rotateLegacyToken } from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const path = '/organizations/:name/settings/organization-token'

export const legacyTokenPageRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'page',
    action: 'org.legacy_token.read',
    target,
    query: z.object({ dialog: z.string().max(30).optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const dialog = query.dialog === 'rotate' || query.dialog === 'delete' ? query.dialog : null
      const state = await getLegacyToken(hub, allowed)
      return await draw(hub, allowed.resource.name, facts, request, { state, dialog, value: null })
    },
  }),
  route({
    method: 'POST',
    path: `${path}/rotate`,
    surface: 'page',
    action: 'org.rotate_token',
    target,
    handle: async ({ hub, allowed, facts, request }) => {
      const { value, token } = await rotateLegacyToken(hub, allowed, request.origin)
      const state = { isTaken: true, token }
      return await draw(hub, allowed.resource.name, facts, request, { state, dialog: null, value })
    },
  }),
  route({
    method: 'POST',
    path: `${path}/delete`,
    surface: 'page',
    action: 'org.delete_token',
    target,
    handle: async ({ hub, allowed, request }) => {
      await deleteLegacyToken(hub, allowed, request.origin)
      return redirectWithNotice(legacyTokenPath(allowed.resource.name), 'success', 'The organization token is deleted.')
    },
  }),
]

async function draw(
  hub: Hub,
  organization: string,
  facts: Facts,
  request: HttpRequest,
  view: { state: LegacyTokenState; dialog: 'rotate' | 'delete' | null; value: string | null },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const mayManage = mayOnceFresh('org.rotate_token', facts)
  const page = (
    <LegacyTokenPage
      context={context}
      organization={organization}
      mayManage={mayManage}
      {...view}
      dialog={mayManage ? view.dialog : null}
    />
  )
  return pageReply(context, page, { secret: view.value !== null })
}
