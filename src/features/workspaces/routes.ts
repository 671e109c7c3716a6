/**
 * The interface of workspaces: the Hub's paths of resource groups, and beside them the groups of people that have a role there, which the
 * Hub has not.
 */
import { z } from 'zod'
import { nextPageLink } from '../../access/paging.ts'
import { empty, type Headers, json } from '../../access/reply.ts'
import { type Call, type Params, type Route, route } from '../../access/route.ts'
import { visibleAmong } from '../../access/viewer-reach.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf, type Facts, type PartFacts, repoKinds } from '../../domain/facts.ts'
import { parseRepoId } from '../../domain/names.ts'
import { roles } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { lastingShape, readTerm, termShape } from '../temporary-roles/service.ts'
import type { AutoJoin } from './auto-join.ts'
import { type Content, firstContents, listContents } from './content-queries.ts'
import { createWorkspace, deleteWorkspace, mostDescription, updateWorkspace } from './manage.ts'
import type { RepoPlaces } from './places.ts'
import { presentContent, presentGroupHolder, presentHolder, presentWorkspace } from './present.ts'
import { findWorkspaceRow, listWorkspaces, type WorkspaceRow } from './queries.ts'
import { addToWorkspace, changeWorkspaceRole, endWorkspaceRole, removeFromWorkspace } from './roster.ts'
import { firstHolders, listGroupHolders, listHolders } from './roster-queries.ts'
import { setSignedModels } from './signed-models.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const workspace = ({ params }: { params: Params }) =>
  ({ on: 'workspace', organization: params.get('name'), id: params.get('id') }) as const

const role = z.enum(roles)
const limit = z.coerce.number().int().min(1).max(500).default(100)
const namePage = z.object({ limit, cursor: z.string().max(300).default('') })
const idPage = z.object({ limit, cursor: z.string().max(24).default('') })
const description = z.string().trim().max(mostDescription).nullish()
const userName = z.string().max(100)

const autoJoinShape = z.union([
  z.object({
    enabled: z.union([z.literal(true), z.literal('true')]),
    role,
    scope: z.enum(['all', 'read_plus']).default('all'),
  }),
  z.object({ enabled: z.union([z.literal(false), z.literal('false')]) }),
])

const createShape = z.object({
  name: z.string().max(300),
  description,
  users: z
    .array(z.object({ user: userName, role, ...lastingShape }))
    .max(1000)
    .default([]),
  ...lastingShape,
  repos: z
    .array(z.object({ name: z.string().max(200), type: z.enum(repoKinds) }))
    .max(1000)
    .default([]),
  /** Ours: repos that lie in another workspace are moved from there. */
  moveRepos: z.boolean().default(false),
  autoJoin: autoJoinShape.optional(),
})

/** The Hub takes either spelling. */
const addShape = z.object({
  ...lastingShape,
  users: z
    .array(
      z.union([z.object({ name: userName, role, ...termShape }), z.object({ user: userName, role, ...termShape })]),
    )
    .min(1)
    .max(1000),
})

const noWorkspace = { 404: 'There is no such resource group, or the caller has no role in it.' } as const
const base = '/api/organizations/:name/resource-groups'

/** How many users and repos one answer has of a workspace by itself, and of each in a list; `Link` leads to the rest. */
const mostOfOne = 1000
const mostOfEach = 100

export const workspaceApiRoutes = (repos: RepoPlaces): Route[] => [
  route({
    method: 'GET',
    path: base,
    surface: 'api',
    action: 'resource_group.list',
    target: organization,
    query: namePage,
    summary:
      'The resource groups that the caller has a role in (administrators: all) by name, a page at a time (`Link`); of each the first users and repositories',
    handle: async ({ hub, allowed, facts, query, request }) => {
      const principalId = allowed.standing.organizationRole === 'admin' ? null : (accountOf(facts.principal)?.id ?? '')
      const page = { after: query.cursor, limit: query.limit + 1 }
      const found = await listWorkspaces(hub.db, allowed.resource.id, principalId, { ...page, now: hub.clock.now() })
      const shown = found.slice(0, query.limit)
      const next = found.length > query.limit ? shown.at(-1)?.nameKey : undefined
      return json(await presented(hub, facts, shown, mostOfEach), 200, linkTo(hub, request.path, query.limit, next))
    },
  }),
  route({
    method: 'POST',
    path: base,
    surface: 'api',
    action: 'resource_group.create',
    target: organization,
    body: createShape,
    summary: 'Makes a resource group with its first users and repositories',
    answers: {
      409: 'The name is taken, or a repository lies in another resource group ("moveRepos": true moves it).',
    },
    handle: async (call) => {
      const { hub, allowed, facts, body, request } = call
      const made = await createWorkspace(
        hub,
        allowed,
        request.origin,
        {
          name: body.name,
          description: body.description || null,
          users: body.users.map(({ user, role: as }) => ({ name: user, role: as })),
          repos: await reposToTake(call, body.repos),
          movesRepos: body.moveRepos,
          autoJoin: readAutoJoin(body.autoJoin),
        },
        repos,
      )
      return json((await presented(hub, facts, [made], mostOfOne))[0])
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id`,
    surface: 'api',
    action: 'resource_group.read',
    target: workspace,
    summary: 'A resource group with its users and repositories, up to a thousand of each (`Link` leads to the rest)',
    answers: noWorkspace,
    handle: async ({ hub, allowed, facts }) => wholeReply(hub, facts, allowed.resource),
  }),
  route({
    method: 'PATCH',
    path: `${base}/:id`,
    surface: 'api',
    action: 'resource_group.settings',
    target: workspace,
    body: z.object({ name: z.string().max(300).optional(), description, spendLimits: z.unknown().optional() }),
    summary: 'Renames or describes a resource group. This hub sells nothing: limits of spending are passed over',
    answers: { ...noWorkspace, 409: 'The name is taken.' },
    handle: async ({ hub, allowed, facts, body, request }) => {
      await updateWorkspace(hub, allowed, request.origin, {
        name: body.name,
        description: body.description === undefined ? undefined : body.description || null,
      })
      return wholeReply(hub, facts, allowed.resource)
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id`,
    surface: 'api',
    action: 'resource_group.delete',
    target: workspace,
    summary:
      'Deletes a resource group. Its repositories stay in the organization, whose members see the private ones then',
    answers: noWorkspace,
    handle: async ({ hub, allowed, request }) => {
      await deleteWorkspace(hub, allowed, request.origin, repos)
      return json({ success: true })
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/settings`,
    surface: 'api',
    action: 'resource_group.settings',
    target: workspace,
    body: z.object({ autoJoin: autoJoinShape.optional() }),
    summary:
      'Says who of the organization joins by themselves. Turning it on adds whoever is there; turning it off removes nobody',
    answers: noWorkspace,
    handle: async ({ hub, allowed, facts, body, request }) => {
      if (body.autoJoin !== undefined) {
        await updateWorkspace(hub, allowed, request.origin, { autoJoin: readAutoJoin(body.autoJoin) })
      }
      return wholeReply(hub, facts, allowed.resource)
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id/signed-models`,
    surface: 'api',
    action: 'resource_group.read',
    target: workspace,
    summary: 'Whether only signed models are handed out from a resource group',
    answers: noWorkspace,
    handle: async ({ hub, allowed }) => {
      const row = await findWorkspaceRow(hub.db, allowed.resource.id)
      if (row === null) throw new HoldfastError('workspace_not_found')
      return json({ signedModelsOnly: row.signedModelsSince > 0 })
    },
  }),
  route({
    method: 'PUT',
    path: `${base}/:id/signed-models`,
    surface: 'api',
    action: 'resource_group.signed_models',
    target: workspace,
    body: z.strictObject({ signedModelsOnly: z.boolean() }),
    summary: 'Hands out signed models of a resource group alone, or all again, in a session of an administrator',
    answers: noWorkspace,
    handle: async ({ hub, allowed, body, request }) => {
      await setSignedModels(hub, allowed, request.origin, body.signedModelsOnly)
      return json(body)
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id/users`,
    surface: 'api',
    action: 'resource_group.read',
    target: workspace,
    query: idPage,
    summary: 'People and service accounts with a role of their own in a resource group, a page at a time (`Link`)',
    answers: noWorkspace,
    handle: async ({ hub, allowed, query, request }) => {
      const page = { after: query.cursor, limit: query.limit + 1, now: hub.clock.now() }
      const found = await listHolders(hub.db, allowed.resource.id, page)
      const shown = found.slice(0, query.limit)
      const next = found.length > query.limit ? shown.at(-1)?.id : undefined
      const body = shown.map((holder) => presentHolder(hub, holder))
      return json(body, 200, linkTo(hub, request.path, query.limit, next))
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/users`,
    surface: 'api',
    action: 'resource_group.add_users',
    target: workspace,
    body: addShape,
    summary:
      'Adds members of the organization (by user name) and service accounts (`sa-` and their id): all of them or none',
    answers: { ...noWorkspace, 409: 'One of them has a role there already.' },
    handle: async ({ hub, allowed, facts, body, request }) => {
      const added = body.users.map((user) => ({
        whose: { user: 'user' in user ? user.user : user.name },
        role: user.role,
        term: readTerm(user, hub.clock.now()),
      }))
      await addToWorkspace(hub, allowed, request.origin, added)
      return wholeReply(hub, facts, allowed.resource)
    },
  }),
  route({
    method: 'PATCH',
    path: `${base}/:id/users/:username`,
    surface: 'api',
    action: 'resource_group.change_role',
    target: workspace,
    body: z.object({ role, ...termShape }),
    summary:
      'Changes the role of a person or a service account in a resource group: for good, or until `until` (or for `seconds`) with a `reason`',
    answers: noWorkspace,
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const whose = { user: params.get('username') }
      await changeWorkspaceRole(hub, allowed, request.origin, {
        whose,
        role: body.role,
        term: readTerm(body, hub.clock.now()),
      })
      return wholeReply(hub, facts, allowed.resource)
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id/users/:username/temporary-role`,
    surface: 'api',
    action: 'resource_group.change_role',
    target: workspace,
    summary:
      'Ends the temporary role of a person or a service account in a resource group: what was before counts again',
    answers: { 204: 'It is over.', ...noWorkspace },
    handle: async ({ hub, allowed, params, request }) => {
      await endWorkspaceRole(hub, allowed, request.origin, { user: params.get('username') })
      return empty(204)
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id/users/:username`,
    surface: 'api',
    action: 'resource_group.remove_users',
    target: workspace,
    summary: 'Takes the role of a person or a service account in a resource group; what comes through groups stays',
    answers: noWorkspace,
    handle: async ({ hub, allowed, facts, params, request }) => {
      await removeFromWorkspace(hub, allowed, request.origin, { user: params.get('username') })
      return wholeReply(hub, facts, allowed.resource)
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id/repos`,
    surface: 'api',
    action: 'resource_group.read',
    target: workspace,
    query: idPage,
    summary: 'The repositories of a resource group that the caller sees, a page at a time (`Link`)',
    answers: noWorkspace,
    handle: async ({ hub, allowed, facts, query, request }) => {
      const found = await listContents(hub.db, allowed.resource.id, { after: query.cursor, limit: query.limit + 1 })
      const shown = found.slice(0, query.limit)
      const next = found.length > query.limit ? shown.at(-1)?.id : undefined
      const seen = await thoseSeen(hub, facts, shown)
      return json(seen.map(presentContent), 200, linkTo(hub, request.path, query.limit, next))
    },
  }),
  route({
    method: 'GET',
    path: `${base}/:id/groups`,
    surface: 'api',
    action: 'resource_group.read',
    target: workspace,
    query: idPage,
    summary: 'Groups with a role in a resource group, a page at a time (`Link`)',
    answers: noWorkspace,
    handle: async ({ hub, allowed, query, request }) => {
      const page = { after: query.cursor, limit: query.limit + 1, now: hub.clock.now() }
      const found = await listGroupHolders(hub.db, allowed.resource.id, page)
      const shown = found.slice(0, query.limit)
      const next = found.length > query.limit ? shown.at(-1)?.id : undefined
      return json(shown.map(presentGroupHolder), 200, linkTo(hub, request.path, query.limit, next))
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/groups`,
    surface: 'api',
    action: 'resource_group.add_users',
    target: workspace,
    body: z.object({ group: z.string().max(200), role, ...termShape }),
    summary:
      'Gives a group of the organization, by id or name, a role in a resource group: everybody who is in it has it then',
    answers: { 201: 'The group has the role.', ...noWorkspace, 409: 'It has a role there already.' },
    handle: async ({ hub, allowed, body, request }) => {
      await addToWorkspace(hub, allowed, request.origin, [
        { whose: { group: body.group }, role: body.role, term: readTerm(body, hub.clock.now()) },
      ])
      return json({ group: body.group, role: body.role }, 201)
    },
  }),
  route({
    method: 'PATCH',
    path: `${base}/:id/groups/:groupId`,
    surface: 'api',
    action: 'resource_group.change_role',
    target: workspace,
    body: z.object({ role, ...termShape }),
    summary:
      'Changes the role of a group in a resource group: for good, or until `until` (or for `seconds`) with a `reason`',
    answers: noWorkspace,
    handle: async ({ hub, allowed, params, body, request }) => {
      const whose = { group: params.get('groupId') }
      const term = readTerm(body, hub.clock.now())
      await changeWorkspaceRole(hub, allowed, request.origin, { whose, role: body.role, term })
      const until = term === null ? {} : { until: new Date(term.until).toISOString() }
      return json({ group: params.get('groupId'), role: body.role, ...until })
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id/groups/:groupId/temporary-role`,
    surface: 'api',
    action: 'resource_group.change_role',
    target: workspace,
    summary: 'Ends the temporary role of a group in a resource group: what was before counts again',
    answers: { 204: 'It is over.', ...noWorkspace },
    handle: async ({ hub, allowed, params, request }) => {
      await endWorkspaceRole(hub, allowed, request.origin, { group: params.get('groupId') })
      return empty(204)
    },
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id/groups/:groupId`,
    surface: 'api',
    action: 'resource_group.remove_users',
    target: workspace,
    summary: 'Takes the role of a group in a resource group, and with it what its members have there through it alone',
    answers: noWorkspace,
    handle: async ({ hub, allowed, params, request }) => {
      await removeFromWorkspace(hub, allowed, request.origin, { group: params.get('groupId') })
      return json({ success: true })
    },
  }),
]

function readAutoJoin(shape: z.output<typeof autoJoinShape> | undefined): AutoJoin {
  return shape === undefined || !('role' in shape) ? null : { scope: shape.scope, role: shape.role }
}

/** Whoever may not move a repo cannot take it along: a workspace of one's own is no way to see what lies elsewhere. */
async function reposToTake(
  { authorizeAlso, allowed }: Call<'resource_group.create', unknown, unknown>,
  named: z.output<typeof createShape>['repos'],
) {
  const taken = []
  for (const { name, type } of named) {
    const id = parseRepoId(name)
    if (id === null)
      throw new HoldfastError('invalid_name', { reason: `"${name}" is not a repository: write owner/name.` })
    const target = { on: 'repo', kind: type, namespace: id.namespace ?? allowed.resource.name, name: id.name } as const
    taken.push(await authorizeAlso('repo.update_resource_group', target))
  }
  return taken
}

async function presented(hub: Hub, facts: Facts, workspaces: readonly WorkspaceRow[], most: number) {
  const ids = workspaces.map(({ id }) => id)
  const [holders, contents] = await Promise.all([
    firstHolders(hub.db, ids, most, hub.clock.now()),
    firstContents(hub.db, ids, most).then((found) => thoseSeen(hub, facts, found)),
  ])
  const holdersOf = Map.groupBy(holders, ({ workspaceId }) => workspaceId)
  const contentsOf = Map.groupBy(contents, ({ workspaceId }) => workspaceId)
  return workspaces.map((row) =>
    presentWorkspace(hub, row, { holders: holdersOf.get(row.id) ?? [], contents: contentsOf.get(row.id) ?? [] }),
  )
}

/** Whoever may read a workspace sees what lies in it, unless their token does not. */
async function thoseSeen(hub: Hub, facts: Facts, contents: readonly Content[]): Promise<readonly Content[]> {
  const { credential } = facts
  if (credential?.kind !== 'token' || credential.role !== 'fineGrained') return contents
  const ids = contents.map(({ id }) => id)
  const seen = await visibleAmong(hub.db, facts, ids, hub.clock.now())
  return contents.filter(({ id }) => seen.has(id))
}

async function wholeReply(hub: Hub, facts: Facts, { id, organization: owner }: PartFacts) {
  const row = await findWorkspaceRow(hub.db, id)
  if (row === null) throw new HoldfastError('workspace_not_found')
  const [whole] = await presented(hub, facts, [row], mostOfOne)
  const here = `${hub.config.publicUrl}/api/organizations/${encodeURIComponent(owner.name)}/resource-groups/${id}`
  const rest = (['users', 'repos'] as const)
    .filter((list) => (whole?.[list].length ?? 0) >= mostOfOne)
    .map((list) => `<${here}/${list}>; rel="${list}"`)
  return json(whole, 200, rest.length === 0 ? {} : { link: rest.join(', ') })
}

function linkTo(hub: Hub, path: string, most: number, cursor: string | undefined): Headers {
  return cursor === undefined ? {} : nextPageLink(hub.config, path, { limit: most, cursor })
}
