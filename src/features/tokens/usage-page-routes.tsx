/** The page of what one of one's own tokens touched. */
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { PageHead } from '../../web/page-head.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { TokenUsageParts } from '../../web/token-usage.tsx'
import { tokensPath } from './paths.ts'
import { getOwnToken } from './service.ts'
import { ownUsage, proposeOwnShrink, shrinkOwnToken } from './shrink.ts'
import { viewOfShrink, viewOfUsage } from './usage-view.ts'

const self = { on: 'self' } as const

export const usagePageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/settings/tokens/:id/usage',
    surface: 'page',
    action: 'token.read',
    target: self,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const token = await getOwnToken(hub, allowed, params.get('id'))
      const address = `${tokensPath}/${encodeURIComponent(token.id)}`
      const [context, usage, shrink] = await Promise.all([
        pageContext(hub, facts, request),
        ownUsage(hub, allowed, token.id),
        viewOfShrink(token.role, () => proposeOwnShrink(hub, allowed, token.id)),
      ])
      const page = (
        <YourSettingsPage context={context} title={`Use of ${token.name}`} current={tokensPath}>
          <nav class="text-sm text-muted" aria-label="Breadcrumb">
            <a class="quiet" href={tokensPath}>
              Access Tokens
            </a>{' '}
            /{' '}
            <a class="quiet [overflow-wrap:anywhere]" href={address}>
              {token.name}
            </a>{' '}
            / <span aria-current="page">Use</span>
          </nav>
          <PageHead title={`Use of ${token.name}`} />
          <TokenUsageParts usage={viewOfUsage(usage)} shrink={shrink} address={address} mayShrink={true} />
        </YourSettingsPage>
      )
      return pageReply(context, page)
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/:id/shrink',
    surface: 'page',
    action: 'token.update',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      const id = params.get('id')
      await shrinkOwnToken(hub, allowed, request.origin, id)
      const next = `${tokensPath}/${encodeURIComponent(id)}`
      return redirectWithNotice(next, 'success', 'The token has what it was used for, and nothing else.')
    },
  }),
]
