/** The page of an organization's members. Which controls are drawn is asked of the policy. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf, type Facts, type OwnerFacts } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import { decide } from '../../domain/policy.ts'
import { atLeast, isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { namespacePath, withQuery } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { membersPath } from '../../web/settings-frame.tsx'
import { withTermErrors } from '../../web/temporary-role-form.ts'
import { minuteTime } from '../../web/time-words.ts'
import { findGrant, readTermForm, termFormShape } from '../temporary-roles/service.ts'
import { listMembers, type MemberFilter } from './member-queries.ts'
import { type MembersDialog, type MembersFilter, MembersPage } from './members-page.tsx'
import { addMember, changeRole, endTemporaryRole, leaveOrganization, removeMember } from './membership.ts'
import { findMember } from './queries.ts'
import { fullAt, seatsOf } from './seats.ts'
import { isLastAdmin } from './service.ts'
import { getSettings } from './settings.ts'

const field = z.string().max(1_000).default('')
const pageSize = 100
const noFilter: MembersFilter = { search: '', role: '', factor: '' }
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const memberPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/members',
    surface: 'page',
    action: 'org.members.read',
    target,
    query: z.object({
      dialog: z.string().max(30).optional(),
      member: z.string().max(100).optional(),
      after: z.string().max(100).default(''),
      search: z.string().max(100).default(''),
      role: z.string().max(20).default(''),
      factor: z.string().max(20).default(''),
    }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { after, search, role, factor } = query
      const dialog = await dialogOf(hub, allowed.resource, query.dialog, query.member)
      const filter = { search: search.trim(), role, factor }
      return await membersReply(hub, allowed.resource, facts, request, { after, dialog, filter })
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members',
    surface: 'page',
    action: 'org.add_user',
    target,
    body: z.object({ username: field, role: field, ...termFormShape('person') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const username = body.username.trim()
          const term = readTermForm('person', body, hub.clock.now())
          const role = await addMember(hub, allowed, request.origin, { username, role: parseRole(body.role), term })
          const here = membersPath(allowed.resource.name)
          const end = term === null ? '' : ` until ${minuteTime(term.until)}`
          return redirectWithNotice(here, 'success', `${username} is a member now, with the role ${role}${end}.`)
        },
        (fault) =>
          membersReply(hub, allowed.resource, facts, request, {
            form: withTermErrors(
              'person',
              formWithFault(body, fault, { user_not_found: 'username', already_member: 'username' }),
            ),
            fault,
          }),
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members/:username',
    surface: 'page',
    action: 'org.change_role',
    target,
    body: z.object({ role: field }),
    handle: ({ hub, allowed, facts, params, body, request }) =>
      orShow(
        async () => {
          const username = params.get('username')
          await changeRole(hub, allowed, request.origin, { username, role: parseRole(body.role) })
          const here = membersPath(allowed.resource.name)
          // Who takes their own role away sees the list no more than anybody else.
          const isSelf = facts.principal.kind === 'user' && nameKey(facts.principal.name) === nameKey(username)
          const next = isSelf && body.role === 'no_access' ? namespacePath(allowed.resource.name) : here
          return redirectWithNotice(next, 'success', `${username} has the role ${body.role} now.`)
        },
        (fault) => membersReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members/:username/temporary',
    surface: 'page',
    action: 'org.change_role',
    target,
    body: z.object({ raiseRole: field, ...termFormShape('raise') }),
    handle: ({ hub, allowed, facts, params, body, request }) =>
      orShow(
        async () => {
          const username = params.get('username')
          const term = readTermForm('raise', body, hub.clock.now())
          if (term === null) throw new HoldfastError('invalid_input', { reason: 'Say until when.', field: 'until' })
          const role = parseRole(String(body.raiseRole))
          await changeRole(hub, allowed, request.origin, { username, role, term })
          const words = `${username} has the role ${role} until ${minuteTime(term.until)}.`
          return redirectWithNotice(membersPath(allowed.resource.name), 'success', words)
        },
        async (fault) => {
          const dialog = await dialogOf(hub, allowed.resource, 'raise', params.get('username'))
          const form = withTermErrors('raise', formWithFault(body, fault))
          const drawn = dialog?.kind === 'raise' ? { ...dialog, form } : null
          const view = drawn === null ? { form: formWithFault({}, fault) } : { dialog: drawn }
          return await membersReply(hub, allowed.resource, facts, request, { ...view, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members/:username/temporary/end',
    surface: 'page',
    action: 'org.change_role',
    target,
    handle: ({ hub, allowed, facts, params, request }) =>
      orShow(
        async () => {
          const username = params.get('username')
          await endTemporaryRole(hub, allowed, request.origin, username)
          const words = `The temporary role of ${username} has ended.`
          const isSelf = facts.principal.kind === 'user' && nameKey(facts.principal.name) === nameKey(username)
          const next = isSelf ? namespacePath(allowed.resource.name) : membersPath(allowed.resource.name)
          return redirectWithNotice(next, 'success', words)
        },
        (fault) => membersReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members/:username/remove',
    surface: 'page',
    action: 'org.remove_user',
    target,
    handle: ({ hub, allowed, facts, params, request }) =>
      orShow(
        async () => {
          const username = params.get('username')
          await removeMember(hub, allowed, request.origin, username)
          return redirectWithNotice(membersPath(allowed.resource.name), 'success', `${username} is no longer a member.`)
        },
        (fault) => membersReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/leave',
    surface: 'page',
    action: 'org.leave',
    target,
    handle: ({ hub, allowed, facts, request }) =>
      orShow(
        async () => {
          await leaveOrganization(hub, allowed, request.origin)
          return redirectWithNotice('/', 'success', `You left ${allowed.resource.name}.`)
        },
        (fault) => membersReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
]

async function membersReply(
  hub: Hub,
  organization: OwnerFacts,
  facts: Facts,
  request: HttpRequest,
  view: {
    after?: string
    filter?: MembersFilter
    dialog?: MembersDialog | null
    form?: FormState
    fault?: HoldfastError
  },
): Promise<Reply> {
  const viewer = accountOf(facts.principal)
  const role = facts.standing.organizationRole
  const mayManage = decide('org.change_role', facts).allow
  const seesRoles = decide('org.settings.read', facts).allow && atLeast(role, 'read')
  const after = view.after ?? ''
  const filter = seesRoles ? (view.filter ?? noFilter) : noFilter
  const [context, members, seats, settings, isLast] = await Promise.all([
    pageContext(hub, facts, request),
    listMembers(hub.db, organization.id, {
      after,
      limit: pageSize + 1,
      now: hub.clock.now(),
      ...filterOf(filter, mayManage),
    }),
    seatsOf(hub, organization.id),
    getSettings(hub, organization.id),
    viewer === null ? false : isLastAdmin(hub.db, organization.id, viewer.id),
  ])
  const shown = members.slice(0, pageSize)
  const here = withQuery(membersPath(organization.name), {
    search: filter.search || null,
    role: filter.role || null,
    factor: filter.factor || null,
  })
  const nextHref = `${here}${here.includes('?') ? '&' : '?'}after=${encodeURIComponent(shown.at(-1)?.nameKey ?? '')}`
  const page = (
    <MembersPage
      context={context}
      organization={organization.name}
      members={shown.map((member) => ({
        ...member,
        isActive: member.state === 'active',
        hasSecondFactor: member.secondFactorAt !== null,
      }))}
      total={seats.used}
      serviceAccounts={decide('org.service_account.read', facts).allow ? seats.serviceAccounts.total : null}
      invitations={decide('org.invite_user', facts).allow ? seats.invited : null}
      filter={filter}
      nextHref={members.length > pageSize ? nextHref : null}
      firstHref={after === '' ? null : here}
      mayManage={mayManage}
      isMember={role !== null && facts.principal.kind === 'user'}
      seesRoles={seesRoles}
      isLastAdmin={isLast}
      defaultRole={settings.defaultRole}
      fullAt={fullAt(seats)}
      form={view.form ?? freshForm}
      dialog={view.dialog ?? null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

/** What is no filter leaves all. Second factors are shown to administrators alone, so only they look for them. */
function filterOf({ search, role, factor }: MembersFilter, isAdmin: boolean): MemberFilter {
  return {
    ...(search === '' ? {} : { search }),
    ...(isRole(role) ? { role } : {}),
    ...(isAdmin && (factor === 'with' || factor === 'without') ? { hasSecondFactor: factor === 'with' } : {}),
  }
}

async function dialogOf(
  hub: Hub,
  organization: OwnerFacts,
  kind: string | undefined,
  name: string | undefined,
): Promise<MembersDialog | null> {
  if (kind === 'leave') return { kind }
  if ((kind !== 'remove' && kind !== 'raise') || name === undefined) return null
  const member = await findMember(hub.db.read, organization.id, nameKey(name), hub.clock.now())
  if (member === null) return null
  if (kind === 'remove') return { kind, name: member.name }
  const row = await findGrant(hub.db.read, organization.id, member.userId)
  const lasting = row === null || row.endsWhole === 1 ? null : row.role
  const running = row?.temporaryUntil != null && row.temporaryUntil > hub.clock.now() ? row.temporaryRole : null
  return { kind, name: member.name, lasting, running, form: freshForm }
}

function parseRole(text: string): Role {
  if (!isRole(text)) throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: 'role' })
  return text
}
