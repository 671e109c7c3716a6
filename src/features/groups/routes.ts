/** The interface of groups: `/api/organizations/{org}/groups[/{id}[/members/{name}]]`. */
import { z } from 'zod'
import { nextPageLink } from '../../access/paging.ts'
import { empty, type Headers, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { lastingShape } from '../temporary-roles/service.ts'
import { presentGroup, presentGroupMember } from './present.ts'
import { findGroup, listGroups, listRoster } from './queries.ts'
import { createGroup, deleteGroup, mostDescription, putGroupMember, removeGroupMember, updateGroup } from './service.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const group = ({ params }: { params: Params }) =>
  ({ on: 'group', organization: params.get('name'), id: params.get('id') }) as const

const page = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(300).default(''),
})
const name = z.string().max(200)
const description = z.string().trim().max(mostDescription).nullish()
const role = z.enum(['member', 'manager'])
const roleBody = z.object({ role: role.default('member'), ...lastingShape })

const noGroup = { 404: 'There is no such group, or the caller is not of the organization.' } as const
const notOfIt = { 404: 'No such group, or nobody of that name in the organization.' } as const

const base = '/api/organizations/:name/groups'

export const groupApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: base,
    surface: 'api',
    action: 'org.group.list',
    target: organization,
    query: page,
    summary: 'The groups of an organization by name, a page at a time (`Link`)',
    handle: async ({ hub, allowed, query, request }) => {
      const groups = await listGroups(hub.db, allowed.resource.id, { after: query.cursor, limit: query.limit + 1 })
      const shown = groups.slice(0, query.limit)
      const next = groups.length > query.limit ? shown.at(-1)?.nameKey : undefined
      return json(shown.map(presentGroup), 200, linkTo(hub, request.path, query.limit, next))
    },
  }),
  route({
    method: 'POST',
    path: base,
    surface: 'api',
    action: 'org.group.create',
    target: organization,
    body: z.object({ name, description }),
    summary: 'Makes a group',
    answers: { 201: 'The group', 409: 'The organization has one of that name.' },
    handle: async ({ hub, allowed, body, request }) => {
      const made = await createGroup(hub, allowed, request.origin, {
        name: body.name,
        description: body.description || null,
      })
      return json(presentGroup({ ...made, people: 0, machines: 0 }), 201)
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id`,
    surface: 'api',
    action: 'org.group.read',
    target: group,
    query: page,
    summary: 'A group with a page of its members (`Link` leads to more of them)',
    answers: noGroup,
    handle: async ({ hub, allowed, query }) => {
      const { id, organization: owner } = allowed.resource
      const [found, members] = await Promise.all([getGroup(hub, id), rosterPage(hub, id, query)])
      const more = `/api/organizations/${encodeURIComponent(owner.name)}/groups/${id}/members`
      return json(
        { ...presentGroup(found), members: members.shown.map(presentGroupMember) },
        200,
        linkTo(hub, more, query.limit, members.next),
      )
    },
  }),
  route({
    method: 'PATCH',
    path: `${base}/:id`,
    surface: 'api',
    action: 'org.group.update',
    target: group,
    body: z.object({ name: name.optional(), description }),
    summary: 'Renames or describes a group',
    answers: { ...noGroup, 409: 'The organization has another one of that name.' },
    handle: async ({ hub, allowed, body, request }) => {
      await updateGroup(hub, allowed, request.origin, {
        name: body.name,
        description: body.description === undefined ? undefined : body.description || null,
      })
      return json(presentGroup(await getGroup(hub, allowed.resource.id)))
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id`,
    surface: 'api',
    action: 'org.group.delete',
    target: group,
    summary: 'Deletes a group; its members lose what they had through it, on the next request',
    answers: { 204: 'It is gone.', ...noGroup },
    handle: async ({ hub, allowed, request }) => {
      await deleteGroup(hub, allowed, request.origin)
      return empty(204)
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id/members`,
    surface: 'api',
    action: 'org.group.read',
    target: group,
    query: page,
    summary: 'The members of a group: people by name, then service accounts by name, a page at a time (`Link`)',
    answers: noGroup,
    handle: async ({ hub, allowed, query, request }) => {
      const { shown, next } = await rosterPage(hub, allowed.resource.id, query)
      return json(shown.map(presentGroupMember), 200, linkTo(hub, request.path, query.limit, next))
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/members/:member`,
    surface: 'api',
    action: 'org.group.change_members',
    target: group,
    body: roleBody,
    summary: 'Adds a member of the organization (by user name) or a service account (`sa-` and its id) to a group',
    answers: { 201: 'In the group now', ...notOfIt, 409: 'In the group already' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const change = { name: params.get('member'), role: body.role, onlyNew: true }
      const { party } = await putGroupMember(hub, allowed, request.origin, change)
      return json({ name: party.name, role: body.role }, 201)
    },
  }),
  route({
    method: 'PUT',
    path: `${base}/:id/members/:member`,
    surface: 'api',
    action: 'org.group.change_members',
    target: group,
    body: roleBody,
    summary: 'Gives somebody a role in a group, in which they may be already',
    answers: { 200: 'The role', 201: 'In the group now', ...notOfIt },
    handle: async ({ hub, allowed, params, body, request }) => {
      const change = { name: params.get('member'), role: body.role }
      const { party, isNew } = await putGroupMember(hub, allowed, request.origin, change)
      return json({ name: party.name, role: body.role }, isNew ? 201 : 200)
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id/members/:member`,
    surface: 'api',
    action: 'org.group.change_members',
    target: group,
    summary: 'Takes somebody out of a group',
    answers: { 204: 'No longer in it', ...notOfIt },
    handle: async ({ hub, allowed, params, request }) => {
      await removeGroupMember(hub, allowed, request.origin, params.get('member'))
      return empty(204)
    },
  }),
]

async function getGroup(hub: Hub, id: string) {
  const found = await findGroup(hub.db, id)
  if (found === null) throw new HoldfastError('group_not_found')
  return found
}

async function rosterPage(hub: Hub, id: string, query: z.output<typeof page>) {
  const now = hub.clock.now()
  const rows = await listRoster(hub.db, id, { after: query.cursor, limit: query.limit + 1, now })
  const shown = rows.slice(0, query.limit)
  return { shown, next: rows.length > query.limit ? shown.at(-1)?.cursor : undefined }
}

function linkTo(hub: Hub, path: string, limit: number, cursor: string | undefined): Headers {
  return cursor === undefined ? {} : nextPageLink(hub.config, path, { limit, cursor })
}
