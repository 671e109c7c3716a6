/**
 * INF-4: to whom a call is billed. A service account's calls are its organization's; a person's are the person's, unless an organization is named. In
 * place of an organization one of its workspaces may be: it is the organization that pays then, and the workspace that it is for.
 */
import type { Call as RouteCall } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { isId } from '../../domain/ids.ts'
import { nameKey } from '../../domain/names.ts'
import { findOwnerOfWorkspace } from './limit-queries.ts'

export interface Billed {
  readonly id: string
  readonly name: string
  readonly workspace: { readonly id: string; readonly name: string } | null
}

type Asking = Pick<RouteCall<'repo.infer', unknown, unknown>, 'hub' | 'request' | 'facts' | 'authorizeAlso'>

/** Throws `forbidden` for who is not of the organization or workspace, in the same words where there is no such one; and as any decision about it. */
export async function billedTo({ hub, request, facts, authorizeAlso }: Asking): Promise<Billed> {
  const account = accountOf(facts.principal)
  if (account === null) throw new HoldfastError('unauthenticated', {}, { denied: { code: 'unauthenticated' } })
  const { id, name } = account.kind === 'service-account' ? account.organization : account
  const own = { id, name, workspace: null }
  const named = request.header('x-hf-bill-to')?.trim() ?? ''
  if (named === '' || named === own.id || nameKey(named) === nameKey(own.name)) return own
  const isOfPerson = account.kind === 'user'
  try {
    // No name looks like an id.
    if (!isId(named)) {
      if (!isOfPerson) throw notOfIt(named)
      const { resource } = await authorizeAlso('org.bill_inference', { on: 'organization', name: named })
      return { id: resource.id, name: resource.name, workspace: null }
    }
    const organization = await findOwnerOfWorkspace(hub.db, named)
    if (organization === null || (!isOfPerson && organization.id !== own.id)) throw notOfIt(named)
    const target = { on: 'workspace', organization: organization.name, id: named } as const
    const { resource } = await authorizeAlso('resource_group.bill_inference', target)
    const { organization: payer } = resource
    return { id: payer.id, name: payer.name, workspace: { id: resource.id, name: resource.name } }
  } catch (error) {
    const isHidden =
      error instanceof HoldfastError &&
      (error.code === 'organization_not_found' || error.code === 'workspace_not_found')
    if (isHidden) throw notOfIt(named)
    throw error
  }
}

/** As the policy says it of a role that is missing. */
function notOfIt(name: string): HoldfastError {
  const resource = name.slice(0, 100)
  const denied = { code: 'role', need: 'read', have: 'none' } as const
  return new HoldfastError(
    'forbidden',
    { need: 'read', have: 'none', resource },
    { denied, entity: `${isId(name) ? 'workspace' : 'organization'}:${resource}` },
  )
}
