/** The interface of an organization's settings and seats. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { admissionPolicies } from '../../domain/import-list.ts'
import { leakedTokenPolicies, pushProtections } from '../../domain/leak-policy.ts'
import { scanPolicies } from '../../domain/quarantine.ts'
import { roles } from '../../domain/role.ts'
import { findNamespace } from './namespaces.ts'
import { presentSeats, presentSettings } from './present.ts'
import { seatsOf, setSeatLimit } from './seats.ts'
import { changeSettings, getSettings, membersWithoutFactor, requireSecondFactor } from './settings.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const settingsApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/settings',
    surface: 'api',
    action: 'org.settings.read',
    target,
    summary: 'The settings of an organization, for its members with the role read and more.',
    handle: async ({ hub, allowed }) =>
      json(presentSettings(allowed.resource.name, await getSettings(hub, allowed.resource.id))),
  }),
  route({
    method: 'PATCH',
    path: '/api/organizations/:name/settings',
    surface: 'api',
    action: 'org.update_settings',
    target,
    body: z.strictObject({
      fullname: z.string().max(1_000).nullish(),
      description: z.string().max(10_000).nullish(),
      defaultRole: z.enum(roles).optional(),
      defaultVisibility: z.enum(['public', 'private']).optional(),
      membersVisibility: z.enum(['members', 'public']).optional(),
      workspaceCreation: z.enum(['read', 'contributor', 'write', 'admin']).optional(),
      scanPolicy: z.enum(scanPolicies).optional(),
      pickleAdmission: z.enum(admissionPolicies).optional(),
      pickleAllowList: z.string().max(100_000).nullish(),
      leakedTokens: z.enum(leakedTokenPolicies).optional(),
      pushProtection: z.enum(pushProtections).optional(),
    }),
    summary: 'Changes what is named of the settings; the rest stays.',
    handle: async ({ hub, allowed, body, request }) =>
      json(presentSettings(allowed.resource.name, await changeSettings(hub, allowed, request.origin, body))),
  }),
  route({
    method: 'PUT',
    path: '/api/organizations/:name/settings/security',
    surface: 'api',
    action: 'org.settings.security',
    target,
    body: z.strictObject({ secondFactorRequired: z.boolean() }),
    summary:
      'Says whether members need a second factor, in a session. Answers how many have none: they reach only what is public until they have one.',
    answers: { 200: 'So it is.', 409: 'The caller has no second factor.' },
    handle: async ({ hub, allowed, body, request }) => {
      await requireSecondFactor(hub, allowed, request.origin, body.secondFactorRequired)
      const membersWithout = await membersWithoutFactor(hub, allowed.resource.id)
      return json({ secondFactorRequired: body.secondFactorRequired, membersWithoutSecondFactor: membersWithout })
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/seats',
    surface: 'api',
    action: 'org.settings.read',
    target,
    summary:
      'How many members an organization has and may have; to administrators also service accounts, which take no seat.',
    handle: async ({ hub, allowed }) =>
      json(presentSeats(await seatsOf(hub, allowed.resource.id), allowed.standing.organizationRole === 'admin')),
  }),
  route({
    method: 'PUT',
    path: '/api/organizations/:name/seats',
    surface: 'api',
    action: 'org.set_seat_limit',
    target: { on: 'instance' },
    body: z.strictObject({ limit: z.number().int().min(1).max(1_000_000).nullable() }),
    summary:
      'Sets how many members an organization may have, or null for any number: for administrators of the hub, in a session.',
    handle: async ({ hub, allowed, params, body, request }) => {
      const organization = await findNamespace(hub.db, params.get('name'))
      if (organization?.kind !== 'organization') throw new HoldfastError('organization_not_found')
      await setSeatLimit(hub, allowed, request.origin, organization, body.limit)
      return json(presentSeats(await seatsOf(hub, organization.id), false))
    },
  }),
]
