/** The switch for the weekly mail about tokens, in the settings and at the address that stands in the mail (RFC 8058). */
import { z } from 'zod'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { checkTokenMailLink, offPath, setTokenMail, switchOffByLink, tokenMailOffPath } from './token-mail.ts'
import { TokenMailOffPage } from './token-mail-pages.tsx'

const linkQuery = z.object({ person: z.string().max(100).optional(), signature: z.string().max(100).optional() })

export const tokenMailRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/settings/account/token-mail',
    surface: 'page',
    action: 'account.update',
    target: { on: 'self' },
    body: z.object({ do: z.enum(['on', 'off']) }),
    handle: async ({ hub, allowed, body, request }) => {
      await setTokenMail(hub, allowed, request.origin, body.do === 'on')
      return redirectWithNotice('/settings/account', 'success', `The weekly mail about tokens is ${body.do}.`)
    },
  }),
  // Mail scanners open every link: this one changes nothing.
  route({
    method: 'GET',
    path: offPath,
    surface: 'page',
    authority: 'address',
    action: 'account.recover',
    target: { on: 'instance' },
    query: linkQuery,
    handle: async ({ hub, facts, query, request }) => {
      checkTokenMailLink(hub, query)
      return await offReply(hub, facts, request, tokenMailOffPath(hub, query.person ?? ''))
    },
  }),
  route({
    method: 'POST',
    path: offPath,
    surface: 'page',
    authority: 'address',
    action: 'account.recover',
    target: { on: 'instance' },
    query: linkQuery,
    handle: async ({ hub, allowed, facts, query, request }) => {
      await switchOffByLink(hub, allowed, request.origin, query)
      return await offReply(hub, facts, request, null)
    },
  }),
]

async function offReply(hub: Hub, facts: Facts, request: HttpRequest, action: string | null): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  return pageReply(context, <TokenMailOffPage context={context} action={action} />, { secret: true })
}
