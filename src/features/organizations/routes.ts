/** The interface of organizations: making one, its profile, renaming and deleting it. Members, settings and invitations have their own files. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { avatarRoute } from './avatar.ts'
import { deleteOrganization } from './delete.ts'
import { invitationApiRoutes } from './invitation-routes.ts'
import { countMembers } from './member-queries.ts'
import { memberApiRoutes } from './member-routes.ts'
import { presentOrganization } from './present.ts'
import { countPublicRepos, findOrganization } from './queries.ts'
import { renameOrganization } from './rename.ts'
import { createOrganization } from './service.ts'
import { settingsApiRoutes } from './settings-routes.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

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
        countMembers(hub.db.list, id),
        countPublicRepos(hub.db, id),
      ])
      const { fullname = null, description: details = null } = organization ?? {}
      return json(presentOrganization(hub, { name, fullname, details, members, repos }))
    },
  }),
  ...memberApiRoutes,
  ...settingsApiRoutes,
  ...invitationApiRoutes,
  route({
    method: 'POST',
    path: '/api/organizations/:name/rename',
    surface: 'api',
    action: 'org.rename',
    target,
    body: z.object({ name: z.string().max(200), confirm: z.string().max(200) }),
    summary:
      'Renames an organization, in a session; `confirm` is its present name. Old addresses lead to the new ones.',
    answers: { 200: 'It has the new name.', 409: 'The name is taken, or was somebody else’s once.' },
    handle: async ({ hub, allowed, body, request }) => {
      const name = await renameOrganization(hub, allowed, request.origin, body)
      return json({ id: allowed.resource.id, name, url: `${hub.config.publicUrl}/${name}` })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name',
    surface: 'api',
    action: 'org.delete',
    target,
    body: z.object({ confirm: z.string().max(200) }),
    summary: 'Deletes an organization with everything in it, in a session; `confirm` is its name.',
    answers: { 204: 'It is gone.' },
    handle: async ({ hub, allowed, body, request }) => {
      await deleteOrganization(hub, allowed, request.origin, body.confirm)
      return empty(204)
    },
  }),
]
