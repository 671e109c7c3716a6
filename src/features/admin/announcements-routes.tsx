/** Announcements: made and taken back by administrators of the hub, closed by whoever reads them. */
import { z } from 'zod'
import { dismissCookie, forgetAnnouncements } from '../../access/announcements.ts'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { FormState } from '../../web/form-state.ts'
import { freshForm } from '../../web/form-state.ts'
import { recordEvent } from '../audit/service.ts'
import { AnnouncementsPage, announcementsPath, longestText } from './announcements-page.tsx'
import { deleteAnnouncement, insertAnnouncement, selectAnnouncements } from './queries.ts'

const instance = { on: 'instance' } as const
const mostAtOnce = 20
const about = { resource: { kind: 'instance', id: null, name: null }, ownerId: null } as const

export const announcementRoutes: Route[] = [
  route({
    method: 'GET',
    path: announcementsPath,
    surface: 'page',
    action: 'instance.manage.read',
    target: instance,
    handle: ({ hub, facts, request }) => listReply(hub, facts, request, freshForm),
  }),
  route({
    method: 'POST',
    path: announcementsPath,
    surface: 'page',
    action: 'announcement.write',
    target: instance,
    body: z.object({
      text: z.string().max(2_000).default(''),
      kind: z.enum(['info', 'warning']).default('info'),
      seconds: z.enum(['3600', '86400', '604800', '']).default('86400'),
    }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { kind, seconds } = body
          await announce(hub, allowed, request, { text: readText(body.text), kind, seconds: Number(seconds) })
          return redirectWithNotice(announcementsPath, 'success', 'It is announced.')
        },
        (fault) => listReply(hub, facts, request, formWithFault(body, fault), fault),
      ),
  }),
  route({
    method: 'POST',
    path: `${announcementsPath}/remove`,
    surface: 'page',
    action: 'announcement.write',
    target: instance,
    body: z.object({ id: z.string().max(100) }),
    handle: async ({ hub, allowed, body, request }) => {
      await hub.transaction(async (tx) => {
        const text = await deleteAnnouncement(tx, body.id)
        if (text === null) return
        await recordEvent(hub, tx, allowed, request.origin, { ...about, data: { text, removed: true } })
      })
      forgetAnnouncements(hub)
      return redirectWithNotice(announcementsPath, 'success', 'It is taken back.')
    },
  }),
  route({
    method: 'POST',
    path: '/settings/announcements/dismiss',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    body: z.object({ id: z.string().max(100), back: z.string().max(2_000).optional() }),
    handle: async ({ body, request }) =>
      redirect(safeReturn(body.back), 303, { 'set-cookie': dismissCookie(request.cookie('dismissed'), body.id) }),
  }),
]

/** `seconds` 0: until it is taken back. Throws `too_many_announcements`. */
async function announce(
  hub: Hub,
  allowed: Allowed<'announcement.write'>,
  request: HttpRequest,
  input: { readonly text: string; readonly kind: 'info' | 'warning'; readonly seconds: number },
): Promise<void> {
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('Only a person announces something.')
  const { text, kind, seconds } = input
  const now = hub.clock.now()
  const endsAt = seconds === 0 ? null : now + seconds * 1000
  await hub.transaction(async (tx) => {
    const row = { id: hub.clock.id(), text, kind, startsAt: now, endsAt, createdAt: now, createdBy: principal.id }
    if (!(await insertAnnouncement(tx, row, now, mostAtOnce))) {
      throw new HoldfastError('too_many_announcements', { limit: mostAtOnce })
    }
    const until = endsAt === null ? null : new Date(endsAt).toISOString()
    await recordEvent(hub, tx, allowed, request.origin, { ...about, data: { text, kind, until } })
  })
  forgetAnnouncements(hub)
}

/** One line that says something. Throws `invalid_input`. */
function readText(typed: string): string {
  const text = typed.trim().replace(/\s+/g, ' ')
  if (text !== '' && text.length <= longestText && !/\p{Cc}/u.test(text)) return text
  throw new HoldfastError('invalid_input', {
    reason: `Say it in one line of 1 to ${longestText} characters.`,
    field: 'text',
  })
}

async function listReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  form: FormState,
  fault?: HoldfastError,
): Promise<Reply> {
  const [context, announcements] = await Promise.all([
    pageContext(hub, facts, request),
    selectAnnouncements(hub.db, hub.clock.now(), mostAtOnce),
  ])
  const shown = <AnnouncementsPage context={context} announcements={announcements} form={form} />
  return pageReply(context, shown, fault === undefined ? {} : faultAnswer(fault))
}
