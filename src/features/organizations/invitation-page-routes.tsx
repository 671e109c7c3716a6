/**
 * The pages of invitations: the list of an organization's administrators, and the page behind a link. Opening a link uses nothing up: mail scanners
 * open every link; and nothing on the way keeps such a page.
 */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import { isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { namespacePath } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { acceptInvitation, answerable, declineInvitation, findInvitationByLink } from './answer-invitation.ts'
import {
  AnswerInvitationPage,
  type AnswerState,
  type InvitationsDialog,
  InvitationsPage,
  invitationsPath,
} from './invitation-pages.tsx'
import { findInvitation, listInvitations } from './invitation-queries.ts'
import { type Invited, inviteByEmail, resendInvitation, withdrawInvitation } from './invitations.ts'
import { invitationState } from './present.ts'
import { fullAt, seatsOf } from './seats.ts'
import { getSettings } from './settings.ts'

const self = { on: 'self' } as const
const field = z.string().max(1_000).default('')
const pageSize = 100
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const invitationPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/invitations',
    surface: 'page',
    action: 'org.invite_user',
    target,
    query: z.object({
      dialog: z.string().max(30).optional(),
      invitation: z.string().max(50).default(''),
      after: z.string().max(300).default(''),
    }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const dialog = await dialogOf(hub, allowed.resource, query.dialog, query.invitation)
      return await listReply(hub, allowed.resource, facts, request, { after: query.after, dialog })
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/invitations',
    surface: 'page',
    action: 'org.invite_user',
    target,
    body: z.object({ email: field, role: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const input = { email: body.email, role: parseRole(body.role) }
          const invited = await inviteByEmail(hub, allowed, request.origin, input)
          return await invitedReply(hub, allowed.resource, facts, request, invited)
        },
        (fault) => {
          const form = formWithFault(body, fault, { already_invited: 'email' })
          return listReply(hub, allowed.resource, facts, request, { dialog: { kind: 'invite', form }, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/invitations/:id/resend',
    surface: 'page',
    action: 'org.invite_user',
    target,
    handle: ({ hub, allowed, facts, params, request }) =>
      orShow(
        async () => {
          const invited = await resendInvitation(hub, allowed, request.origin, params.get('id'))
          return await invitedReply(hub, allowed.resource, facts, request, invited)
        },
        (fault) => listReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/invitations/:id/withdraw',
    surface: 'page',
    action: 'org.invite_user',
    target,
    handle: ({ hub, allowed, facts, params, request }) =>
      orShow(
        async () => {
          await withdrawInvitation(hub, allowed, request.origin, params.get('id'))
          return redirectWithNotice(invitationsPath(allowed.resource.name), 'success', 'The invitation is withdrawn.')
        },
        (fault) => listReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'GET',
    path: '/invitations/:link',
    surface: 'page',
    action: 'instance.read',
    target: { on: 'instance' },
    handle: ({ hub, facts, params, request }) => answerReply(hub, facts, request, params.get('link')),
  }),
  route({
    method: 'POST',
    path: '/invitations/accept',
    surface: 'page',
    action: 'org.invite.accept',
    target: self,
    body: z.object({ link: z.string().max(100).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { organization, role } = await acceptInvitation(hub, allowed, request.origin, body.link)
          const words = `You are a member of ${organization} now, with the role ${role}.`
          return redirectWithNotice(namespacePath(organization), 'success', words)
        },
        async (fault) => {
          if (fault.code !== 'already_member') return await answerReply(hub, facts, request, body.link, fault)
          // The link is used up: what is left to see is the organization.
          return redirectWithNotice(namespacePath(String(fault.params.organization)), 'info', fault.message)
        },
      ),
  }),
  route({
    method: 'POST',
    path: '/invitations/decline',
    surface: 'page',
    action: 'org.invite.accept',
    target: self,
    body: z.object({ link: z.string().max(100).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const organization = await declineInvitation(hub, allowed, request.origin, body.link)
          return redirectWithNotice('/', 'success', `You declined the invitation to ${organization}.`)
        },
        (fault) => answerReply(hub, facts, request, body.link, fault),
      ),
  }),
]

async function listReply(
  hub: Hub,
  organization: OwnerFacts,
  facts: Facts,
  request: HttpRequest,
  view: {
    after?: string
    dialog?: InvitationsDialog | null
    once?: { address: string; link: string }
    form?: FormState
    fault?: HoldfastError
  },
): Promise<Reply> {
  const after = view.after ?? ''
  const [context, rows, seats, settings] = await Promise.all([
    pageContext(hub, facts, request),
    listInvitations(hub.db, organization.id, { after, limit: pageSize + 1, now: hub.clock.now() }),
    seatsOf(hub, organization.id),
    getSettings(hub, organization.id),
  ])
  const shown = rows.slice(0, pageSize)
  const here = invitationsPath(organization.name)
  const now = hub.clock.now()
  const page = (
    <InvitationsPage
      context={context}
      organization={organization.name}
      invitations={shown.map((row) => ({
        id: row.id,
        address: row.address,
        role: row.role,
        inviter: row.inviterName,
        expiresAt: row.expiresAt,
        sentAt: row.sentAt,
        byMail: row.proof === 'address',
        state: invitationState(row, now, row.inviterRole),
      }))}
      counts={{ members: seats.used, serviceAccounts: seats.serviceAccounts.total, invitations: seats.invited }}
      sendsMail={hub.mailer.isConfigured}
      defaultRole={settings.defaultRole}
      fullAt={fullAt(seats)}
      nextHref={rows.length > pageSize ? `${here}?after=${encodeURIComponent(shown.at(-1)?.addressKey ?? '')}` : null}
      firstHref={after === '' ? null : here}
      once={view.once ?? null}
      form={view.form ?? freshForm}
      dialog={view.dialog ?? null}
    />
  )
  const answer = view.fault === undefined ? {} : faultAnswer(view.fault)
  return pageReply(context, page, { ...answer, secret: view.once !== undefined })
}

/** A mail is on its way, or the answer itself holds the link, once. */
async function invitedReply(
  hub: Hub,
  organization: OwnerFacts,
  facts: Facts,
  request: HttpRequest,
  { invitation, link }: Invited,
): Promise<Reply> {
  const { address } = invitation
  if (link !== null) return await listReply(hub, organization, facts, request, { once: { address, link } })
  const words = `An invitation to ${organization.name} is on its way to ${address}.`
  return redirectWithNotice(invitationsPath(organization.name), 'success', words)
}

async function answerReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  link: string,
  fault?: HoldfastError,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const state = await answerState(hub, facts, link)
  const form = fault === undefined || state.kind === 'spent' ? freshForm : formWithFault({}, fault)
  const answer = state.kind === 'spent' ? { status: 410 } : fault === undefined ? {} : faultAnswer(fault)
  const page = <AnswerInvitationPage context={context} state={state} form={form} />
  return pageReply(context, page, { ...answer, secret: true })
}

async function answerState(hub: Hub, facts: Facts, link: string): Promise<AnswerState> {
  const view = await findInvitationByLink(hub, link)
  if (view === null) return { kind: 'spent' }
  const told = {
    organization: view.organization.name,
    fullname: view.organization.fullname,
    role: view.role,
    inviter: view.inviterName,
    address: view.address,
    expiresAt: view.expiresAt,
    link,
  }
  if (facts.principal.kind !== 'user') {
    const mayJoin = hub.config.signUp !== 'closed' && !view.hasAccount
    return { kind: 'stranger', mayJoin, hasAccount: view.hasAccount, ...told }
  }
  const standing = await answerable(hub, link, facts.principal.id)
  return { kind: standing === 'yes' ? 'ready' : standing, ...told }
}

async function dialogOf(
  hub: Hub,
  organization: OwnerFacts,
  kind: string | undefined,
  id: string,
): Promise<InvitationsDialog | null> {
  if (kind === 'invite') return { kind, form: freshForm }
  if (kind !== 'withdraw') return null
  const found = await findInvitation(hub.db.read, organization.id, id)
  return found === null ? null : { kind, id: found.id, address: found.address }
}

function parseRole(text: string): Role {
  if (!isRole(text)) throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: 'role' })
  return text
}
