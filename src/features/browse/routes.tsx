/** The pages of what is in a repo: card, files, file, commits, commit. All are read at one commit that was resolved once. */
import { z } from 'zod'
import type { Target } from '../../access/load-facts.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Asked, type Call, type Route, route } from '../../access/route.ts'
import { splitRevisionAndPath } from '../../domain/names.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { repoPath, revisionPath, withQuery } from '../../web/address.ts'
import type { PageContext } from '../../web/page-context.ts'
import type { RepoTab, RepoView } from '../../web/repo-place.tsx'
import { loadLatestDownloads, noteDownload } from '../downloads/service.ts'
import { entryNotFound, findEntry, getRevision } from '../files/service.ts'
import { loadGate } from '../gated/service.ts'
import { howToCall } from '../inference/service.ts'
import { modelSignatureOf } from '../model-signatures/service.ts'
import { repoViewOf } from '../repos/service.ts'
import { revisionHold } from '../storage/service.ts'
import { BlobPage } from './blob-page.tsx'
import { CardPage } from './card-page.tsx'
import { lastBriefOf } from './commit-brief.ts'
import { CommitPage, CommitsPage } from './history-pages.tsx'
import { EmptyRepoPage } from './how-to-fill.tsx'
import { loadCard, loadCardFacts } from './load-card.ts'
import { loadCommit } from './load-commit.ts'
import { loadFileBody } from './load-file.ts'
import { loadFolder } from './load-folder.ts'
import { loadHistory } from './load-history.ts'
import { loadResults } from './load-results.ts'
import { loadAlarms, loadScans } from './load-scans.ts'
import { openRevision } from './open-revision.ts'
import { renderTerms } from './render-terms.ts'
import type { RevisionView } from './revision-bar.tsx'
import { TreePage } from './tree-page.tsx'

export const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const cursor = z.string().max(1_000).optional()

export const browseRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name',
    surface: 'page',
    action: 'repo.read',
    target: repoOfPath,
    handle: (call) =>
      at(call, 'main', 'card', async ({ commit, context, repo }) => {
        const { hub, allowed } = call
        const [card, facts, alarms, results, gate, calledBy] = await Promise.all([
          loadCard(hub, allowed, repo, commit),
          loadCardFacts(hub, allowed),
          loadAlarms(hub, allowed, commit),
          repo.kind === 'model' ? loadResults(hub, allowed, commit) : [],
          loadGate(hub, call.facts, renderTerms),
          repo.kind === 'model' ? howToCall(hub, allowed, call.facts) : null,
        ])
        const { publicUrl } = hub.config
        return pageReply(
          context,
          <CardPage
            context={context}
            repo={repo}
            card={card}
            facts={facts}
            alarms={alarms}
            results={results}
            gate={gate}
            calledBy={calledBy}
            publicUrl={publicUrl}
          />,
        )
      }),
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/tree/*',
    surface: 'page',
    action: 'repo.read',
    target: repoOfPath,
    query: z.object({ after: cursor, from: cursor }),
    handle: (call) => {
      const { hub, allowed, params, query } = call
      const { revision, path } = placeOf(params.tail)
      return at(call, revision, 'files', async ({ commit, context, repo, view }) => {
        const entry = await findEntry(hub, allowed, commit, path)
        if (entry?.type === 'file') return redirect(revisionPath(repo, 'blob', view.name, path), 302)
        const asked = { after: query.after ?? null, from: query.from ?? null }
        const folder = await loadFolder(hub, allowed, commit, path, asked)
        const here = revisionPath(repo, 'tree', view.name, path)
        return pageReply(
          context,
          <TreePage
            context={context}
            repo={repo}
            revision={view}
            path={path}
            entries={folder.entries}
            alarms={folder.alarms}
            latest={folder.latest}
            commitCount={folder.commitCount}
            totals={null}
            order={folder.order}
            nextHref={folder.next && withQuery(here, folder.next)}
            firstHref={asked.after === null && asked.from === null ? null : here}
          />,
        )
      })
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/blob/*',
    surface: 'page',
    action: 'repo.content.read',
    target: repoOfPath,
    file: ({ params }) => placeOf(params.tail).path,
    query: z.object({
      view: z.enum(['preview', 'code']).optional(),
      /** The row, tensor or cell that is shown first. */
      from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    }),
    handle: (call) => {
      const { hub, allowed, params, query } = call
      const { revision, path } = placeOf(params.tail)
      return at(call, revision, 'files', async ({ commit, context, repo, view }) => {
        const entry = await findEntry(hub, allowed, commit, path)
        if (entry === null) throw entryNotFound(commit)
        if (entry.type === 'folder') return redirect(revisionPath(repo, 'tree', view.name, path), 302)
        const asked = { revision: view.name, view: query.view ?? null, from: query.from }
        const [file, latest, scans, alarms] = await Promise.all([
          loadFileBody(hub, allowed, repo, commit, entry, asked),
          lastBriefOf(hub, allowed, commit, entry),
          loadScans(hub, allowed, commit, [entry]),
          loadAlarms(hub, allowed, commit),
        ])
        if (file.bytes !== null && call.request.method === 'GET') {
          const shown = { content: contentOf(entry), path, commits: [commit], bytes: file.bytes }
          noteDownload(hub, allowed, call.request.origin, { ...shown, via: 'page' })
        }
        const scan = scans.get(entry.oid) ?? null
        const isAlarming = scan !== null && (scan.isHeld || scan.status === 'unsafe')
        const downloads = isAlarming ? await loadLatestDownloads(hub, call.facts, scan.content) : null
        return pageReply(
          context,
          <BlobPage
            context={context}
            repo={repo}
            revision={view}
            path={path}
            size={entry.size}
            storage={entry.lfs === null ? 'git' : 'lfs'}
            oid={entry.oid}
            sha256={entry.lfs?.sha256 ?? null}
            latest={latest}
            body={file.body}
            views={file.views}
            scan={scan}
            alarms={alarms}
            downloads={downloads}
          />,
        )
      })
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/commits/*',
    surface: 'page',
    action: 'repo.read',
    target: repoOfPath,
    query: z.object({
      /** The commit that paging began at: a push in between neither repeats nor hides a row. */
      at: z
        .string()
        .regex(/^[0-9a-f]{40}$/)
        .optional(),
      skip: z.coerce.number().int().min(0).max(10_000_000).default(0),
    }),
    handle: (call) => {
      const { hub, allowed, params, query } = call
      const { revision, path } = placeOf(params.tail)
      return at(call, revision, 'commits', async ({ commit, context, repo, view }) => {
        const pinned = query.at === undefined ? commit : (await getRevision(hub, allowed, query.at)).commit
        const history = await loadHistory(hub, allowed, pinned, { skip: query.skip, path })
        // A path without any commit was never there; one that is gone still has its history.
        if (path !== '' && history.commits.length === 0) throw entryNotFound(pinned)
        const here = revisionPath(repo, 'commits', view.name, path)
        const next = history.next === null ? null : withQuery(here, { at: pinned, skip: String(history.next) })
        return pageReply(
          context,
          <CommitsPage
            context={context}
            repo={repo}
            revision={view}
            path={path}
            commits={history.commits}
            total={history.total}
            nextHref={next}
            firstHref={query.skip === 0 ? null : here}
          />,
        )
      })
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/commit/:sha',
    surface: 'page',
    action: 'repo.content.read',
    target: repoOfPath,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const repo = repoViewOf(facts)
      const [context, view] = await Promise.all([
        pageContext(hub, facts, request),
        loadCommit(hub, allowed, repo, params.get('sha')),
      ])
      return pageReply(
        context,
        <CommitPage context={context} repo={repo} commit={view.commit} changes={view.changes} />,
      )
    },
  }),
]

/** Without a revision it is `main`. */
function placeOf(tail: readonly string[]): { revision: string; path: string } {
  const { revision, path } = splitRevisionAndPath(tail)
  return { revision, path: path.replace(/\/+$/, '') }
}

interface Opened {
  readonly commit: string
  readonly view: RevisionView
  readonly context: PageContext
  readonly repo: RepoView
}

type Reading = Call<'repo.read', unknown, unknown> | Call<'repo.content.read', unknown, unknown>

/** What is said of the revision as a whole: whether it is a signed model, and whether it is handed out. */
async function withTrust(
  hub: Hub,
  allowed: Reading['allowed'],
  repo: RepoView,
  { commit, view }: Pick<Opened, 'commit' | 'view'>,
): Promise<RepoView> {
  const [{ status }, hold] = await Promise.all([
    modelSignatureOf(hub, allowed.resource, commit),
    revisionHold(hub, allowed.resource, commit),
  ])
  const href = revisionPath(repo, 'model-signature', view.name)
  return { ...repo, modelSignature: status === 'none' ? null : { status, href }, hold }
}

/** The page at a revision, or how to fill an empty repo. Throws `revision_not_found`. */
export async function at(
  { hub, allowed, facts, request }: Reading,
  revision: string,
  tab: RepoTab,
  show: (opened: Opened) => Promise<Reply>,
): Promise<Reply> {
  const repo = repoViewOf(facts)
  const [context, opened] = await Promise.all([pageContext(hub, facts, request), openRevision(hub, allowed, revision)])
  if (opened.kind === 'found')
    return await show({ ...opened, context, repo: await withTrust(hub, allowed, repo, opened) })
  // Branches, but no `main`: they are listed there.
  if (opened.kind === 'elsewhere') return redirect(repoPath(repo, '/refs'), 302)
  const { publicUrl } = hub.config
  return pageReply(context, <EmptyRepoPage context={context} repo={repo} tab={tab} publicUrl={publicUrl} />)
}
