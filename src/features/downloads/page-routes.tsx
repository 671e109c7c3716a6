/** The pages of who downloaded what. */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { withQuery } from '../../web/address.ts'
import { repoViewOf } from '../repos/service.ts'
import { type DownloadPage, listDownloads, listDownloadsOfRepo } from './list.ts'
import { HubDownloadsPage, OrganizationDownloadsPage, RepoDownloadsPage } from './pages.tsx'
import { downloadsOfOrganization, downloadsOfRepo, downloadsOnHub, exportPath } from './paths.ts'
import { viewOf } from './present.ts'
import { readContent, readCursor } from './routes.ts'
import { scopeOf } from './scope.ts'

const pageSize = 50
const query = z.object({ cursor: z.string().max(24).optional() })

export const downloadPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/admin/contents/:content',
    surface: 'page',
    action: 'download.read',
    target: { on: 'instance' },
    query,
    handle: async ({ hub, allowed, facts, params, query: { cursor }, request }) => {
      const content = readContent(params.get('content'))
      const context = await pageContext(hub, facts, request)
      const page = await listDownloads(hub, scopeOf(allowed), content, readCursor(cursor), pageSize)
      const shown = {
        ...listOf(page, downloadsOnHub(content), cursor),
        content,
        exportHref: exportPath(content, null),
        isComplete: page.isComplete,
      }
      return pageReply(context, <HubDownloadsPage context={context} {...shown} mode={hub.config.downloadRecords} />)
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/:name/settings/scanning/contents/:content',
    surface: 'page',
    action: 'org.download.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }),
    query,
    handle: async ({ hub, allowed, facts, params, query: { cursor }, request }) => {
      const content = readContent(params.get('content'))
      const { name } = allowed.resource
      const context = await pageContext(hub, facts, request)
      const page = await listDownloads(hub, scopeOf(allowed), content, readCursor(cursor), pageSize)
      const shown = {
        ...listOf(page, downloadsOfOrganization(name, content), cursor),
        content,
        exportHref: exportPath(content, name),
        isComplete: page.isComplete,
      }
      const mode = hub.config.downloadRecords
      return pageReply(
        context,
        <OrganizationDownloadsPage context={context} organization={name} {...shown} mode={mode} />,
      )
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/trust/downloads',
    surface: 'page',
    action: 'repo.download.read',
    target: ({ params }) => ({
      on: 'repo',
      kind: params.kind,
      namespace: params.get('namespace'),
      name: params.get('name'),
    }),
    query,
    handle: async ({ hub, allowed, facts, query: { cursor }, request }) => {
      const context = await pageContext(hub, facts, request)
      const repo = repoViewOf(facts)
      const page = await listDownloadsOfRepo(hub, allowed.resource, readCursor(cursor), pageSize)
      const list = listOf(page, downloadsOfRepo(repo), cursor)
      return pageReply(
        context,
        <RepoDownloadsPage context={context} repo={repo} {...list} mode={hub.config.downloadRecords} />,
      )
    },
  }),
]

function listOf({ records, next }: DownloadPage, here: string, cursor: string | undefined) {
  return {
    records: records.map(viewOf),
    olderHref: next === null ? null : withQuery(here, { cursor: next }),
    firstHref: cursor ? here : null,
  }
}
