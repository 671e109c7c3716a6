/**
 * Emergency administration ("break-glass"): an administrator of the hub, who has no role in anybody's organization, becomes one of an
 * organization's for an hour at most, with a reason and loudly: an event, a mail to every administrator, a notice on every page that its members
 * see. It is a temporary role like any other (features/temporary-roles): no last administrator, not extended by who holds it, over at its end.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { findNamespace, firstAdmins } from '../organizations/service.ts'
import { checkReason, findGrant, raiseData, raiseRole } from '../temporary-roles/service.ts'
import { type Emergency, listEmergencies, selectPolicy, updatePolicy } from './queries.ts'

export type { Emergency } from './queries.ts'

/** The longest, and what is given where nothing is said. */
export const longestSeconds = 3600
/** Administrators who are written to. */
const mostTold = 1000

export interface Broken {
  readonly organization: string
  readonly until: number
  readonly reason: string
}

/**
 * Throws `organization_not_found`, `break_glass_off`, `break_glass_running`, `second_factor_required`, `invalid_input`, and
 * `temporary_role_weaker` for who administers the organization anyway.
 */
export async function breakGlass(
  hub: Hub,
  allowed: Allowed<'org.break_glass'>,
  origin: Origin,
  input: { readonly organization: string; readonly reason: string; readonly seconds?: number | undefined },
): Promise<Broken> {
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('Only a person takes over an organization.')
  const reason = checkReason(input.reason)
  const seconds = input.seconds ?? longestSeconds
  if (!Number.isInteger(seconds) || seconds < 60 || seconds > longestSeconds) {
    const words = `Emergency administration lasts 60 to ${longestSeconds} seconds.`
    throw new HoldfastError('invalid_input', { reason: words, field: 'seconds' })
  }
  const organization = await findNamespace(hub.db, input.organization)
  if (organization?.kind !== 'organization') throw new HoldfastError('organization_not_found')
  const now = hub.clock.now()
  const until = now + seconds * 1000
  return await hub.transaction(async (tx) => {
    const policy = await selectPolicy(tx, organization.id)
    if (policy === null) throw new HoldfastError('organization_not_found')
    if (!policy.isTaken) throw new HoldfastError('break_glass_off', { organization: organization.name })
    if (policy.asksForSecondFactor && !principal.hasSecondFactor) throw new HoldfastError('second_factor_required')
    const before = await findGrant(tx, organization.id, principal.id)
    if (before?.temporaryKind === 'break_glass' && (before.temporaryUntil ?? 0) > now) {
      throw new HoldfastError('break_glass_running', { organization: organization.name })
    }
    const term = { until, reason }
    const raised = await raiseRole(hub, tx, allowed, {
      targetId: organization.id,
      targetKind: 'organization',
      principalId: principal.id,
      principalKind: 'user',
      role: 'admin',
      kind: 'break_glass',
      ...term,
    })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id: organization.id, name: organization.name },
      ownerId: organization.id,
      data: { user: principal.name, ...raiseData(term, raised) },
    })
    const told = { kind: 'break-glass', organization: organization.name, who: principal.name, until, reason } as const
    for (const userId of await firstAdmins(tx, organization.id, mostTold)) {
      await enqueueMail(hub, tx, { ...told, userId })
    }
    return { organization: organization.name, until, reason }
  })
}

export interface BreakGlassState {
  /** Whether the organization takes it. */
  readonly enabled: boolean
  readonly running: readonly Emergency[]
}

export async function getState(
  hub: Hub,
  allowed: Allowed<'org.settings.read' | 'org.break_glass_policy.update'>,
): Promise<BreakGlassState> {
  const { id } = allowed.resource
  const [policy, running] = await Promise.all([
    selectPolicy(hub.db.read, id),
    listEmergencies(hub.db.read, id, hub.clock.now()),
  ])
  return { enabled: policy?.isTaken ?? false, running }
}

/** What is running goes on: it is ended by itself (`endTemporaryRole` of the members). */
export async function setBreakGlass(
  hub: Hub,
  allowed: Allowed<'org.break_glass_policy.update'>,
  origin: Origin,
  isTaken: boolean,
): Promise<void> {
  const { id, name } = allowed.resource
  await hub.transaction(async (tx) => {
    await updatePolicy(tx, id, isTaken)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id, name },
      ownerId: id,
      data: { enabled: isTaken },
    })
  })
}
