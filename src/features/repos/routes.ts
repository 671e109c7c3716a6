/** The wire of repos: life cycle, repo info, lists (hub-api.md, sections 3 and 4). */
import { z } from 'zod'
import { queryFlag, repeatable } from '../../access/body.ts'
import { presentedCredential } from '../../access/credentials.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { loadFacts, type Target } from '../../access/load-facts.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Call, type Route, route } from '../../access/route.ts'
import { visibleWorkspaces } from '../../access/visible-workspaces.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, Principal, RepoKind } from '../../domain/facts.ts'
import { nameKey, parseRepoId, splitRevisionAndPath } from '../../domain/names.ts'
import { type Allowed, decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { resolveRevision } from '../../platform/git/revision.ts'
import { checkCard, spaceSdks } from './check-card.ts'
import { createForbidden, createRepo, repoExists } from './create-repo.ts'
import { deleteRepo } from './delete-repo.ts'
import { parseExpand } from './expand.ts'
import { updateGate } from './gate-settings.ts'
import { findRepoWithCard } from './index-repo.ts'
import { listingQuery, listRepos, nextLink, readListing } from './listing.ts'
import { moveRepo } from './move-repo.ts'
import { presentRepo, type Shown, type ShownRow, usualInInfo, usualInLists } from './present.ts'
import { updateRepoSettings } from './repo-settings.ts'
import { listSiblings } from './siblings.ts'

const kindShape = z.enum(['model', 'dataset', 'space'], {
  error: 'This hub keeps models, datasets and spaces.',
})
const visibilityShape = z.enum(['public', 'private', 'protected'])

const createShape = z
  .object({
    name: z.string().min(1).max(200),
    organization: z.string().max(100).nullish(),
    type: kindShape.default('model'),
    visibility: visibilityShape.optional(),
    private: z.boolean().nullish(),
    sdk: z.enum(spaceSdks, { error: `"sdk" is one of ${spaceSdks.join(', ')}.` }).nullish(),
    short_description: z.string().max(60).nullish(),
    license: z.string().max(100).nullish(),
    license_name: z
      .string()
      .max(100)
      .regex(/^[a-z0-9-.]+$/)
      .nullish(),
    license_link: z.string().max(1000).nullish(),
    resourceGroupId: z.string().nullish(),
    template: z.string().nullish(),
    secrets: z.array(z.unknown()).nullish(),
    variables: z.array(z.unknown()).nullish(),
    volumes: z.array(z.unknown()).nullish(),
    files: z
      .array(z.object({ path: z.string(), content: z.string(), encoding: z.enum(['utf-8', 'base64']).optional() }))
      .nullish(),
  })
  .transform((body) => ({ ...body, ...addressed(body) }))

const deleteShape = z
  .object({
    name: z.string().min(1).max(200),
    organization: z.string().max(100).nullish(),
    type: kindShape.default('model'),
  })
  .transform((body) => ({ ...body, ...addressed(body) }))

const moveShape = z.object({
  fromRepo: z.string().min(1).max(200),
  toRepo: z.string().min(1).max(200),
  type: kindShape.default('model'),
})

const settingsShape = z.object({
  visibility: visibilityShape.optional(),
  private: z.boolean().nullish(),
  gated: z.union([z.literal(false), z.enum(['auto', 'manual'])]).optional(),
  orgMembersGated: z.boolean().optional(),
  gatedNotificationsEmail: z.email().max(254).nullish(),
  gatedNotificationsMode: z.enum(['bulk', 'real-time']).optional(),
  description: z.string().max(500).nullish(),
})

const infoQuery = z.object({
  blobs: queryFlag.optional(),
  securityStatus: queryFlag.optional(),
  expand: repeatable.optional(),
})

/** `namespace/name` in `name` counts as both, as old clients send it. */
function addressed(body: { name: string; organization?: string | null | undefined }): {
  name: string
  organization: string | null
} {
  const id = body.organization == null ? parseRepoId(body.name) : null
  return { name: id?.name ?? body.name, organization: body.organization ?? id?.namespace ?? null }
}

const repoTarget = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

/** What features above this one say of a repo. */
export interface RepoTrust {
  /** Whether all files are scanned, and in which something was found. */
  scanOf(hub: Hub, allowed: Allowed<'repo.read'>): Promise<object>
  /** Whether a revision is signed as a model. */
  modelSignatureOf(hub: Hub, allowed: Allowed<'repo.read'>, commit: string): Promise<object>
  /** The evaluation results of a model at a commit, as the Hub lists them. */
  evalEntries(hub: Hub, allowed: Allowed<'repo.read'>, commit: string): Promise<object[]>
}

export const repoApiRoutes = (trust: RepoTrust): Route[] => [
  route({
    method: 'POST',
    path: '/api/repos/create',
    surface: 'api',
    action: 'repo.create',
    decidesByBody: true,
    body: createShape,
    bodyLimit: 16 * 1_048_576,
    target: ({ body, callerName }) => ({
      on: 'namespace',
      name: body.organization ?? callerName,
      workspaceId: body.resourceGroupId ?? undefined,
    }),
    summary: 'Creates a repository with its first commit',
    answers: {
      200: 'Its address',
      403: 'No right in that namespace',
      404: 'No such resource group',
      409: 'It exists; the body has its address',
    },
    onRefused: async (refusal, facts, { body, callerName, request }, hub) => {
      refuseOwnNamespace(facts.principal, body.organization)
      const namespace = body.organization ?? callerName ?? ''
      const there = await visibleAt(hub, request, body.type, namespace, body.name)
      // Whoever may see it learns that it exists before learning that they could not have made it (exist_ok).
      if (there !== null) throw repoExists(hub, body.type, there)
      if (refusal.code === 'forbidden') throw withDenial(createForbidden(body.type, namespace), refusal)
      return null
    },
    handle: async ({ hub, allowed, body, request }) => {
      refuseUnkept(body)
      const repo = await createRepo(hub, allowed, request.origin, {
        kind: body.type,
        name: body.name,
        visibility: visibilityOf(body),
        sdk: body.sdk ?? undefined,
        shortDescription: body.short_description ?? undefined,
        license: body.license ?? undefined,
        licenseName: body.license_name ?? undefined,
        licenseLink: body.license_link ?? undefined,
        files: body.files ?? [],
      })
      return json({ url: repo.url, name: repo.fullName, id: repo.id })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/repos/delete',
    surface: 'api',
    action: 'repo.delete',
    decidesByBody: true,
    body: deleteShape,
    target: ({ body, callerName }) => ({
      on: 'repo',
      kind: body.type,
      namespace: body.organization ?? callerName ?? '',
      name: body.name,
    }),
    summary: 'Deletes a repository',
    handle: async ({ hub, allowed, request }) => {
      await deleteRepo(hub, allowed, request.origin)
      return json({})
    },
  }),
  route({
    method: 'POST',
    path: '/api/repos/move',
    surface: 'api',
    action: ({ body, callerName }) => (isTransfer(body, callerName) ? 'repo.transfer' : 'repo.move'),
    decidesByBody: true,
    body: moveShape,
    target: ({ body, callerName }) => {
      const from = repoIdOf(body.fromRepo, callerName)
      return { on: 'repo', kind: body.type, namespace: from.namespace, name: from.name }
    },
    summary: 'Renames a repository or gives it to another namespace; its old address keeps leading to it',
    handle: async ({ hub, allowed, body, request, authorizeAlso }) => {
      const caller = allowed.principal.kind === 'user' ? allowed.principal.name : null
      refuseOwnNamespace(allowed.principal, parseRepoId(body.toRepo)?.namespace ?? null)
      const to = repoIdOf(body.toRepo, caller)
      const into = isTransfer(body, caller)
        ? await authorizeAlso('repo.create', { on: 'namespace', name: to.namespace }).catch((error: unknown) => {
            throw error instanceof HoldfastError && error.code === 'forbidden'
              ? withDenial(createForbidden(body.type, to.namespace), error)
              : error
          })
        : undefined
      const name = await moveRepo(hub, allowed, request.origin, {
        name: to.name,
        ...(into === undefined ? {} : { into }),
      })
      return json({ name })
    },
  }),
  route({
    method: 'PUT',
    path: '/api/{kinds}/:namespace/:name/settings',
    surface: 'api',
    action: 'repo.update_settings',
    target: repoTarget,
    body: settingsShape,
    summary: 'Changes who sees a repository, who has to ask for access to its files, and its description',
    handle: async ({ hub, allowed, body, request, authorizeAlso }) => {
      const { visibility: _visibility, private: _private, description, ...gate } = body
      const visibility = visibilityOf(body)
      const changesGate = Object.values(gate).some((value) => value !== undefined)
      const setGate = async (): Promise<void> => {
        const deciding = await authorizeAlso('repo.update_gate', { on: 'repo-id', id: allowed.resource.id })
        await updateGate(hub, deciding, request.origin, gate)
      }
      // A gate is shut before the repo is opened, and opened after it is shut.
      if (changesGate && gate.gated !== false) await setGate()
      await updateRepoSettings(hub, allowed, request.origin, { visibility, description })
      if (changesGate && gate.gated === false) await setGate()
      const shown = visibility ?? allowed.resource.visibility
      const { gated = allowed.resource.gated, orgMembersGated = allowed.resource.orgMembersGated } = gate
      return json({ private: shown !== 'public', visibility: shown, gated, orgMembersGated })
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name',
    surface: 'api',
    action: 'repo.read',
    target: repoTarget,
    query: infoQuery,
    summary: 'Everything about a repository at the head of its main branch',
    handle: (call) => infoReply(trust, call, null),
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/revision/*',
    surface: 'api',
    action: 'repo.read',
    target: repoTarget,
    query: infoQuery,
    summary: 'Everything about a repository at a revision',
    handle: (call) => {
      const { revision, path } = splitRevisionAndPath(call.params.tail)
      // A branch name with a slash that was not escaped.
      return infoReply(trust, call, path === '' ? revision : `${revision}/${path}`)
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/auth-check',
    surface: 'api',
    action: 'repo.content.read',
    target: repoTarget,
    summary: 'Answers 200 to whoever may download (AUTH-8)',
    handle: async () => json({}),
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/auth-check/read',
    surface: 'api',
    action: 'repo.content.read',
    target: repoTarget,
    summary: 'Answers 200 to whoever may download (AUTH-8)',
    handle: async () => json({}),
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/auth-check/write',
    surface: 'api',
    action: 'repo.push',
    target: repoTarget,
    summary: 'Answers 200 to whoever may push (AUTH-8)',
    handle: async () => json({}),
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}',
    surface: 'api',
    action: 'repo.list',
    target: { on: 'instance' },
    query: listingQuery,
    summary: 'Lists the repositories that the caller may see',
    handle: async ({ hub, facts, params, query, request }) => {
      const { kind } = params
      const expand = parseExpand(kind, query.expand)
      const usual = usualInLists(kind, {
        full: query.full === true,
        cardData: query.cardData === true,
        config: query.config === true,
      })
      const asked = readListing(kind, query)
      if (asked === null) return json([])
      const wanted = expand ?? usual
      const page = await listRepos(hub, facts, {
        ...asked,
        // Files are read from each repo itself, so fewer repos at a time.
        limit: wanted.has('siblings') ? Math.min(asked.limit, 100) : asked.limit,
        wanted: {
          card: cardProperties.some((name) => wanted.has(name)),
          config: configProperties.some((name) => wanted.has(name)),
        },
      })
      const workspaceOf = await workspacesOf(hub, facts, wanted, page.rows)
      const shown = wanted.has('siblings')
        ? await withSiblings(hub, page.rows)
        : page.rows.map((row) => ({ row, sha: row.headCommit }))
      return json(
        shown.map((each) => presentRepo({ ...each, workspace: workspaceOf(each.row) }, expand, usual)),
        200,
        nextLink(hub, request.path, request.query, page.next),
      )
    },
  }),
  route({
    method: 'POST',
    path: '/api/validate-yaml',
    surface: 'api',
    action: 'instance.read',
    target: { on: 'instance' },
    body: z.object({ content: z.string(), repoType: kindShape.default('model') }),
    bodyLimit: 6 * 1_048_576,
    summary: 'Says what is wrong with the metadata of a README',
    handle: async ({ body }) => {
      const { errors, warnings } = await checkCard(body.content, body.repoType)
      const said = {
        errors: errors.map((message) => ({ message })),
        warnings: warnings.map((message) => ({ message })),
      }
      return json(said, errors.length === 0 ? 200 : 400)
    },
  }),
]

const cardProperties = ['cardData', 'model-index', 'widgetData', 'citation', 'paperswithcode_id', 'models', 'datasets']
const configProperties = ['config', 'transformersInfo']

/** `private` is the older word for `visibility`. */
function visibilityOf(body: {
  visibility?: 'public' | 'private' | 'protected' | undefined
  private?: boolean | null | undefined
}): 'public' | 'private' | 'protected' | undefined {
  if (body.visibility !== undefined) return body.visibility
  return body.private == null ? undefined : body.private ? 'private' : 'public'
}

/** What would be lost without a word is refused with one. Hardware and sleep time only matter to who runs spaces. */
function refuseUnkept(body: z.output<typeof createShape>): void {
  for (const field of ['template', 'secrets', 'variables', 'volumes'] as const) {
    const value = body[field]
    if (value != null && value.length > 0) throw new HoldfastError('space_runtime_missing', { field })
  }
}

function repoIdOf(text: string, callerName: string | null): { namespace: string; name: string } {
  const id = parseRepoId(text)
  if (id === null)
    throw new HoldfastError('invalid_name', { reason: `"${text}" is not a repository: write owner/name.` })
  return { namespace: id.namespace ?? callerName ?? '', name: id.name }
}

/** A service account has no namespace: neither an unnamed one, nor one that is called as it is (SA-13). */
function refuseOwnNamespace(principal: Principal, namespace: string | null): void {
  if (principal.kind !== 'service-account') return
  if (namespace !== null && nameKey(namespace) !== nameKey(principal.name)) return
  throw new HoldfastError(
    'service_account_namespace',
    { organization: principal.organization.name },
    { denied: { code: 'service_account_namespace', need: principal.organization.name, have: 'none' } },
  )
}

function isTransfer(body: z.output<typeof moveShape>, callerName: string | null): boolean {
  const from = repoIdOf(body.fromRepo, callerName).namespace
  return from.toLowerCase() !== repoIdOf(body.toRepo, callerName).namespace.toLowerCase()
}

/** Its full name, if the caller may see it. */
async function visibleAt(
  hub: Hub,
  request: HttpRequest,
  kind: RepoKind,
  namespace: string,
  name: string,
): Promise<string | null> {
  const presented = presentedCredential(request, hub.keys)
  const { facts } = await loadFacts(
    hub.db,
    presented,
    { on: 'repo', kind, namespace, name },
    hub.clock.now(),
    request.origin.ip,
  )
  if (facts.resource.on !== 'repo' || facts.resource.repo === null || !decide('repo.read', facts).allow) return null
  return `${facts.resource.repo.owner.name}/${facts.resource.repo.name}`
}

/** Another message for the same refusal. */
function withDenial(error: HoldfastError, refusal: HoldfastError): HoldfastError {
  const { denied, entity } = refusal.extras
  if (denied === undefined) return error
  return new HoldfastError(error.code, error.params, { denied, ...(entity === undefined ? {} : { entity }) })
}

async function infoReply(
  trust: RepoTrust,
  { hub, allowed, facts, params, query }: Call<'repo.read', z.output<typeof infoQuery>, unknown>,
  revision: string | null,
): Promise<Reply> {
  const expand = parseExpand(params.kind, query.expand)
  const usual = usualInInfo(params.kind)
  const row = await findRepoWithCard(hub, allowed.resource.id)
  if (row === null) throw new HoldfastError('repo_not_found')
  const sha = revision === null ? row.headCommit : await commitOf(hub, row.id, revision)
  const withBlobs = query.blobs === true
  const wantsFiles = (expand ?? usual).has('siblings')
  const siblings = wantsFiles
    ? { siblings: sha === null ? [] : await listSiblings(hub, row.id, sha, { withBlobs }) }
    : {}
  const workspace = (await workspacesOf(hub, facts, expand ?? usual, [row]))(row)
  const repo = presentRepo({ row, sha, withBlobs, workspace, ...siblings }, expand, usual)
  const wantsSignature = query.securityStatus === true || expand?.has('modelSignature') === true
  return json({
    ...repo,
    ...(expand?.has('evalResults') && sha !== null ? { evalResults: await trust.evalEntries(hub, allowed, sha) } : {}),
    ...(query.securityStatus === true ? { securityRepoStatus: await trust.scanOf(hub, allowed) } : {}),
    ...(wantsSignature && sha !== null ? { modelSignature: await trust.modelSignatureOf(hub, allowed, sha) } : {}),
  })
}

/** Which workspace to name for each of these repos: where it was asked for, and only to whoever sees it. */
async function workspacesOf(
  hub: Hub,
  viewer: Facts,
  wanted: ReadonlySet<string>,
  rows: readonly Pick<ShownRow, 'workspaceId'>[],
): Promise<(row: Pick<ShownRow, 'workspaceId'>) => Shown['workspace']> {
  const ids = wanted.has('resourceGroup') ? rows.flatMap(({ workspaceId }) => workspaceId ?? []) : []
  const names = await visibleWorkspaces(hub.db, viewer, ids, hub.clock.now())
  return ({ workspaceId: id }) => {
    const name = id === null ? undefined : names.get(id)
    return id === null || name === undefined ? null : { id, name }
  }
}

async function commitOf(hub: Hub, repoId: string, revision: string): Promise<string> {
  const found = await resolveRevision(hub.git, repoId, revision)
  if (found === null) throw new HoldfastError('revision_not_found', { revision: revision.slice(0, 100) })
  return found.commit
}

const listedFiles = 1000
const reposAtOnce = 4

async function withSiblings(hub: Hub, rows: readonly ShownRow[]): Promise<Shown[]> {
  const shown: Shown[] = []
  for (let start = 0; start < rows.length; start += reposAtOnce) {
    const some = rows.slice(start, start + reposAtOnce).map(async (row) => {
      const sha = row.headCommit
      const siblings = sha === null ? [] : await listSiblings(hub, row.id, sha, { withBlobs: false, most: listedFiles })
      return { row, sha, siblings }
    })
    shown.push(...(await Promise.all(some)))
  }
  return shown
}
