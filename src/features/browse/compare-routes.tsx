/** The page that compares two revisions, and the form that leads to it. */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { decodeSegment, revisionNotFound } from '../../domain/names.ts'
import { comparePath } from '../../web/address.ts'
import { repoViewOf } from '../repos/service.ts'
import { ComparePage } from './compare-page.tsx'
import { loadComparison, refNames } from './load-compare.ts'
import { repoOfPath } from './routes.tsx'

const revision = z.string().trim().max(300).default('')

export const compareRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/compare',
    surface: 'page',
    action: 'repo.content.read',
    target: repoOfPath,
    query: z.object({ base: revision, head: revision }),
    handle: async ({ hub, allowed, facts, request, query: { base, head } }) => {
      const repo = repoViewOf(facts)
      if (base !== '' && head !== '') return redirect(comparePath(repo, base, head), 302)
      const [context, names] = await Promise.all([pageContext(hub, facts, request), refNames(hub, allowed)])
      const page = (
        <ComparePage context={context} repo={repo} base={base || 'main'} head={head} names={names} comparison={null} />
      )
      return pageReply(context, page)
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/compare/*',
    surface: 'page',
    action: 'repo.content.read',
    target: repoOfPath,
    handle: async ({ hub, allowed, facts, request, params }) => {
      const repo = repoViewOf(facts)
      const asked = params.tail.map(decodeSegment).join('/')
      // No name of a ref has two dots in it.
      const [, base = '', head = ''] = /^(.+?)\.\.\.(.+)$/s.exec(asked) ?? []
      if (base === '') throw revisionNotFound(asked)
      const [context, names, comparison] = await Promise.all([
        pageContext(hub, facts, request),
        refNames(hub, allowed),
        loadComparison(hub, allowed, repo, base, head),
      ])
      const page = (
        <ComparePage context={context} repo={repo} base={base} head={head} names={names} comparison={comparison} />
      )
      return pageReply(context, page)
    },
  }),
]
