/** The pages of one's sessions. */
import { z } from 'zod'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { SessionsPage } from './pages.tsx'
import { endOtherSessions, endSession, listOwnSessions } from './service.ts'

const self = { on: 'self' } as const
const sessionsPath = '/settings/sessions'

export const sessionRoutes: Route[] = [
  route({
    method: 'GET',
    path: sessionsPath,
    surface: 'page',
    action: 'session.read',
    target: self,
    query: z.object({ dialog: z.string().optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const context = await pageContext(hub, facts, request)
      const sessions = await listOwnSessions(hub, allowed)
      const dialog = query.dialog === 'end-others' ? 'end-others' : null
      return pageReply(context, <SessionsPage context={context} sessions={sessions} dialog={dialog} />)
    },
  }),
  route({
    method: 'POST',
    path: '/settings/sessions/end-others',
    surface: 'page',
    action: 'session.delete',
    target: self,
    handle: async ({ hub, allowed, request }) => {
      const ended = await endOtherSessions(hub, allowed, request.origin)
      const words = ended === 1 ? 'One other session was ended.' : `${ended} other sessions were ended.`
      return redirectWithNotice(sessionsPath, 'success', words)
    },
  }),
  route({
    method: 'POST',
    path: '/settings/sessions/:id/end',
    surface: 'page',
    action: 'session.delete',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      await endSession(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(sessionsPath, 'success', 'The session was ended.')
    },
  }),
]
