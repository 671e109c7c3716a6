/** The pages of an organization's settings: profile, second factor, and its new name or its end. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Call, type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import { isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { ownerCardRepo } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { deleteOrganization } from './delete.ts'
import { countBelongings } from './ending-queries.ts'
import { countMembers } from './member-queries.ts'
import { renameOrganization } from './rename.ts'
import { changeSettings, getSettings, membersWithoutFactor, requireSecondFactor } from './settings.ts'
import { type EndDialog, OrganizationProfilePage, RenameOrDeletePage } from './settings-pages.tsx'

const text = (most: number) => z.string().max(most).default('')
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const settingsPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/profile',
    surface: 'page',
    action: 'org.settings.read',
    target,
    query: z.object({ dialog: z.string().max(30).optional() }),
    handle: async (call) => {
      const { allowed, query, authorizeAlso } = call
      const dialog = query.dialog === 'second-factor' ? query.dialog : null
      // Asked now, so that a sign-in that is too old is confirmed before the question and not after the answer.
      if (dialog !== null)
        await authorizeAlso('org.settings.security', { on: 'organization', name: allowed.resource.name })
      return await profileReply(call, { dialog })
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/profile',
    surface: 'page',
    action: 'org.update_settings',
    target,
    body: z.object({
      fullname: text(1_000),
      description: text(10_000),
      defaultRole: text(20),
      defaultVisibility: z.enum(['public', 'private']).optional(),
      membersVisibility: z.enum(['members', 'public']).optional(),
      workspaceCreation: z.enum(['read', 'contributor', 'write', 'admin']).optional(),
    }),
    handle: (call) => {
      const { hub, allowed, body, request } = call
      return orShow(
        async () => {
          await changeSettings(hub, allowed, request.origin, { ...body, defaultRole: parseRole(body.defaultRole) })
          return redirectWithNotice(profilePath(allowed.resource), 'success', 'The profile is saved.')
        },
        (fault) => profileReply(call, { form: formWithFault(body, fault), fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/security',
    surface: 'page',
    action: 'org.settings.security',
    target,
    body: z.object({ required: z.enum(['yes', 'no']) }),
    handle: (call) => {
      const { hub, allowed, body, request } = call
      return orShow(
        async () => {
          await requireSecondFactor(hub, allowed, request.origin, body.required === 'yes')
          const words =
            body.required === 'yes' ? 'A second factor is required now.' : 'No second factor is required now.'
          return redirectWithNotice(profilePath(allowed.resource), 'success', words)
        },
        (fault) => profileReply(call, { form: formWithFault({}, fault), fault }),
      )
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/:name/settings/account',
    surface: 'page',
    action: 'org.update_settings',
    target,
    query: z.object({ dialog: z.string().max(30).optional() }),
    handle: async ({ hub, allowed, facts, query, request, authorizeAlso }) => {
      const kind = query.dialog === 'rename' || query.dialog === 'delete' ? query.dialog : null
      if (kind !== null) await authorizeAlso(`org.${kind}`, { on: 'organization', name: allowed.resource.name })
      const dialog: EndDialog | null = kind === null ? null : { kind, form: freshForm }
      return await endReply(hub, allowed.resource, facts, request, { dialog })
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/account/rename',
    surface: 'page',
    action: 'org.rename',
    target,
    body: z.object({ name: text(200), confirm: text(200) }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const name = await renameOrganization(hub, allowed, request.origin, body)
          const words = `${allowed.resource.name} is called ${name} now. Old addresses lead here.`
          return redirectWithNotice(organizationSettingsPath(name, 'account'), 'success', words)
        },
        (fault) => {
          const form = formWithFault(body, fault, { name_taken: 'name', invalid_name: 'name' })
          return endReply(hub, allowed.resource, facts, request, { dialog: { kind: 'rename', form }, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/account/delete',
    surface: 'page',
    action: 'org.delete',
    target,
    body: z.object({ confirm: text(200) }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await deleteOrganization(hub, allowed, request.origin, body.confirm)
          return redirectWithNotice('/settings/organizations', 'success', `${allowed.resource.name} is deleted.`)
        },
        (fault) => {
          const form = formWithFault(body, fault)
          return endReply(hub, allowed.resource, facts, request, { dialog: { kind: 'delete', form }, fault })
        },
      ),
  }),
]

async function profileReply(
  call: Call<'org.settings.read' | 'org.update_settings' | 'org.settings.security', unknown, unknown>,
  view: { dialog?: 'second-factor' | null; form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const { hub, facts, request } = call
  const organization: OwnerFacts = call.allowed.resource
  const [context, settings, withoutFactor, card] = await Promise.all([
    pageContext(hub, facts, request),
    getSettings(hub, organization.id),
    membersWithoutFactor(hub, organization.id),
    orRefusal(() => call.authorizeAlso('repo.read', { on: 'repo', ...ownerCardRepo(organization.name) })),
  ])
  const page = (
    <OrganizationProfilePage
      context={context}
      organization={organization.name}
      settings={{ ...settings, secondFactorRequired: settings.secondFactorRequired === 1 }}
      mayChange={decide('org.update_settings', facts).allow}
      hasCard={!(card instanceof HoldfastError)}
      withoutFactor={withoutFactor}
      viewerHasFactor={facts.principal.kind === 'user' && facts.principal.hasSecondFactor}
      form={view.form ?? freshForm}
      dialog={view.dialog ?? null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function endReply(
  hub: Hub,
  organization: OwnerFacts,
  facts: Facts,
  request: HttpRequest,
  view: { dialog: EndDialog | null; fault?: HoldfastError },
): Promise<Reply> {
  const [context, belongings, members] = await Promise.all([
    pageContext(hub, facts, request),
    countBelongings(hub.db.list, organization.id),
    countMembers(hub.db.list, organization.id),
  ])
  const page = (
    <RenameOrDeletePage
      context={context}
      organization={organization.name}
      belongings={{ ...belongings, members }}
      undoDays={Math.max(1, hub.config.undoDays)}
      form={freshForm}
      dialog={view.dialog}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

function profilePath(organization: OwnerFacts): string {
  return organizationSettingsPath(organization.name, 'profile')
}

function parseRole(value: string): Role {
  if (!isRole(value)) throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: 'defaultRole' })
  return value
}
