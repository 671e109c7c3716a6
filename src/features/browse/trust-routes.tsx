/** The trust tab of a repo: an overview, and the scan report of every file. Both are about the latest commit on `main`. */
import { z } from 'zod'
import { pageReply } from '../../access/page-reply.tsx'
import { redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { repoPath } from '../../web/address.ts'
import { listFolder } from '../files/service.ts'
import { repoViewOf } from '../repos/service.ts'
import { loadScans } from './load-scans.ts'
import { loadTrust } from './load-trust.ts'
import { at, repoOfPath } from './routes.tsx'
import { ScanReportPage, TrustPage } from './trust-page.tsx'

const perPage = 100
const page = { method: 'GET', surface: 'page', action: 'repo.read', target: repoOfPath } as const

export const trustRoutes: Route[] = [
  route({
    ...page,
    path: '/{prefix}:namespace/:name/trust',
    handle: (call) =>
      at(call, 'main', 'trust', async ({ commit, context, repo }) => {
        const trust = await loadTrust(call.hub, call.allowed, call.facts, commit)
        return pageReply(context, <TrustPage context={context} repo={repo} commit={commit} trust={trust} />)
      }),
  }),
  route({
    ...page,
    path: '/{prefix}:namespace/:name/trust/scan',
    query: z.object({ after: z.string().max(4_096).optional() }),
    handle: (call) =>
      at(call, 'main', 'trust', async ({ commit, context, repo }) => {
        const { hub, allowed, query } = call
        const after = query.after ?? null
        const { entries, next } = await listFolder(hub, allowed, commit, '', { recursive: true, after, limit: perPage })
        const files = entries.filter(({ type }) => type === 'file')
        const scans = await loadScans(hub, allowed, commit, files)
        return pageReply(
          context,
          <ScanReportPage
            context={context}
            repo={repo}
            commit={commit}
            files={files.map(({ path, size, oid }) => ({ path, size, scan: scans.get(oid) ?? null }))}
            next={next}
            isFirst={after === null}
          />,
        )
      }),
  }),
  // Parts of the overview that have addresses of their own.
  ...(['signatures', 'storage'] as const).map((part) =>
    route({
      ...page,
      path: `/{prefix}:namespace/:name/trust/${part}`,
      handle: async ({ facts }) => redirect(`${repoPath(repoViewOf(facts), '/trust')}#${part}`, 302),
    }),
  ),
]
