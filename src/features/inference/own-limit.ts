/** The limits of one workspace, member or service account, changed among all the others. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { LimitAmounts } from '../../domain/inference-limits.ts'
import { nameKey } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { findWorkspaceId } from './limit-queries.ts'
import { type Limits, type NewLimits, type OwnLimit, setLimits } from './limits.ts'

export const ownKinds = ['user', 'service-account', 'workspace'] as const satisfies readonly OwnLimit['kind'][]

export interface Whose {
  readonly kind: OwnLimit['kind']
  readonly name: string
}

/**
 * `amounts`: null takes them away, so that what is set for all of the kind holds. `limits`: as they were seen. Throws `invalid_input` with the field
 * `name`, and `inference_limits_changed`.
 */
export async function setOwnLimit(
  hub: Hub,
  allowed: Allowed<'org.inference_limits.update'>,
  origin: Origin,
  limits: Limits,
  whose: Whose,
  amounts: LimitAmounts | null,
): Promise<void> {
  const others = limits.own.filter(
    ({ kind, name }) => kind !== whose.kind || nameKey(name) !== nameKey(whose.name.trim()),
  )
  const asked = askedAs(limits, others)
  if (amounts === null) {
    await setLimits(hub, allowed, origin, asked, limits.version)
    return
  }
  const changed = await withOne(hub, allowed.resource.id, asked, whose, amounts)
  try {
    await setLimits(hub, allowed, origin, changed, limits.version)
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'invalid_input') throw error
    throw new HoldfastError('invalid_input', { ...error.params, field: 'name' })
  }
}

async function withOne(
  hub: Hub,
  organizationId: string,
  asked: NewLimits,
  { kind, name }: Whose,
  amounts: LimitAmounts,
): Promise<NewLimits> {
  if (kind === 'user') return { ...asked, members: [...asked.members, { name, amounts }] }
  if (kind === 'service-account') return { ...asked, serviceAccounts: [...asked.serviceAccounts, { name, amounts }] }
  const id = await findWorkspaceId(hub.db, organizationId, nameKey(name.trim()))
  if (id === null) {
    const reason = `"${name.slice(0, 100)}" is no workspace of this organization.`
    throw new HoldfastError('invalid_input', { reason, field: 'name' })
  }
  return { ...asked, workspaces: [...asked.workspaces, { id, amounts }] }
}

/** What would set these again. */
function askedAs({ organization, defaults }: Limits, own: readonly OwnLimit[]): NewLimits {
  const ofKind = (kind: OwnLimit['kind']) => own.filter((one) => one.kind === kind)
  return {
    organization,
    defaults,
    workspaces: ofKind('workspace').map(({ id, amounts }) => ({ id, amounts })),
    members: ofKind('user').map(({ name, amounts }) => ({ name, amounts })),
    serviceAccounts: ofKind('service-account').map(({ name, amounts }) => ({ name, amounts })),
  }
}

/** The same with other limits for the whole, and for those who are not named. */
export function withShared(limits: Limits, shared: Pick<NewLimits, 'organization' | 'defaults'>): NewLimits {
  return { ...askedAs(limits, limits.own), ...shared }
}
