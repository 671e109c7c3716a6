/** The interface of an organization's members and their roles, on the Hub's paths where it has them. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { atLeast, roles } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { lastingShape, readTerm, termShape } from '../temporary-roles/service.ts'
import { countUsersOf, listMembers, type MemberRow, workspacesOf } from './member-queries.ts'
import { addMember, changeRole, endTemporaryRole, leaveOrganization, removeMember } from './membership.ts'
import { type MemberDetail, presentMember } from './present.ts'

const role = z.enum(roles)
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

/** The Hub takes up to 10,000 at a time; here a page never has more than this, and `Link` leads on. */
const mostAtOnce = 1_000

const page = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .transform((limit) => Math.min(limit, mostAtOnce)),
  /** The lower-cased name of the last member that was seen. */
  cursor: z.string().max(100).default(''),
  search: z.string().max(100).optional(),
  email: z.string().max(300).optional(),
  role: role.optional(),
})

export const memberApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/members',
    surface: 'api',
    action: 'org.members.read',
    target,
    query: page,
    summary:
      'The members of an organization by name, a page at a time (`Link`). Roles are shown to members, second factors and resource groups to its administrators.',
    handle: async ({ hub, allowed, query }) => {
      if (query.email !== undefined) {
        throw new HoldfastError('invalid_input', {
          reason: 'Members are not found by e-mail address here: an address is known to its owner alone. Use search.',
          field: 'email',
        })
      }
      const { id, name } = allowed.resource
      const { limit, cursor, search, email: _email, ...filter } = query
      const members = await listMembers(hub.db, id, {
        after: cursor,
        limit: limit + 1,
        now: hub.clock.now(),
        ...(search === undefined || search.trim() === '' ? {} : { search: search.trim() }),
        ...(filter.role === undefined ? {} : { role: filter.role }),
      })
      const shown = members.slice(0, limit)
      const standing = allowed.standing.organizationRole
      const details = await detailsOf(hub, id, shown, {
        seesRoles: atLeast(standing, 'read'),
        isAdmin: standing === 'admin',
      })
      const next = new URLSearchParams({
        limit: String(limit),
        ...(search === undefined ? {} : { search }),
        ...(filter.role === undefined ? {} : { role: filter.role }),
        cursor: shown.at(-1)?.nameKey ?? '',
      })
      const link = `<${hub.config.publicUrl}/api/organizations/${encodeURIComponent(name)}/members?${next}>; rel="next"`
      return json(
        shown.map((member) => presentMember(hub, member, details(member))),
        200,
        members.length > limit ? { link } : {},
      )
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/members',
    surface: 'api',
    action: 'org.add_user',
    target,
    body: z.object({ user: z.string().max(100), role: role.optional(), ...termShape }),
    summary:
      "Adds somebody to an organization; without a role, with the organization's default role. With `until` (or `seconds`) and a `reason` they are a member until then.",
    answers: { 201: 'A member now.', 409: 'A member already, or no seat is left.' },
    handle: async ({ hub, allowed, body, request }) => {
      const given = await addMember(hub, allowed, request.origin, {
        username: body.user,
        role: body.role ?? null,
        term: readTerm(body, hub.clock.now()),
      })
      return json({ user: body.user, role: given }, 201)
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
        .array(
          z.object({
            id: z.string().max(100),
            role: z.enum(['read', 'contributor', 'write', 'admin']),
            ...lastingShape,
          }),
        )
        .max(500)
        .default([]),
      ...termShape,
    }),
    summary:
      "Changes a member's role. As on the Hub, `resourceGroups` replaces the member's groups: without it they are removed from all. With `until` (or `seconds`) and a `reason` the role is for a while, and groups stay as they are.",
    handle: async ({ hub, allowed, params, body, request }) => {
      const username = params.get('username')
      const term = readTerm(body, hub.clock.now())
      if (term !== null) {
        await changeRole(hub, allowed, request.origin, { username, role: body.role, term })
        return json({ user: username, role: body.role, until: new Date(term.until).toISOString() })
      }
      await changeRole(hub, allowed, request.origin, { username, role: body.role, workspaces: body.resourceGroups })
      return json({ user: username, role: body.role, resourceGroups: body.resourceGroups })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/members/:username/temporary-role',
    surface: 'api',
    action: 'org.change_role',
    target,
    summary: "Ends a member's temporary role: what was before counts again, or the membership ends with it.",
    answers: { 204: 'It is over.', 404: 'They are no member, or no temporary role is running.' },
    handle: async ({ hub, allowed, params, request }) => {
      await endTemporaryRole(hub, allowed, request.origin, params.get('username'))
      return empty(204)
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

async function detailsOf(
  hub: Hub,
  organizationId: string,
  members: readonly MemberRow[],
  viewer: { readonly seesRoles: boolean; readonly isAdmin: boolean },
): Promise<(member: MemberRow) => MemberDetail> {
  const { seesRoles } = viewer
  if (!viewer.isAdmin) return () => ({ seesRoles, workspaces: null })
  const rows = await workspacesOf(
    hub.db,
    organizationId,
    members.map(({ userId }) => userId),
    hub.clock.now(),
  )
  const counts = await countUsersOf(hub.db, [...new Set(rows.map(({ id }) => id))], hub.clock.now())
  const byUser = Map.groupBy(rows, ({ userId }) => userId)
  return ({ userId }) => ({
    seesRoles,
    workspaces: (byUser.get(userId) ?? []).map((row) => ({ ...row, numUsers: counts.get(row.id) ?? 0 })),
  })
}
