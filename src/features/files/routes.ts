/** The addresses of files: `resolve` and `raw` for bytes, and the API that lists folders, refs and commits. */
import { z } from 'zod'
import { queryFlag, repeatable } from '../../access/body.ts'
import type { Target } from '../../access/load-facts.ts'
import { nextPageLink } from '../../access/paging.ts'
import { json } from '../../access/reply.ts'
import { type Asked, type Params, type Route, route } from '../../access/route.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import { pluralOfKind, splitRevisionAndPath } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { findXetHashesOfRepo } from '../storage/service.ts'
import { authorsOf } from './authors.ts'
import {
  getFile,
  getRevision,
  listEntries,
  listFolder,
  listHistory,
  listLastCommits,
  listRepoRefs,
  type RepoEntry,
} from './contents.ts'
import { presentCommit, presentEntry, presentRefs } from './present.ts'
import { sendContent, sendRaw } from './send.ts'

const mostEntries = 1_000
/** Each entry's last commit is looked for in the history. */
const mostExpanded = 100
const mostPaths = 5_000

const repoOfPath = ({ params }: Asked<unknown>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const count = (most: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .transform((value) => Math.min(value, most))

/** What is known of the signatures of commits, as JSON, by id. Handed in by features/index.ts: signatures stand above files. */
export type VerificationsOf = (
  hub: Hub,
  repoId: string,
  commits: readonly Commit[],
) => Promise<ReadonlyMap<string, object>>

/** What scanners found, as JSON by git object id: a feature above hands it in. */
export type FileScans = (hub: Hub, repo: RepoFacts, files: readonly RepoEntry[]) => Promise<ReadonlyMap<string, object>>

const fileOfPath = ({ params }: { readonly params: Params }): string => splitRevisionAndPath(params.tail).path

export const fileRoutes = (verificationsOf: VerificationsOf, scansOf: FileScans): Route[] => [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/resolve/*',
    surface: 'resolve',
    action: 'repo.content.read',
    target: repoOfPath,
    file: fileOfPath,
    summary: 'A file at a revision; large files by their content',
    answers: {
      200: 'The bytes; with HEAD their size and identity',
      206: 'The range that was asked for',
      304: 'Not modified',
      404: 'RepoNotFound, RevisionNotFound or EntryNotFound',
      416: 'The range begins after the end',
    },
    handle: async ({ hub, allowed, params, request }) => {
      const { revision, path } = splitRevisionAndPath(params.tail)
      const found = await getRevision(hub, allowed, revision)
      const entry = await getFile(hub, allowed, found.commit, path)
      return await sendContent(hub, allowed, request, { revision, found, entry })
    },
  }),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/raw/*',
    surface: 'resolve',
    action: 'repo.content.read',
    target: repoOfPath,
    file: fileOfPath,
    summary: 'A file at a revision as it lies in git; of a large file the pointer',
    answers: { 200: 'The bytes', 206: 'The range that was asked for', 404: 'Not there' },
    handle: async ({ hub, allowed, params, request }) => {
      const { revision, path } = splitRevisionAndPath(params.tail)
      const found = await getRevision(hub, allowed, revision)
      const entry = await getFile(hub, allowed, found.commit, path)
      return await sendRaw(hub, allowed, request, { revision, found, entry })
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/tree/*',
    surface: 'api',
    action: 'repo.read',
    target: repoOfPath,
    query: z.object({
      recursive: queryFlag.optional(),
      expand: queryFlag.optional(),
      limit: count(mostEntries).optional(),
      cursor: z.string().max(6_000).optional(),
    }),
    summary: 'The files and folders below a path, page by page',
    answers: { 200: 'Entries; the next page is in Link', 404: 'RepoNotFound, RevisionNotFound or EntryNotFound' },
    handle: async ({ hub, allowed, params, query }) => {
      const { revision, path } = splitRevisionAndPath(params.tail)
      const { commit } = await getRevision(hub, allowed, revision)
      const { recursive = false, expand = false } = query
      const limit = Math.min(query.limit ?? mostEntries, expand ? mostExpanded : mostEntries)
      const after = query.cursor === undefined ? null : Buffer.from(query.cursor, 'base64url').toString('utf8')
      const page = await listFolder(hub, allowed, commit, path, { recursive, after, limit })
      const last = expand ? await listLastCommits(hub, allowed, commit, page.entries) : null
      const scans = expand ? await scansOf(hub, allowed.resource, filesOf(page.entries)) : null
      const body = await presentEntries(hub, allowed, page.entries, last, scans)
      // Later pages name the commit, so that a push in between neither repeats nor hides an entry.
      const rest = path === '' ? '' : `/${encodeURIComponent(path)}`
      const link =
        page.next === null
          ? {}
          : nextPageLink(hub.config, `${apiPath(allowed.resource)}/tree/${commit}${rest}`, {
              recursive: recursive ? true : null,
              expand: expand ? true : null,
              limit,
              cursor: Buffer.from(page.next).toString('base64url'),
            })
      return json(body, 200, link)
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/paths-info/*',
    surface: 'api',
    action: 'repo.read',
    target: repoOfPath,
    body: z.object({
      paths: repeatable.pipe(z.array(z.string()).max(mostPaths, `at most ${mostPaths} paths at once`)).default([]),
      expand: z.union([z.boolean(), queryFlag]).default(false),
    }),
    bodyLimit: 8 << 20,
    summary: 'The entries at given paths, as a form or as JSON; what is not there is left out',
    answers: { 200: 'Entries', 404: 'RepoNotFound or RevisionNotFound' },
    handle: async ({ hub, allowed, params, body }) => {
      const { revision } = splitRevisionAndPath(params.tail)
      const { commit } = await getRevision(hub, allowed, revision)
      const entries = await listEntries(hub, allowed, commit, body.paths)
      const last = body.expand ? await listLastCommits(hub, allowed, commit, entries.slice(0, mostEntries)) : null
      const scans = body.expand ? await scansOf(hub, allowed.resource, filesOf(entries)) : null
      return json(await presentEntries(hub, allowed, entries, last, scans))
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/refs',
    surface: 'api',
    action: 'repo.read',
    target: repoOfPath,
    query: z.object({ include_prs: queryFlag.optional(), include_pull_requests: queryFlag.optional() }),
    summary: 'Branches and tags',
    answers: { 200: 'Refs by kind', 404: 'RepoNotFound' },
    handle: async ({ hub, allowed, query }) => {
      const withPullRequests = query.include_prs === true || query.include_pull_requests === true
      return json(presentRefs(await listRepoRefs(hub, allowed), withPullRequests))
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/commits/*',
    surface: 'api',
    action: 'repo.read',
    target: repoOfPath,
    query: z.object({
      limit: count(mostEntries).optional(),
      p: z.coerce.number().int().min(0).max(1_000_000).optional(),
      skip: z.coerce.number().int().min(0).max(1_000_000_000).optional(),
      expand: repeatable.optional(),
    }),
    summary: 'The history of a revision, newest first, page by page',
    answers: { 200: 'Commits; their number is in X-Total-Count', 404: 'RepoNotFound or RevisionNotFound' },
    handle: async ({ hub, allowed, params, query }) => {
      const { revision } = splitRevisionAndPath(params.tail)
      const { commit } = await getRevision(hub, allowed, revision)
      const limit = query.limit ?? 50
      const skip = query.skip ?? (query.p ?? 0) * limit
      const { commits, next, total } = await listHistory(hub, allowed, commit, { skip, limit })
      const [authors, verifications] = await Promise.all([
        authorsOf(hub, commits),
        verificationsOf(hub, allowed.resource.id, commits),
      ])
      const isFormatted = query.expand?.includes('formatted') === true
      const body = commits.map((one) => ({
        ...presentCommit(one, authors.get(one.oid)?.name ?? '', isFormatted),
        verification: verifications.get(one.oid),
      }))
      const path = `${apiPath(allowed.resource)}/commits/${commit}`
      const link =
        next === null
          ? {}
          : nextPageLink(hub.config, path, { limit, skip: next, expand: isFormatted ? 'formatted' : null })
      return json(body, 200, { 'x-total-count': total, ...link })
    },
  }),
]

async function presentEntries(
  hub: Hub,
  allowed: Allowed<'repo.read'>,
  entries: readonly RepoEntry[],
  lastCommits: ReadonlyMap<string, Commit> | null,
  scans: ReadonlyMap<string, object> | null,
): Promise<object[]> {
  const sha256s = entries.flatMap(({ lfs }) => (lfs === null ? [] : [lfs.sha256]))
  const xetHashes = await findXetHashesOfRepo(hub.db, allowed.resource.id, sha256s)
  return entries.map((entry) =>
    presentEntry(
      entry,
      lastCommits?.get(entry.path) ?? null,
      xetHashes.get(entry.lfs?.sha256 ?? '') ?? null,
      scans?.get(entry.oid) ?? null,
    ),
  )
}

/** A link has no content of its own. */
function filesOf(entries: readonly RepoEntry[]): RepoEntry[] {
  return entries.filter(({ type, isSymlink }) => type === 'file' && !isSymlink)
}

function apiPath(repo: RepoFacts): string {
  return `/api/${pluralOfKind(repo.kind)}/${repo.owner.name}/${repo.name}`
}
