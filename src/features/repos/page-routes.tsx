/** The pages that make and change repos: new, and a repo's settings. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import type { Target } from '../../access/load-facts.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Facts, type RepoKind, repoKinds } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import { decide } from '../../domain/policy.ts'
import { atLeast, isRole } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { newRepoPath, type RepoAddress, repoPath } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import type { PageViewer } from '../../web/page-context.ts'
import { spaceSdks } from './check-card.ts'
import { createRepo } from './create-repo.ts'
import { deleteRepo } from './delete-repo.ts'
import { updateGate } from './gate-settings.ts'
import { loadMove, loadWorkspaces, workspacesToCreateIn } from './load-place.ts'
import { moveRepo } from './move-repo.ts'
import { NewRepoPage, type RepoGate, type RepoSettingsDialog, RepoSettingsPage } from './pages.tsx'
import { placeRepo } from './place-repo.ts'
import { findRepoById, isPrivateByDefaultIn } from './queries.ts'
import { updateRepoSettings } from './repo-settings.ts'
import { repoViewOf } from './repo-view.ts'

const field = z.string().max(1000).default('')
const visibility = z.enum(['public', 'private'])

const repoTarget = ({ params }: Pick<Asked<unknown>, 'params'>): Target => ({
  on: 'repo',
  kind: params.kind,
  namespace: params.get('namespace'),
  name: params.get('name'),
})

const newRepoRoutes = (kind: RepoKind): Route[] => [
  route({
    method: 'GET',
    path: newRepoPath[kind],
    surface: 'page',
    action: 'account.settings.read',
    target: { on: 'self' },
    query: z.object({ owner: field, name: field, workspace: field }),
    handle: ({ hub, facts, query, request }) =>
      newRepoReply(hub, facts, request, kind, { values: { ...query }, errors: {} }),
  }),
  route({
    method: 'POST',
    path: newRepoPath[kind],
    surface: 'page',
    action: 'repo.create',
    decidesByBody: true,
    body: z.object({
      owner: field,
      name: field,
      workspace: field,
      visibility: visibility.optional(),
      sdk: z.enum(spaceSdks).optional(),
    }),
    target: ({ body, callerName }) => ({
      on: 'namespace',
      name: body.owner || callerName,
      workspaceId: body.workspace || undefined,
    }),
    onRefused: async (refusal, facts, { body, request }, hub) => {
      if (refusal.code !== 'workspace_not_found') return null
      const fault = new HoldfastError('invalid_input', {
        reason: 'The owner has no such workspace. Choose one of the owner, or none.',
        field: 'workspace',
      })
      return await newRepoReply(hub, facts, request, kind, formWithFault(body, fault), fault)
    },
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const made = await createRepo(hub, allowed, request.origin, {
            kind,
            name: body.name.trim(),
            visibility: body.visibility,
            sdk: kind === 'space' ? (body.sdk ?? 'gradio') : undefined,
            files: [],
          })
          return redirectWithNotice(pathOf(kind, made.fullName), 'success', `${made.fullName} is created.`)
        },
        (fault) => {
          const form = formWithFault(body, fault, { invalid_name: 'name', repo_exists: 'name' })
          return newRepoReply(hub, facts, request, kind, form, fault)
        },
      ),
  }),
]

export const repoPageRoutes: Route[] = [
  ...repoKinds.flatMap(newRepoRoutes),
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/settings',
    surface: 'page',
    action: 'repo.update_settings',
    target: repoTarget,
    query: z.object({ dialog: z.string().max(30).optional(), workspace: z.string().max(100).default('') }),
    handle: async ({ hub, facts, query, request }) => {
      const move = query.dialog === 'place' ? await loadMove(hub, facts, query.workspace || null) : null
      if (move !== null) return await settingsReply(hub, facts, request, { dialog: { kind: 'place', ...move } })
      return await settingsReply(hub, facts, request, {
        dialog: query.dialog === 'delete' ? { kind: 'delete', form: freshForm } : null,
      })
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/workspace',
    surface: 'page',
    action: 'repo.update_resource_group',
    target: repoTarget,
    body: z.object({ workspace: z.string().max(100).default(''), from: z.string().max(100).default(''), back: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          // What the dialog said was true of where it lay then (WS-1).
          const placement = { workspaceId: body.workspace || null, from: body.from || null }
          await placeRepo(hub, allowed, request.origin, placement)
          const { owner, name, kind } = allowed.resource
          const here = repoPath({ kind, namespace: owner.name, name }, '/settings')
          const notice = `${owner.name}/${name} ${body.workspace === '' ? 'lies in no workspace' : 'lies in the workspace'} now.`
          return redirectWithNotice(body.back === '' ? here : safeReturn(body.back), 'success', notice)
        },
        (fault) => settingsReply(hub, facts, request, { workspaceForm: formWithFault({}, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/visibility',
    surface: 'page',
    action: 'repo.update_settings',
    target: repoTarget,
    body: z.object({ visibility }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await updateRepoSettings(hub, allowed, request.origin, body)
          const { owner, name, kind } = allowed.resource
          return redirectWithNotice(
            repoPath({ kind, namespace: owner.name, name }, '/settings'),
            'success',
            body.visibility === 'public' ? 'Everyone can read it now.' : 'It is private now.',
          )
        },
        (fault) => settingsReply(hub, facts, request, { visibilityForm: formWithFault(body, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/gate',
    surface: 'page',
    action: 'repo.update_gate',
    target: repoTarget,
    body: z.object({
      gated: z.enum(['off', 'auto', 'manual']),
      members: z.literal('yes').optional(),
      email: z.string().trim().max(254).default(''),
      mode: z.enum(['bulk', 'real-time']).default('real-time'),
    }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { owner, name, kind } = allowed.resource
          if (body.email !== '' && !z.email().safeParse(body.email).success) {
            throw new HoldfastError('invalid_input', { reason: 'This is no e-mail address.', field: 'email' })
          }
          await updateGate(hub, allowed, request.origin, {
            gated: body.gated === 'off' ? false : body.gated,
            ...(owner.kind === 'organization' ? { orgMembersGated: body.members === 'yes' } : {}),
            gatedNotificationsEmail: body.email === '' ? null : body.email,
            gatedNotificationsMode: body.mode,
          })
          const notice = body.gated === 'off' ? 'Nobody has to ask for its files now.' : 'It is gated now.'
          return redirectWithNotice(repoPath({ kind, namespace: owner.name, name }, '/settings'), 'success', notice)
        },
        (fault) => settingsReply(hub, facts, request, { gateForm: formWithFault(body, fault), fault }),
      ),
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/move',
    surface: 'page',
    action: ({ body, params }) => (isElsewhere(body.owner, params.get('namespace')) ? 'repo.transfer' : 'repo.move'),
    decidesByBody: true,
    body: z.object({ owner: field, name: field }),
    target: repoTarget,
    handle: ({ hub, allowed, facts, body, params, request, authorizeAlso }) =>
      orShow(
        async () => {
          const into = isElsewhere(body.owner, params.get('namespace'))
            ? { into: await authorizeAlso('repo.create', { on: 'namespace', name: body.owner }) }
            : {}
          const fullName = await moveRepo(hub, allowed, request.origin, { name: body.name.trim(), ...into })
          const { kind } = allowed.resource
          return redirectWithNotice(`${pathOf(kind, fullName)}/settings`, 'success', `It is ${fullName} now.`)
        },
        (fault) => {
          const form = formWithFault(body, fault, { invalid_name: 'name', move_target_exists: 'name' })
          return settingsReply(hub, facts, request, { moveForm: form, fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/settings/delete',
    surface: 'page',
    action: 'repo.delete',
    target: repoTarget,
    body: z.object({ confirm: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { owner, name } = allowed.resource
          const word = `${owner.name}/${name}`
          if (body.confirm.trim() !== word) {
            throw new HoldfastError('invalid_input', { reason: `Type ${word} to delete it.`, field: 'confirm' })
          }
          await deleteRepo(hub, allowed, request.origin)
          return redirectWithNotice(`/${encodeURIComponent(owner.name)}`, 'success', `${word} is deleted.`)
        },
        (fault) =>
          settingsReply(hub, facts, request, { dialog: { kind: 'delete', form: formWithFault({}, fault) }, fault }),
      ),
  }),
]

function isElsewhere(owner: string, namespace: string): boolean {
  return owner !== '' && owner.toLowerCase() !== namespace.toLowerCase()
}

function pathOf(kind: RepoKind, fullName: string): string {
  const [namespace = '', name = ''] = fullName.split('/')
  return repoPath({ kind, namespace, name } satisfies RepoAddress)
}

async function newRepoReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  kind: RepoKind,
  form: FormState,
  fault?: HoldfastError,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const workspaces = await workspacesToCreateIn(hub, facts)
  const owners = [...new Set([...ownersFor(context.viewer), ...workspaces.map(({ organization }) => organization)])]
  const usual = await usualVisibility(hub, form.values.owner ? [form.values.owner] : owners)
  const page = (
    <NewRepoPage context={context} kind={kind} form={form} owners={owners} visibility={usual} workspaces={workspaces} />
  )
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}

/** The owner may still be chosen on the page, which works without scripts: the most careful of those that are offered. */
async function usualVisibility(hub: Hub, owners: readonly string[]): Promise<'public' | 'private'> {
  return (await isPrivateByDefaultIn(hub.db, owners.map(nameKey))) ? 'private' : 'public'
}

/** Null for those who may not change them. */
async function loadGateSettings(hub: Hub, facts: Facts): Promise<RepoGate | null> {
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (repo === null || !decide('repo.update_gate', facts).allow) return null
  const row = await findRepoById(hub.db, repo.id)
  return {
    gated: repo.gated === false ? 'off' : repo.gated,
    orgMembersGated: repo.orgMembersGated,
    email: row?.gatedNotificationsEmail ?? '',
    mode: row?.gatedNotificationsMode ?? 'real-time',
    mayReadRequests: decide('repo.access.read', facts).allow,
  }
}

/** Where one may create repos, one's own namespace first. */
function ownersFor(viewer: PageViewer): string[] {
  if (viewer === null) return []
  const organizations = viewer.organizations.filter(({ role }) => isRole(role) && atLeast(role, 'contributor'))
  return [viewer.name, ...organizations.map(({ name }) => name)]
}

async function settingsReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  state: {
    visibilityForm?: FormState
    gateForm?: FormState
    moveForm?: FormState
    workspaceForm?: FormState
    dialog?: RepoSettingsDialog | null
    fault?: HoldfastError
  },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const repo = repoViewOf(facts)
  const owners = decide('repo.transfer', facts).allow ? ownersFor(context.viewer) : []
  const page = (
    <RepoSettingsPage
      context={context}
      repo={repo}
      visibilityForm={state.visibilityForm ?? freshForm}
      gate={await loadGateSettings(hub, facts)}
      gateForm={state.gateForm ?? freshForm}
      moveForm={state.moveForm ?? freshForm}
      owners={[repo.namespace, ...owners.filter((owner) => owner !== repo.namespace)]}
      mayReadDownloads={decide('repo.download.read', facts).allow}
      mayReadServers={repo.kind === 'model' && decide('repo.inference.read', facts).allow}
      mayMove={decide('repo.move', facts).allow}
      mayDelete={decide('repo.delete', facts).allow}
      workspace={await loadWorkspaces(hub, facts)}
      workspaceForm={state.workspaceForm ?? freshForm}
      dialog={state.dialog ?? null}
    />
  )
  return pageReply(context, page, state.fault === undefined ? {} : faultAnswer(state.fault))
}
