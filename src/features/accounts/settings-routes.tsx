/** The pages of one's own account: profile, addresses, and leaving. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationsOnlyAdministeredBy } from '../organizations/service.ts'
import { endedSessionCookie } from '../sessions/service.ts'
import { addEmail, makePrimary, removeEmail, resendVerification } from './emails.ts'
import { deactivateOwnAccount, deleteOwnAccount } from './leave.ts'
import { countOwnRepos, emailsOf } from './queries.ts'
import { updateProfile } from './service.ts'
import { type AccountDialog, AccountSettingsPage, type EmailRow, ProfileSettingsPage } from './settings-pages.tsx'
import { tokenMailIsOn } from './token-mail.ts'

const self = { on: 'self' } as const
const field = z.string().max(1_000).default('')
const profilePath = '/settings/profile'
const accountPath = '/settings/account'

export const settingsRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/settings',
    surface: 'page',
    action: 'account.settings.read',
    target: self,
    handle: async () => redirect(profilePath),
  }),
  route({
    method: 'GET',
    path: profilePath,
    surface: 'page',
    action: 'account.settings.read',
    target: self,
    handle: ({ hub, facts, request }) => profileReply(hub, facts, request, freshForm),
  }),
  route({
    method: 'POST',
    path: profilePath,
    surface: 'page',
    action: 'account.update',
    target: self,
    body: z.object({ fullname: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await updateProfile(hub, allowed, request.origin, body)
          return redirectWithNotice(profilePath, 'success', 'Your profile is saved.')
        },
        (fault) => profileReply(hub, facts, request, formWithFault(body, fault), fault),
      ),
  }),
  route({
    method: 'GET',
    path: accountPath,
    surface: 'page',
    action: 'account.settings.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional(), email: z.string().max(100).optional() }),
    handle: async ({ hub, facts, query, request }) => {
      const dialog = await dialogOf(hub, facts, query.dialog, query.email)
      return await accountReply(hub, facts, request, { dialog })
    },
  }),
  route({
    method: 'POST',
    path: '/settings/account/emails',
    surface: 'page',
    action: 'account.update',
    target: self,
    body: z.object({ email: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await addEmail(hub, allowed, request.origin, body.email)
          return redirectWithNotice(accountPath, 'success', `${body.email.trim()} is added. ${verificationWords(hub)}`)
        },
        (fault) => accountReply(hub, facts, request, { form: formWithFault(body, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/settings/account/emails/:id',
    surface: 'page',
    action: 'account.update',
    target: self,
    body: z.object({ do: z.enum(['primary', 'resend', 'remove']) }),
    handle: ({ hub, allowed, facts, params, body, request }) =>
      orShow(
        async () => {
          const id = params.get('id')
          if (body.do === 'primary') await makePrimary(hub, allowed, request.origin, id)
          else if (body.do === 'remove') await removeEmail(hub, allowed, request.origin, id)
          else await resendVerification(hub, allowed, request.origin, id)
          const words = { primary: 'Your primary address is changed.', remove: 'The address is removed.' }
          return redirectWithNotice(
            accountPath,
            'success',
            body.do === 'resend' ? verificationWords(hub) : words[body.do],
          )
        },
        (fault) => accountReply(hub, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/settings/account/deactivate',
    surface: 'page',
    action: 'account.delete',
    target: self,
    body: z.object({ confirm: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await deactivateOwnAccount(hub, allowed, request.origin, body.confirm)
          return goodbye(hub, 'Your account is deactivated. An administrator of this hub can activate it again.')
        },
        (fault) => leaveFault(hub, facts, request, 'deactivate', body, fault),
      ),
  }),
  route({
    method: 'POST',
    path: '/settings/account/delete',
    surface: 'page',
    action: 'account.delete',
    target: self,
    body: z.object({ confirm: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await deleteOwnAccount(hub, allowed, request.origin, body.confirm)
          return goodbye(hub, 'Your account is deleted.')
        },
        (fault) => leaveFault(hub, facts, request, 'delete', body, fault),
      ),
  }),
]

async function profileReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  form: FormState,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const { name, fullname } = person(facts)
  const page = <ProfileSettingsPage context={context} form={form} profile={{ name, fullname }} />
  return pageReply(context, page, fault === null ? {} : faultAnswer(fault))
}

async function accountReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  state: { dialog?: AccountDialog | null; form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const { id, name } = person(facts)
  const [emails, repositories, lastAdminOf, tokenMail] = await Promise.all([
    emailRows(hub, id),
    countOwnRepos(hub.db, id),
    organizationsOnlyAdministeredBy(hub.db.read, id),
    tokenMailIsOn(hub, id),
  ])
  const page = (
    <AccountSettingsPage
      context={context}
      name={name}
      emails={emails}
      form={state.form ?? freshForm}
      lastAdminOf={lastAdminOf}
      repositories={repositories}
      dialog={state.dialog ?? null}
      sendsMail={hub.mailer.isConfigured}
      tokenMail={tokenMail}
    />
  )
  return pageReply(context, page, state.fault === undefined ? {} : faultAnswer(state.fault))
}

async function dialogOf(
  hub: Hub,
  facts: Facts,
  kind: string | undefined,
  emailId: string | undefined,
): Promise<AccountDialog | null> {
  if (kind === 'deactivate' || kind === 'delete') return { kind, form: freshForm }
  if (kind !== 'remove-email') return null
  const email = (await emailRows(hub, person(facts).id)).find((row) => row.id === emailId)
  return email === undefined ? null : { kind, email }
}

/** A wrong word belongs into the dialog; what else stands in the way is said on the page. */
function leaveFault(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  kind: 'deactivate' | 'delete',
  body: Readonly<Record<string, unknown>>,
  fault: HoldfastError,
): Promise<Reply> {
  const form = formWithFault(body, fault)
  return fault.code === 'invalid_input'
    ? accountReply(hub, facts, request, { dialog: { kind, form }, fault })
    : accountReply(hub, facts, request, { form, fault })
}

async function emailRows(hub: Hub, userId: string): Promise<EmailRow[]> {
  const rows = await emailsOf(hub.db.read, userId)
  return rows.map(({ id, address, isPrimary, verifiedAt }) => ({ id, address, isPrimary: isPrimary === 1, verifiedAt }))
}

function verificationWords(hub: Hub): string {
  return hub.mailer.isConfigured
    ? 'A link to verify it is on its way.'
    : 'This hub sends no e-mail: ask its administrator for the link that verifies it.'
}

function goodbye(hub: Hub, words: string): Reply {
  return redirectWithNotice('/login', 'success', words, { 'set-cookie': [endedSessionCookie(hub)] })
}

function person(facts: Facts): { id: string; name: string; fullname: string | null } {
  if (facts.principal.kind !== 'user') throw new HoldfastError('unauthenticated')
  return facts.principal
}
