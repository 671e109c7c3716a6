/** The settings page "Scanning and quarantine". */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import { admissionPolicies } from '../../domain/import-list.ts'
import { leakedTokenPolicies, pushProtections } from '../../domain/leak-policy.ts'
import { decide } from '../../domain/policy.ts'
import { scanPolicies } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { ScanningPage } from './scanning-page.tsx'
import { changeSettings, getSettings } from './settings.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const scanningPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/scanning',
    surface: 'page',
    action: 'org.settings.read',
    target,
    handle: ({ hub, allowed, facts, request }) => scanningReply(hub, allowed.resource, facts, request, {}),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/scanning',
    surface: 'page',
    action: 'org.update_settings',
    target,
    body: z.object({
      scanPolicy: z.enum(scanPolicies),
      pickleAdmission: z.enum(admissionPolicies).optional(),
      pickleAllowList: z.string().max(100_000).optional(),
      leakedTokens: z.enum(leakedTokenPolicies).optional(),
      pushProtection: z.enum(pushProtections).optional(),
    }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await changeSettings(hub, allowed, request.origin, body)
          const here = organizationSettingsPath(allowed.resource.name, 'scanning')
          return redirectWithNotice(here, 'success', 'The policies are saved.')
        },
        (fault) => scanningReply(hub, allowed.resource, facts, request, { form: formWithFault(body, fault), fault }),
      ),
  }),
]

async function scanningReply(
  hub: Hub,
  organization: OwnerFacts,
  facts: Facts,
  request: HttpRequest,
  view: { form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const [context, settings] = await Promise.all([pageContext(hub, facts, request), getSettings(hub, organization.id)])
  const page = (
    <ScanningPage
      context={context}
      organization={organization.name}
      policies={settings}
      instance={hub.config}
      maySeeUnsafe={decide('org.scan.read', facts).allow}
      mayChange={decide('org.update_settings', facts).allow}
      form={view.form ?? freshForm}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}
