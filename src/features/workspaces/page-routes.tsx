/** The pages of workspaces. Which controls are drawn is asked of the policy. Repos are moved at their own addresses. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf, type Facts, type PartFacts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import { isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { withTermErrors } from '../../web/temporary-role-form.ts'
import { minuteTime } from '../../web/time-words.ts'
import { readTermForm, termFormShape } from '../temporary-roles/service.ts'
import { countContents } from './content-queries.ts'
import { WorkspacesPage } from './list-page.tsx'
import { dialogOf, dialogQuery, raising } from './load-dialog.ts'
import { createWorkspace, deleteWorkspace, updateWorkspace } from './manage.ts'
import { workspacePath, workspacesPath } from './paths.ts'
import type { RepoPlaces } from './places.ts'
import { listWorkspaces } from './queries.ts'
import { addToWorkspace, changeWorkspaceRole, endWorkspaceRole, removeFromWorkspace, type Whose } from './roster.ts'
import { countRoles } from './roster-queries.ts'
import { setSignedModels } from './signed-models.ts'
import { workspaceReply } from './workspace-reply.tsx'

const field = z.string().max(1_000).default('')
const cursor = z.string().max(300).default('')
const pageSize = 100
const base = '/organizations/:name/settings/workspaces'
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const workspace = ({ params }: { params: Params }) =>
  ({ on: 'workspace', organization: params.get('name'), id: params.get('id') }) as const

const pageQuery = dialogQuery.extend({ afterRepo: cursor, afterPerson: cursor, afterGroup: cursor })

export const workspacePageRoutes = (repos: RepoPlaces): Route[] => [
  route({
    method: 'GET',
    path: base,
    surface: 'page',
    action: 'resource_group.list',
    target: organization,
    query: z.object({ dialog: z.string().max(30).optional(), after: cursor }),
    handle: ({ hub, allowed, facts, query, request }) => {
      const dialog = query.dialog === 'new' ? freshForm : null
      return listReply(hub, allowed.resource, facts, request, { after: query.after, dialog })
    },
  }),
  route({
    method: 'POST',
    path: base,
    surface: 'page',
    action: 'resource_group.create',
    target: organization,
    body: z.object({ name: field, description: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          // WS-6: on the page whoever makes a workspace administers it.
          const creator = accountOf(facts.principal)
          const made = await createWorkspace(
            hub,
            allowed,
            request.origin,
            {
              ...described(body),
              users: creator === null ? [] : [{ name: creator.name, role: 'admin' }],
              repos: [],
              movesRepos: false,
              autoJoin: null,
            },
            repos,
          )
          const there = workspacePath(allowed.resource.name, made.id)
          return redirectWithNotice(there, 'success', `${made.name} is made. Add repositories and who works on them.`)
        },
        (fault) =>
          listReply(hub, allowed.resource, facts, request, {
            dialog: formWithFault(body, fault, { workspace_name_taken: 'name' }),
            fault,
          }),
      ),
  }),
  route({
    method: 'GET',
    path: `${base}/:id`,
    surface: 'page',
    action: 'resource_group.read',
    target: workspace,
    query: pageQuery,
    handle: (call) => {
      const { hub, allowed, facts, query, request } = call
      const after = { repos: query.afterRepo, people: query.afterPerson, groups: query.afterGroup }
      return orShow(
        async () => {
          const dialog = await dialogOf(call)
          return await workspaceReply(hub, allowed.resource, facts, request, { after, dialog })
        },
        (fault) => {
          // A repo that was asked for by name and is not there, or is nobody's business.
          const form = formWithFault(query, fault, { repo_not_found: 'repo', invalid_name: 'repo' })
          return workspaceReply(hub, allowed.resource, facts, request, { after, forms: { repos: form }, fault })
        },
      )
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id`,
    surface: 'page',
    action: 'resource_group.settings',
    target: workspace,
    body: z.object({ name: field, description: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await updateWorkspace(hub, allowed, request.origin, described(body))
          return back(allowed.resource, 'The workspace is saved.')
        },
        (fault) => {
          const form = formWithFault(body, fault, { workspace_name_taken: 'name' })
          return workspaceReply(hub, allowed.resource, facts, request, { dialog: { kind: 'edit', form }, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/auto-join`,
    surface: 'page',
    action: 'resource_group.settings',
    target: workspace,
    body: z.object({ scope: z.enum(['nobody', 'all', 'read_plus']), joinRole: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { scope } = body
          const autoJoin = scope === 'nobody' ? null : { scope, role: parseRole(body.joinRole, 'joinRole') }
          await updateWorkspace(hub, allowed, request.origin, { autoJoin })
          return back(allowed.resource, autoJoin === null ? 'Nobody joins by themselves now.' : 'Auto-join is on.')
        },
        (fault) => {
          const forms = { autoJoin: formWithFault(body, fault) }
          return workspaceReply(hub, allowed.resource, facts, request, { forms, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/signed-models`,
    surface: 'page',
    action: 'resource_group.signed_models',
    target: workspace,
    body: z.object({ only: z.enum(['all', 'signed']) }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await setSignedModels(hub, allowed, request.origin, body.only === 'signed')
          const words =
            body.only === 'signed' ? 'Only signed models are handed out now.' : 'All models are handed out now.'
          return back(allowed.resource, words)
        },
        (fault) => {
          const forms = { signed: formWithFault(body, fault) }
          return workspaceReply(hub, allowed.resource, facts, request, { forms, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/delete`,
    surface: 'page',
    action: 'resource_group.delete',
    target: workspace,
    handle: async ({ hub, allowed, request }) => {
      await deleteWorkspace(hub, allowed, request.origin, repos)
      const { name, organization: owner } = allowed.resource
      return redirectWithNotice(workspacesPath(owner.name), 'success', `${name} is deleted. Its repositories stay.`)
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/users`,
    surface: 'page',
    action: 'resource_group.add_users',
    target: workspace,
    body: z.object({ username: field, role: field, ...termFormShape('person') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const name = body.username.trim()
          const role = parseRole(body.role)
          const term = readTermForm('person', body, hub.clock.now())
          await addToWorkspace(hub, allowed, request.origin, [{ whose: { user: name }, role, term }])
          return back(allowed.resource, `${name} has the role ${role} here now.`)
        },
        (fault) => {
          const fields = { not_of_organization: 'username', already_in_workspace: 'username' }
          const form = withTermErrors('person', formWithFault(body, fault, fields))
          return workspaceReply(hub, allowed.resource, facts, request, { forms: { people: form }, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${base}/:id/groups`,
    surface: 'page',
    action: 'resource_group.add_users',
    target: workspace,
    body: z.object({ group: field, groupRole: field, ...termFormShape('group') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const role = parseRole(body.groupRole, 'groupRole')
          const term = readTermForm('group', body, hub.clock.now())
          await addToWorkspace(hub, allowed, request.origin, [{ whose: { group: body.group.trim() }, role, term }])
          return back(allowed.resource, `Everybody in the group has the role ${role} here now.`)
        },
        (fault) => {
          const fields = { group_not_found: 'group', already_in_workspace: 'group' }
          const form = withTermErrors('group', formWithFault(body, fault, fields))
          return workspaceReply(hub, allowed.resource, facts, request, { forms: { groups: form }, fault })
        },
      ),
  }),
  ...(['users', 'groups'] as const).flatMap(roleRoutes),
]

/** Changing and taking the role of one person, service account or group. */
function roleRoutes(list: 'users' | 'groups'): Route[] {
  const whose = (params: Params): Whose =>
    list === 'users' ? { user: params.get('bearer') } : { group: params.get('bearer') }
  const form = list === 'users' ? 'people' : 'groups'
  return [
    route({
      method: 'POST',
      path: `${base}/:id/${list}/:bearer`,
      surface: 'page',
      action: 'resource_group.change_role',
      target: workspace,
      body: z.object({ role: field }),
      handle: ({ hub, allowed, facts, params, body, request }) =>
        orShow(
          async () => {
            const role = parseRole(body.role)
            await changeWorkspaceRole(hub, allowed, request.origin, { whose: whose(params), role })
            return back(allowed.resource, `The role is ${role} now.`)
          },
          (fault) => {
            const forms = { [form]: formWithFault({}, fault) }
            return workspaceReply(hub, allowed.resource, facts, request, { forms, fault })
          },
        ),
    }),
    route({
      method: 'POST',
      path: `${base}/:id/${list}/:bearer/temporary`,
      surface: 'page',
      action: 'resource_group.change_role',
      target: workspace,
      body: z.object({ raiseRole: field, ...termFormShape('raise') }),
      handle: ({ hub, allowed, facts, params, body, request }) =>
        orShow(
          async () => {
            const term = readTermForm('raise', body, hub.clock.now())
            if (term === null) throw new HoldfastError('invalid_input', { reason: 'Say until when.', field: 'until' })
            const role = parseRole(String(body.raiseRole))
            await changeWorkspaceRole(hub, allowed, request.origin, { whose: whose(params), role, term })
            return back(allowed.resource, `The role is ${role} until ${minuteTime(term.until)}.`)
          },
          async (fault) => {
            const dialog = await raising(hub, facts, allowed.resource, whose(params))
            const drawn = withTermErrors('raise', formWithFault(body, fault))
            const view =
              dialog === null ? { forms: { [form]: formWithFault({}, fault) } } : { dialog: { ...dialog, form: drawn } }
            return await workspaceReply(hub, allowed.resource, facts, request, { ...view, fault })
          },
        ),
    }),
    route({
      method: 'POST',
      path: `${base}/:id/${list}/:bearer/temporary/end`,
      surface: 'page',
      action: 'resource_group.change_role',
      target: workspace,
      handle: ({ hub, allowed, facts, params, request }) =>
        orShow(
          async () => {
            await endWorkspaceRole(hub, allowed, request.origin, whose(params))
            return back(allowed.resource, 'The temporary role has ended.')
          },
          (fault) => {
            const forms = { [form]: formWithFault({}, fault) }
            return workspaceReply(hub, allowed.resource, facts, request, { forms, fault })
          },
        ),
    }),
    route({
      method: 'POST',
      path: `${base}/:id/${list}/:bearer/remove`,
      surface: 'page',
      action: 'resource_group.remove_users',
      target: workspace,
      handle: ({ hub, allowed, facts, params, request }) =>
        orShow(
          async () => {
            await removeFromWorkspace(hub, allowed, request.origin, whose(params))
            // Who takes their own role away may see the workspace no more.
            const isSelf = list === 'users' && accountOf(facts.principal)?.name === params.get('bearer')
            const { organization: owner, name } = allowed.resource
            return isSelf
              ? redirectWithNotice(
                  workspacesPath(owner.name),
                  'success',
                  `You have no role of your own in ${name} now.`,
                )
              : back(allowed.resource, 'The role is taken away.')
          },
          (fault) => {
            const forms = { [form]: formWithFault({}, fault) }
            return workspaceReply(hub, allowed.resource, facts, request, { forms, fault })
          },
        ),
    }),
  ]
}

async function listReply(
  hub: Hub,
  owner: { readonly id: string; readonly name: string },
  facts: Facts,
  request: HttpRequest,
  view: { after?: string; dialog: FormState | null; fault?: HoldfastError },
): Promise<Reply> {
  const from = view.after ?? ''
  const seesAll = facts.standing.organizationRole === 'admin'
  const [context, found] = await Promise.all([
    pageContext(hub, facts, request),
    listWorkspaces(hub.db, owner.id, seesAll ? null : (accountOf(facts.principal)?.id ?? ''), {
      after: from,
      limit: pageSize + 1,
      now: hub.clock.now(),
    }),
  ])
  const shown = found.slice(0, pageSize)
  const ids = shown.map(({ id }) => id)
  const [roles, contents] = await Promise.all([countRoles(hub.db, ids, hub.clock.now()), countContents(hub.db, ids)])
  const here = workspacesPath(owner.name)
  const mayCreate = decide('resource_group.create', facts).allow
  const page = (
    <WorkspacesPage
      context={context}
      organization={owner.name}
      workspaces={shown.map((row) => ({ ...row, ...roles(row.id), ...contents(row.id), joins: row.autoJoin !== null }))}
      seesAll={seesAll}
      nextHref={found.length > pageSize ? `${here}?after=${encodeURIComponent(shown.at(-1)?.nameKey ?? '')}` : null}
      firstHref={from === '' ? null : here}
      mayCreate={mayCreate}
      dialog={mayCreate ? view.dialog : null}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

function described(body: { name: string; description: string }): { name: string; description: string | null } {
  const description = body.description.trim()
  if (description.length > 500) {
    const reason = 'A description has at most 500 characters.'
    throw new HoldfastError('invalid_input', { reason, field: 'description' })
  }
  return { name: body.name, description: description || null }
}

function parseRole(text: string, named = 'role'): Role {
  if (!isRole(text)) throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: named })
  return text
}

function back(part: PartFacts, notice: string): Reply {
  return redirectWithNotice(workspacePath(part.organization.name, part.id), 'success', notice)
}
