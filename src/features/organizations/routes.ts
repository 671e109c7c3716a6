/** The interface of organizations: making one, its profile, its members and their roles. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { roles } from '../../domain/role.ts'
import { avatarRoute } from './avatar.ts'
import { presentMember, presentOrganization } from './present.ts'
import { countMembers, countPublicRepos, findOrganization, listMembers } from './queries.ts'
import { addMember, changeRole, createOrganization, leaveOrganization, removeMember } from './service.ts'

const role = z.enum(roles)
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

const page = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** The lower-cased name of the last member that was seen. */
  cursor: z.string().max(100).default(''),
})

export const organizationApiRoutes: Route[] = [
  avatarRoute,
  route({
    method: 'POST',
    path: '/api/organizations',
    surface: 'api',
    action: 'org.create',
    target: { on: 'self' },
    body: z.object({
      name: z.string().max(200),
      fullname: z.string().trim().max(100).optional(),
      defaultVisibility: z.enum(['public', 'private']).default('private'),
    }),
    summary: 'Makes an organization, of which the caller is the first administrator.',
    answers: { 201: 'It exists.', 409: 'The name is taken.' },
    handle: async ({ hub, allowed, body, request }) => {
      if (allowed.principal.kind !== 'user') throw new Error('Only a person makes an organization here.')
      const made = await createOrganization(hub, allowed, request.origin, {
        name: body.name.trim(),
        fullname: body.fullname || null,
        defaultVisibility: body.defaultVisibility,
        owner: allowed.principal,
      })
      return json({ id: made.id, name: made.name, url: `${hub.config.publicUrl}/${made.name}` }, 201)
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/overview',
    surface: 'api',
    action: 'org.read',
    target,
    summary: 'The public profile of an organization.',
    handle: async ({ hub, allowed }) => {
      const { id, name } = allowed.resource
      const [organization, members, repos] = await Promise.all([
        findOrganization(hub.db, id),
        countMembers(hub.db, id),
        countPublicRepos(hub.db, id),
      ])
      return json(presentOrganization(hub, { name, fullname: organization?.fullname ?? null, members, repos }))
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/members',
    surface: 'api',
    action: 'org.members.read',
    target,
    query: page,
    summary: 'The members of an organization by name, a page at a time (`Link`).',
    handle: async ({ hub, allowed, query }) => {
      const { id, name } = allowed.resource
      const members = await listMembers(hub.db, id, { after: query.cursor, limit: query.limit + 1 })
      const shown = members.slice(0, query.limit)
      const last = shown.at(-1)
      const next = `${hub.config.publicUrl}/api/organizations/${encodeURIComponent(name)}/members?limit=${query.limit}&cursor=${encodeURIComponent(last?.nameKey ?? '')}`
      return json(
        shown.map((member) => presentMember(hub, member)),
        200,
        members.length > query.limit ? { link: `<${next}>; rel="next"` } : {},
      )
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/members',
    surface: 'api',
    action: 'org.add_user',
    target,
    body: z.object({ user: z.string().max(100), role: role.default('read') }),
    summary: 'Adds somebody to an organization.',
    answers: { 201: 'A member now.', 409: 'A member already.' },
    handle: async ({ hub, allowed, body, request }) => {
      await addMember(hub, allowed, request.origin, { username: body.user, role: body.role })
      return json({ user: body.user, role: body.role }, 201)
    },
  }),
  route({
    method: 'PUT',
    path: '/api/organizations/:name/members/:username/role',
    surface: 'api',
    action: 'org.change_role',
    target,
    body: z.object({
      role,
      resourceGroups: z
        .array(z.object({ id: z.string().max(100), role: z.enum(['read', 'contributor', 'write', 'admin']) }))
        .max(500)
        .default([]),
    }),
    summary:
      "Changes a member's role. As on the Hub, `resourceGroups` replaces the member's groups: without it they are removed from all.",
    handle: async ({ hub, allowed, params, body, request }) => {
      const username = params.get('username')
      await changeRole(hub, allowed, request.origin, { username, role: body.role, workspaces: body.resourceGroups })
      return json({ user: username, role: body.role, resourceGroups: body.resourceGroups })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/members/:username',
    surface: 'api',
    action: 'org.remove_user',
    target,
    summary: 'Removes somebody from an organization, with everything that it gave them.',
    answers: { 204: 'No longer a member.', 409: 'They are its last administrator.' },
    handle: async ({ hub, allowed, params, request }) => {
      await removeMember(hub, allowed, request.origin, params.get('username'))
      return empty(204)
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/leave',
    surface: 'api',
    action: 'org.leave',
    target,
    summary: 'Leaves an organization.',
    answers: { 204: 'No longer a member.', 409: 'The caller is its last administrator.' },
    handle: async ({ hub, allowed, request }) => {
      await leaveOrganization(hub, allowed, request.origin)
      return empty(204)
    },
  }),
]
