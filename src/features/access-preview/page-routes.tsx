/** Previews from the forms that make changes: each takes what its form sends, below the address that the form posts to. */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Facts, serviceAccountName } from '../../domain/facts.ts'
import { isRole, type Role } from '../../domain/role.ts'
import { tokenPolicies } from '../../domain/token-policy.ts'
import { repoPath } from '../../web/address.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { repoViewOf } from '../repos/service.ts'
import type { Change } from './change.ts'
import { OrganizationPreviewPage, type PreviewView, RepoPreviewPage } from './pages.tsx'
import { type Asking, previewChange } from './preview.ts'
import { workspaceNames } from './queries.ts'

const repoTarget = ({ params }: { params: Params }) =>
  ({ on: 'repo', kind: params.kind, namespace: params.get('namespace'), name: params.get('name') }) as const
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const workspace = ({ params }: { params: Params }) =>
  ({ on: 'workspace', organization: params.get('name'), id: params.get('id') }) as const

const field = z.string().max(1000).default('')
/** Entries of each list on a page. */
const most = 100

type Call = Asking & { readonly request: Parameters<typeof pageContext>[2]; readonly params: Params }
type Words = Omit<PreviewView, 'preview'>

async function repoReply(
  call: Call,
  change: Change,
  words: Omit<Words, 'backHref' | 'action'>,
  part: string,
): Promise<Reply> {
  const repo = repoViewOf(call.facts)
  const [context, preview] = await Promise.all([
    pageContext(call.hub, call.facts, call.request),
    previewChange(call, change, most),
  ])
  const view = { ...words, preview, action: repoPath(repo, `/settings/${part}`), backHref: repoPath(repo, '/settings') }
  return pageReply(context, <RepoPreviewPage context={context} repo={repo} view={view} />)
}

async function organizationReply(
  call: Call,
  change: Change,
  words: Words,
  place: { readonly place: string; readonly placeLabel: string },
): Promise<Reply> {
  const name = call.params.get('name')
  const [context, preview] = await Promise.all([
    pageContext(call.hub, call.facts, call.request),
    previewChange(call, change, most),
  ])
  const view = { ...words, preview }
  return pageReply(context, <OrganizationPreviewPage context={context} organization={name} {...place} view={view} />)
}

/** The repo that a route is about, as a change names it. */
function named(facts: Facts): { readonly type: 'model' | 'dataset' | 'space'; readonly name: string } {
  const { kind, namespace, name } = repoViewOf(facts)
  return { type: kind, name: `${namespace}/${name}` }
}

export const accessPreviewPageRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/visibility/preview',
    surface: 'page',
    action: 'repo.update_settings',
    target: repoTarget,
    body: z.object({ visibility: z.enum(['public', 'private']) }),
    handle: async ({ body, ...call }) => {
      const repo = named(call.facts)
      const sentence = `${repo.name} becomes ${body.visibility}.`
      const change = { kind: 'repo_visibility', repo, visibility: body.visibility } as const
      return await repoReply(call, change, { sentence, fields: body }, 'visibility')
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/gate/preview',
    surface: 'page',
    action: 'repo.update_gate',
    target: repoTarget,
    body: z.object({
      gated: z.enum(['off', 'auto', 'manual']),
      members: z.literal('yes').optional(),
      email: field,
      mode: field,
    }),
    handle: async ({ body, ...call }) => {
      const repo = named(call.facts)
      const { gated, members, email, mode } = body
      const owned = repoViewOf(call.facts).ownerKind === 'organization'
      const change = {
        kind: 'repo_gate',
        repo,
        gated: gated === 'off' ? (false as const) : gated,
        ...(owned ? { orgMembersGated: members === 'yes' } : {}),
      } as const
      const fields = { gated, email, ...(mode === '' ? {} : { mode }), ...(members === undefined ? {} : { members }) }
      const sentence = `Access requests of ${repo.name}: ${gated === 'off' ? 'none' : gated === 'auto' ? 'automatic' : 'manual'}.`
      return await repoReply(call, change, { sentence, fields }, 'gate')
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/workspace/preview',
    surface: 'page',
    action: 'repo.update_resource_group',
    target: repoTarget,
    body: z.object({ workspace: z.string().max(100).default(''), from: z.string().max(100).default(''), back: field }),
    handle: async ({ body, ...call }) => {
      const repo = named(call.facts)
      const change: Change = { kind: 'repo_workspace', repos: [repo], workspace: body.workspace || null }
      const { owner } = call.allowed.resource
      const names = await workspaceNames(call.hub.db, body.workspace === '' ? [] : [body.workspace], owner.id)
      const into = names.get(body.workspace)
      const where = into === undefined ? 'out of its workspace' : `into the workspace ${into}`
      const sentence = `${repo.name} moves ${where}.`
      return await repoReply(call, change, { sentence, fields: body }, 'workspace')
    },
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/members/:username/preview',
    surface: 'page',
    action: 'org.change_role',
    target: organization,
    body: z.object({ role: field }),
    handle: async ({ body, ...call }) => {
      const name = call.params.get('name')
      const user = call.params.get('username')
      const backHref = organizationSettingsPath(name, 'members')
      const change = { kind: 'member_role', organization: name, user, role: readRole(body.role) } as const
      const words = {
        sentence: `${user} gets the role ${body.role} in ${name}.`,
        action: `${backHref}/${encodeURIComponent(user)}`,
        fields: body,
        backHref,
      }
      return await organizationReply(call, change, words, { place: 'members', placeLabel: 'Members' })
    },
  }),
  ...(['users', 'groups'] as const).map((list) =>
    route({
      method: 'POST',
      path: `/organizations/:name/settings/workspaces/:id/${list}/:bearer/preview`,
      surface: 'page',
      action: 'resource_group.change_role',
      target: workspace,
      body: z.object({ role: field }),
      handle: async ({ body, ...call }) => {
        const name = call.params.get('name')
        const bearer = call.params.get('bearer')
        const { id, name: title } = call.allowed.resource
        const backHref = organizationSettingsPath(name, `workspaces/${encodeURIComponent(id)}`)
        const change = {
          kind: 'workspace_role',
          organization: name,
          workspace: id,
          ...(list === 'users' ? { user: bearer } : { group: bearer }),
          role: readRole(body.role),
        } as const
        const who =
          list === 'groups'
            ? 'Everybody in the group'
            : bearer.startsWith(serviceAccountName(''))
              ? 'The service account'
              : bearer
        const words = {
          sentence: `${who} gets the role ${body.role} in the workspace ${title}.`,
          action: `${backHref}/${list}/${encodeURIComponent(bearer)}`,
          fields: body,
          backHref,
        }
        return await organizationReply(call, change, words, { place: 'workspaces', placeLabel: title })
      },
    }),
  ),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/tokens/policy/preview',
    surface: 'page',
    action: 'org.token_policy.update',
    target: organization,
    body: z.object({
      policy: z.enum(tokenPolicies),
      mostDays: z.string().max(20).default(''),
      classicTokensAdminister: z.enum(['yes', 'no']),
    }),
    handle: async ({ body, ...call }) => {
      const name = call.params.get('name')
      const backHref = organizationSettingsPath(name, 'tokens/policy')
      const change = {
        kind: 'token_policy',
        organization: name,
        policy: body.policy,
        mostDays: readDays(body.mostDays),
        classicTokensAdminister: body.classicTokensAdminister === 'yes',
      } as const
      const words = { sentence: `${name} gets another token policy.`, action: backHref, fields: body, backHref }
      return await organizationReply(call, change, words, { place: 'tokens', placeLabel: 'Token policy' })
    },
  }),
]

/** Throws `invalid_input`. */
function readRole(text: string): Role {
  if (isRole(text)) return text
  throw new HoldfastError('invalid_input', { reason: 'There is no such role.', field: 'role' })
}

/** Throws `invalid_input`. */
function readDays(text: string): number | null {
  if (text.trim() === '') return null
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 3650) return days
  throw new HoldfastError('invalid_input', {
    reason: 'A lifetime is a number of days from 1 to 3,650.',
    field: 'mostDays',
  })
}
