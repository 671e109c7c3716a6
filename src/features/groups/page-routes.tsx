/** The pages of groups. Which controls are drawn is asked of the policy. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { visibleWorkspaces } from '../../access/visible-workspaces.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, PartFacts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { lossThroughGroup, workspacesOfGroup } from '../workspaces/service.ts'
import type { GroupDialogState } from './dialogs.tsx'
import { GroupPage, GroupsPage, groupPath, groupsPath } from './pages.tsx'
import { findGroup, findRosterRow, listGroups, listRoster } from './queries.ts'
import { createGroup, deleteGroup, machinesToOffer, putGroupMember, removeGroupMember, updateGroup } from './service.ts'

const field = z.string().max(1_000).default('')
const after = z.string().max(300).default('')
const pageSize = 100
const base = '/organizations/:name/settings/groups'
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const group = ({ params }: { params: Params }) =>
  ({ on: 'group', organization: params.get('name'), id: params.get('id') }) as const

export const groupPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: base,
    surface: 'page',
    action: 'org.group.list',
    target: organization,
    query: z.object({ dialog: z.string().max(30).optional(), after }),
    handle: ({ hub, allowed, facts, query, request }) => {
      const dialog = query.dialog === 'new' ? freshForm : null
      return listReply(hub, allowed.resource, facts, request, { after: query.after, dialog })
    },
  }),
  route({
    method: 'POST',
    path: base,
    surface: 'page',
    action: 'org.group.create',
    target: organization,
    body: z.object({ name: field, description: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const made = await createGroup(hub, allowed, request.origin, described(body))
          return redirectWithNotice(
            groupPath(allowed.resource.name, made.id),
            'success',
            `${made.name} is made. Add who belongs to it.`,
          )
        },
        (fault) =>
          listReply(hub, allowed.resource, facts, request, {
            dialog: formWithFault(body, fault, { group_name_taken: 'name' }),
            fault,
          }),
      ),
  }),
  route({
    method: 'GET',
    path: `${base}/:id`,
    surface: 'page',
    action: 'org.group.read',
    target: group,
    query: z.object({ dialog: z.string().max(30).optional(), member: z.string().max(100).optional(), after }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const dialog = await dialogOf(hub, allowed.resource, facts, query.dialog, query.member)
      return await groupReply(hub, allowed.resource, facts, request, { after: query.after, dialog })
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id`,
    surface: 'page',
    action: 'org.group.update',
    target: group,
    body: z.object({ name: field, description: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await updateGroup(hub, allowed, request.origin, described(body))
          return back(allowed.resource, 'The group is saved.')
        },
        (fault) => {
          const form = formWithFault(body, fault, { group_name_taken: 'name' })
          return groupReply(hub, allowed.resource, facts, request, { dialog: { kind: 'edit', form }, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/delete`,
    surface: 'page',
    action: 'org.group.delete',
    target: group,
    handle: async ({ hub, allowed, request }) => {
      await deleteGroup(hub, allowed, request.origin)
      const { name, organization: owner } = allowed.resource
      return redirectWithNotice(groupsPath(owner.name), 'success', `${name} is deleted.`)
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/members`,
    surface: 'page',
    action: 'org.group.change_members',
    target: group,
    body: z.object({ username: field, role: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const change = { name: body.username.trim(), role: parseRole(body.role), onlyNew: true }
          const { party } = await putGroupMember(hub, allowed, request.origin, change)
          const shown = party.kind === 'user' ? party.name : (party.fullname ?? party.name)
          return back(allowed.resource, `${shown} is in ${allowed.resource.name} now, as ${change.role}.`)
        },
        (fault) => {
          const form = formWithFault(body, fault, { not_of_organization: 'username', already_in_group: 'username' })
          return groupReply(hub, allowed.resource, facts, request, { form, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/members/:member`,
    surface: 'page',
    action: 'org.group.change_members',
    target: group,
    body: z.object({ role: field }),
    handle: ({ hub, allowed, facts, params, body, request }) =>
      orShow(
        async () => {
          const change = { name: params.get('member'), role: parseRole(body.role) }
          const { party } = await putGroupMember(hub, allowed, request.origin, change)
          return back(
            allowed.resource,
            `${party.fullname ?? party.name} is ${change.role} of ${allowed.resource.name} now.`,
          )
        },
        (fault) => groupReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/members/:member/remove`,
    surface: 'page',
    action: 'org.group.change_members',
    target: group,
    handle: ({ hub, allowed, facts, params, request }) =>
      orShow(
        async () => {
          await removeGroupMember(hub, allowed, request.origin, params.get('member'))
          return back(allowed.resource, `${params.get('member')} is no longer in ${allowed.resource.name}.`)
        },
        (fault) => groupReply(hub, allowed.resource, facts, request, { form: formWithFault({}, fault), fault }),
      ),
  }),
]

async function listReply(
  hub: Hub,
  owner: { readonly id: string; readonly name: string },
  facts: Facts,
  request: HttpRequest,
  view: { after?: string; dialog: FormState | null; fault?: HoldfastError },
): Promise<Reply> {
  const from = view.after ?? ''
  const [context, groups] = await Promise.all([
    pageContext(hub, facts, request),
    listGroups(hub.db, owner.id, { after: from, limit: pageSize + 1 }),
  ])
  const shown = groups.slice(0, pageSize)
  const here = groupsPath(owner.name)
  const mayCreate = decide('org.group.create', facts).allow
  const page = (
    <GroupsPage
      context={context}
      organization={owner.name}
      groups={shown}
      nextHref={groups.length > pageSize ? `${here}?after=${encodeURIComponent(shown.at(-1)?.nameKey ?? '')}` : null}
      firstHref={from === '' ? null : here}
      mayCreate={mayCreate}
      dialog={mayCreate ? view.dialog : null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function groupReply(
  hub: Hub,
  part: PartFacts,
  facts: Facts,
  request: HttpRequest,
  view: { after?: string; dialog?: GroupDialogState | null; form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const from = view.after ?? ''
  const mayChangeMembers = decide('org.group.change_members', facts).allow
  const [context, found, members, workspaces, machines] = await Promise.all([
    pageContext(hub, facts, request),
    findGroup(hub.db, part.id),
    listRoster(hub.db, part.id, { after: from, limit: pageSize + 1, now: hub.clock.now() }),
    workspacesSeen(hub, facts, part),
    mayChangeMembers ? machinesToOffer(hub, facts, part.organization.id) : [],
  ])
  if (found === null) throw new HoldfastError('group_not_found')
  const roster = members.slice(0, pageSize)
  const here = groupPath(part.organization.name, part.id)
  const page = (
    <GroupPage
      context={context}
      organization={part.organization.name}
      group={found}
      roster={roster}
      nextHref={members.length > pageSize ? `${here}?after=${encodeURIComponent(roster.at(-1)?.cursor ?? '')}` : null}
      firstHref={from === '' ? null : here}
      workspaces={workspaces}
      mayChangeMembers={mayChangeMembers}
      mayManage={decide('org.group.update', facts).allow}
      form={view.form ?? freshForm}
      offered={machines.map(({ name, fullname }) => ({ value: name, label: fullname ?? name }))}
      dialog={view.dialog ?? null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

const mostWorkspaces = 200

async function workspacesSeen(hub: Hub, facts: Facts, part: PartFacts) {
  const roles = await workspacesOfGroup(hub.db, part.id, mostWorkspaces, hub.clock.now())
  const seen = await visibleWorkspaces(
    hub.db,
    facts,
    roles.map(({ id }) => id),
    hub.clock.now(),
  )
  return roles.filter(({ id }) => seen.has(id))
}

/** A dialog opens only for who may press its button. */
async function dialogOf(
  hub: Hub,
  part: PartFacts,
  facts: Facts,
  kind: string | undefined,
  name: string | undefined,
): Promise<GroupDialogState | null> {
  const about = { organizationId: part.organization.id, groupId: part.id }
  if (kind === 'edit' && decide('org.group.update', facts).allow) return { kind, form: freshForm }
  if (kind === 'delete' && decide('org.group.delete', facts).allow) {
    return { kind, loss: await lossThroughGroup(hub.db, about, hub.clock.now()) }
  }
  if (kind !== 'remove' || name === undefined || !decide('org.group.change_members', facts).allow) return null
  const member = await findRosterRow(hub.db, part.id, name)
  if (member === null) return null
  const loss = await lossThroughGroup(hub.db, { ...about, principalId: member.id }, hub.clock.now())
  return { kind, member: { name: member.name, shown: member.shown }, loss }
}

function described(body: { name: string; description: string }): { name: string; description: string | null } {
  const description = body.description.trim()
  if (description.length > 500) {
    throw new HoldfastError('invalid_input', {
      reason: 'A description has at most 500 characters.',
      field: 'description',
    })
  }
  return { name: body.name, description: description || null }
}

function parseRole(text: string): 'member' | 'manager' {
  if (text === 'member' || text === 'manager') return text
  throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: 'role' })
}

function back(part: PartFacts, notice: string): Reply {
  return redirectWithNotice(groupPath(part.organization.name, part.id), 'success', notice)
}
