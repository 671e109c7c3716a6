/** The page of what a token of a service account touched. */
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Params, type Route, route } from '../../access/route.ts'
import { decide } from '../../domain/policy.ts'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import { PageHead } from '../../web/page-head.tsx'
import { TokenUsageParts } from '../../web/token-usage.tsx'
import { viewOfShrink, viewOfUsage } from '../tokens/service.ts'
import { getAccountToken } from './account-tokens.ts'
import { accountUsage, proposeAccountShrink, shrinkAccountToken } from './account-usage.ts'
import { accountPath, accountsPath, accountTokenPath } from './paths.ts'
import { getServiceAccount } from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const tokens = '/organizations/:name/settings/service-accounts/:id/tokens'

export const accountUsagePageRoutes: Route[] = [
  route({
    method: 'GET',
    path: `${tokens}/:token/usage`,
    surface: 'page',
    action: 'org.service_account.read',
    target,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const { resource: organization } = allowed
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const token = await getAccountToken(hub, organization, account, params.get('token'))
      const address = accountTokenPath(organization.name, account.id, token.id)
      const [context, usage, shrink] = await Promise.all([
        pageContext(hub, facts, request),
        accountUsage(hub, allowed, account, token.id),
        viewOfShrink(token.role, () => proposeAccountShrink(hub, allowed, account, token.id)),
      ])
      const title = `Use of ${token.name}`
      const page = (
        <OrganizationSettingsPage
          context={context}
          organization={organization.name}
          title={`${title}: ${account.name} of ${organization.name}`}
          place="service-accounts"
          crumbs={[
            { label: 'Service accounts', href: accountsPath(organization.name) },
            { label: account.name, href: accountPath(organization.name, account.id) },
            { label: token.name, href: address },
            { label: 'Use' },
          ]}
        >
          <PageHead title={title} />
          <TokenUsageParts
            usage={viewOfUsage(usage)}
            shrink={shrink}
            address={address}
            mayShrink={decide('org.service_account.token.update', facts).allow}
          />
        </OrganizationSettingsPage>
      )
      return pageReply(context, page)
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/:token/shrink`,
    surface: 'page',
    action: 'org.service_account.token.update',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      await shrinkAccountToken(hub, allowed, request.origin, account, params.get('token'))
      const next = accountTokenPath(allowed.resource.name, account.id, params.get('token'))
      return redirectWithNotice(next, 'success', 'The token has what it was used for, and nothing else.')
    },
  }),
]
