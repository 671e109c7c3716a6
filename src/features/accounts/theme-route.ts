/** The colour switch of the footer: a cookie, so that it works before anybody is signed in and without scripts. */
import { z } from 'zod'
import { safeReturn } from '../../access/page-reply.tsx'
import { redirect } from '../../access/reply.ts'
import { route } from '../../access/route.ts'

const yearInSeconds = 365 * 24 * 3600

export const themeRoute = route({
  method: 'POST',
  path: '/theme',
  surface: 'page',
  action: 'instance.read',
  target: { on: 'instance' },
  body: z.object({ theme: z.enum(['light', 'dark', 'system']), back: z.string().max(2_000).optional() }),
  handle: async ({ hub, body }) => {
    const age = body.theme === 'system' ? 0 : yearInSeconds
    const secure = hub.config.isHttps ? '; Secure' : ''
    const cookie = `theme=${body.theme}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`
    return redirect(safeReturn(body.back), 303, { 'set-cookie': [cookie] })
  },
})
