/** The pages of organizations: making one, and its members. Which controls are drawn is asked of the policy. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import { decide } from '../../domain/policy.ts'
import { isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { namespacePath } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { membersPath } from '../../web/settings-frame.tsx'
import { OwnOrganizationsPage, ownOrganizationsPath } from './list-page.tsx'
import { type MembersDialog, MembersPage, NewOrganizationPage } from './pages.tsx'
import { countMembers, findMember, listMembers, membershipsOf } from './queries.ts'
import { addMember, changeRole, createOrganization, isLastAdmin, leaveOrganization, removeMember } from './service.ts'

const self = { on: 'self' } as const
const field = z.string().max(1_000).default('')
const pageSize = 100
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const organizationPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: ownOrganizationsPath,
    surface: 'page',
    action: 'account.read',
    target: self,
    handle: async ({ hub, facts, request }) => {
      const context = await pageContext(hub, facts, request)
      const organizations = await membershipsOf(hub.db, person(facts).id)
      return pageReply(context, <OwnOrganizationsPage context={context} organizations={organizations} />)
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/new',
    surface: 'page',
    action: 'account.read',
    target: self,
    handle: async ({ hub, facts, request }) => {
      const context = await pageContext(hub, facts, request)
      return pageReply(context, <NewOrganizationPage context={context} form={freshForm} />)
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/new',
    surface: 'page',
    action: 'org.create',
    target: self,
    body: z.object({
      name: field,
      fullname: field,
      defaultVisibility: z.enum(['public', 'private']).default('private'),
    }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const owner = person(facts)
          const fullname = body.fullname.trim() || null
          if (fullname !== null && fullname.length > 100) {
            throw new HoldfastError('invalid_input', {
              reason: 'A full name has at most 100 characters.',
              field: 'fullname',
            })
          }
          const made = await createOrganization(hub, allowed, request.origin, {
            name: body.name.trim(),
            fullname,
            defaultVisibility: body.defaultVisibility,
            owner,
          })
          return redirectWithNotice(membersPath(made.name), 'success', `${made.name} is made. Add its members here.`)
        },
        async (fault) => {
          const context = await pageContext(hub, facts, request)
          const form = formWithFault(body, fault, { name_taken: 'name', invalid_name: 'name' })
          return pageReply(context, <NewOrganizationPage context={context} form={form} />, faultAnswer(fault))
        },
      ),
  }),
  route({
    method: 'GET',
    path: '/organizations/:name',
    surface: 'page',
    action: 'org.read',
    target,
    handle: async ({ allowed }) => redirect(namespacePath(allowed.resource.name), 302),
  }),
  route({
    method: 'GET',
    path: '/organizations/:name/settings',
    surface: 'page',
    action: 'org.members.read',
    target,
    handle: async ({ allowed }) => redirect(membersPath(allowed.resource.name), 302),
  }),
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
    }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const dialog = await dialogOf(hub, allowed.resource, query.dialog, query.member)
      return await membersReply(hub, allowed.resource, facts, request, { after: query.after, dialog })
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members',
    surface: 'page',
    action: 'org.add_user',
    target,
    body: z.object({ username: field, role: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await addMember(hub, allowed, request.origin, { username: body.username.trim(), role: parseRole(body.role) })
          return redirectWithNotice(
            membersPath(allowed.resource.name),
            'success',
            `${body.username.trim()} is a member now, with the role ${body.role}.`,
          )
        },
        (fault) =>
          membersReply(hub, allowed.resource, facts, request, {
            form: formWithFault(body, fault, { user_not_found: 'username', already_member: 'username' }),
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
  view: { after?: string; dialog?: MembersDialog | null; form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const viewer = person(facts)
  const after = view.after ?? ''
  const [context, members, total, isLast] = await Promise.all([
    pageContext(hub, facts, request),
    listMembers(hub.db, organization.id, { after, limit: pageSize + 1 }),
    countMembers(hub.db, organization.id),
    isLastAdmin(hub.db, organization.id, viewer.id),
  ])
  const shown = members.slice(0, pageSize)
  const here = membersPath(organization.name)
  const page = (
    <MembersPage
      context={context}
      organization={organization.name}
      members={shown}
      total={total}
      nextHref={members.length > pageSize ? `${here}?after=${encodeURIComponent(shown.at(-1)?.nameKey ?? '')}` : null}
      firstHref={after === '' ? null : here}
      mayManage={decide('org.change_role', facts).allow}
      isLastAdmin={isLast}
      form={view.form ?? freshForm}
      dialog={view.dialog ?? null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function dialogOf(
  hub: Hub,
  organization: OwnerFacts,
  kind: string | undefined,
  name: string | undefined,
): Promise<MembersDialog | null> {
  if (kind === 'leave') return { kind }
  if (kind !== 'remove' || name === undefined) return null
  const member = await findMember(hub.db.read, organization.id, nameKey(name))
  return member === null
    ? null
    : { kind, member: { name: member.name, fullname: null, role: member.role, joinedAt: 0 } }
}

function parseRole(text: string): Role {
  if (!isRole(text)) throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: 'role' })
  return text
}

function person(facts: Facts): { id: string; name: string } {
  if (facts.principal.kind !== 'user') throw new HoldfastError('unauthenticated')
  return facts.principal
}
