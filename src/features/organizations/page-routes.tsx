/** The pages of organizations: making one, and the list of one's own. Members, invitations and settings have their own files. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { redirect } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { namespacePath } from '../../web/address.ts'
import { freshForm } from '../../web/form-state.ts'
import { membersPath } from '../../web/settings-frame.tsx'
import { invitationPageRoutes } from './invitation-page-routes.tsx'
import { OwnOrganizationsPage, ownOrganizationsPath } from './list-page.tsx'
import { memberPageRoutes } from './member-page-routes.tsx'
import { NewOrganizationPage } from './new-page.tsx'
import { membershipsOf } from './queries.ts'
import { scanningPageRoutes } from './scanning-page-routes.tsx'
import { createOrganization } from './service.ts'
import { settingsPageRoutes } from './settings-page-routes.tsx'

const self = { on: 'self' } as const
const field = z.string().max(1_000).default('')
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const organizationPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: ownOrganizationsPath,
    surface: 'page',
    action: 'account.settings.read',
    target: self,
    handle: async ({ hub, facts, request }) => {
      const context = await pageContext(hub, facts, request)
      const organizations = await membershipsOf(hub.db, person(facts).id, hub.clock.now())
      return pageReply(context, <OwnOrganizationsPage context={context} organizations={organizations} />)
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/new',
    surface: 'page',
    action: 'account.settings.read',
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
          return redirectWithNotice(
            membersPath(made.name),
            'success',
            `${made.name} is made. Add its members here, and its service accounts beside them.`,
          )
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
    action: 'org.settings.read',
    target,
    handle: async ({ allowed }) => redirect(membersPath(allowed.resource.name), 302),
  }),
  ...memberPageRoutes,
  ...settingsPageRoutes,
  ...scanningPageRoutes,
  ...invitationPageRoutes,
]

function person(facts: Facts): { id: string; name: string } {
  if (facts.principal.kind !== 'user') throw new HoldfastError('unauthenticated')
  return facts.principal
}
