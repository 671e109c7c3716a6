/** INF-4: to whom a call is billed. A service account's calls are its organization's; a person's are the person's, unless an organization is named. */
import type { Call as RouteCall } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'

export interface Billed {
  readonly id: string
  readonly name: string
}

/** Throws `forbidden` for who is not of the organization, in the same words where there is no such one; and as any decision about it. */
export async function billedTo({
  request,
  facts,
  authorizeAlso,
}: Pick<RouteCall<'repo.infer', unknown, unknown>, 'request' | 'facts' | 'authorizeAlso'>): Promise<Billed> {
  const account = accountOf(facts.principal)
  if (account === null) throw new HoldfastError('unauthenticated', {}, { denied: { code: 'unauthenticated' } })
  const own = account.kind === 'service-account' ? account.organization : { id: account.id, name: account.name }
  const named = request.header('x-hf-bill-to')?.trim() ?? ''
  if (named === '' || named === own.id || nameKey(named) === nameKey(own.name)) return own
  if (account.kind !== 'user') throw notOfIt(named)
  try {
    const { resource } = await authorizeAlso('org.bill_inference', { on: 'organization', name: named })
    return { id: resource.id, name: resource.name }
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'organization_not_found') throw notOfIt(named)
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
    { denied, entity: `organization:${resource}` },
  )
}
