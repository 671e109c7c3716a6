/** The page of one workspace, with everything that it shows, for its routes. */

import { faultAnswer } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, PartFacts } from '../../domain/facts.ts'
import { decide, mayOnceFresh } from '../../domain/policy.ts'
import { atLeast } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { withQuery } from '../../web/address.ts'
import type { Choice } from '../../web/field.tsx'
import { freshForm } from '../../web/form-state.ts'
import { listGroups, machinesToOffer } from '../groups/service.ts'
import { type Content, countContents, listContents } from './content-queries.ts'
import type { WorkspaceDialogState } from './dialogs.tsx'
import { countOutside } from './impact-queries.ts'
import { workspacePath } from './paths.ts'
import { findWorkspaceRow } from './queries.ts'
import { countRoles, listGroupHolders, listHolders } from './roster-queries.ts'
import type { PageOf } from './roster-section.tsx'
import { type ContentLine, type WorkspaceForms, WorkspacePage } from './workspace-page.tsx'

/** After which row each of the three lists begins; empty for the first page. */
export interface Cursors {
  readonly repos: string
  readonly people: string
  readonly groups: string
}

export interface WorkspaceState {
  readonly after?: Cursors
  readonly forms?: Partial<WorkspaceForms>
  readonly dialog?: WorkspaceDialogState | null
  readonly fault?: HoldfastError
}

const pageSize = 50
const mostChoices = 200
const fromTheStart: Cursors = { repos: '', people: '', groups: '' }

export async function workspaceReply(
  hub: Hub,
  part: PartFacts,
  facts: Facts,
  request: HttpRequest,
  state: WorkspaceState,
): Promise<Reply> {
  const { id, organization } = part
  const after = state.after ?? fromTheStart
  const mayManage = decide('resource_group.add_users', facts).allow
  const page = (cursor: string) => ({ after: cursor, limit: pageSize + 1 })
  const [context, row, repos, holders, groups, roles, contents, choices, outside, offered] = await Promise.all([
    pageContext(hub, facts, request),
    findWorkspaceRow(hub.db, id),
    listContents(hub.db, id, page(after.repos)),
    listHolders(hub.db, id, { ...page(after.people), now: hub.clock.now() }),
    listGroupHolders(hub.db, id, { ...page(after.groups), now: hub.clock.now() }),
    countRoles(hub.db, [id], hub.clock.now()),
    countContents(hub.db, [id]),
    mayManage ? listGroups(hub.db, organization.id, { after: '', limit: mostChoices + 1 }) : [],
    mayManage ? countOutside(hub.db, organization.id, id) : null,
    mayManage ? machinesToOffer(hub, facts, organization.id) : [],
  ])
  if (row === null) throw new HoldfastError('workspace_not_found')
  const here = workspacePath(organization.name, id)
  const { people, machines, groups: groupCount } = roles(id)
  const { hidden, open } = contents(id)
  const named = new Set(groups.map((group) => group.id))
  const drawn = (
    <WorkspacePage
      context={context}
      organization={organization.name}
      workspace={row}
      repos={pageOf(repos.map(contentLine), here, 'afterRepo', after.repos)}
      holders={pageOf(holders, here, 'afterPerson', after.people)}
      groups={pageOf(groups, here, 'afterGroup', after.groups)}
      counts={{ repos: hidden + open, holders: people + machines, groups: groupCount }}
      offered={offered.map(({ name, fullname }) => ({ value: name, label: fullname ?? name }))}
      groupChoices={choices.length > mostChoices ? null : choicesOf(choices, named)}
      outside={outside}
      may={{
        manage: mayManage,
        remove: decide('resource_group.delete', facts).allow,
        moveRepos: facts.standing.organizationRole === 'admin',
        createRepos: mayCreateRepos(facts),
        signedModels: mayOnceFresh('resource_group.signed_models', facts),
      }}
      forms={{
        people: freshForm,
        groups: freshForm,
        repos: freshForm,
        autoJoin: freshForm,
        signed: freshForm,
        ...state.forms,
      }}
      dialog={state.dialog ?? null}
    />
  )
  return pageReply(context, drawn, state.fault === undefined ? {} : faultAnswer(state.fault))
}

/** WS-9: with the role contributor there. */
function mayCreateRepos({ standing }: Facts): boolean {
  return standing.organizationRole === 'admin' || atLeast(standing.workspaceRole, 'contributor')
}

function choicesOf(groups: readonly { id: string; name: string }[], without: ReadonlySet<string>): Choice[] {
  return groups.filter(({ id }) => !without.has(id)).map(({ id, name }) => ({ value: id, label: name }))
}

function contentLine(repo: Content): ContentLine {
  const [namespace = '', name = ''] = repo.fullName.split('/')
  const { id, kind, visibility, updatedAt } = repo
  return { id, kind, namespace, name, isPrivate: visibility !== 'public', updatedAt }
}

function pageOf<Line extends { readonly id: string }>(
  rows: readonly Line[],
  here: string,
  cursor: string,
  after: string,
): PageOf<Line> {
  const lines = rows.slice(0, pageSize)
  const next = rows.length > pageSize ? lines.at(-1)?.id : undefined
  return {
    lines,
    nextHref: next === undefined ? null : withQuery(here, { [cursor]: next }),
    firstHref: after === '' ? null : here,
  }
}
