/**
 * Roles for a while, for the features that give roles. A temporary role only raises: it lies over the lasting one, which counts again from the
 * moment of its end (`access/role-at.ts`), whether or not the job that tidies up has run. So a temporary administrator is never an
 * organization's last one.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import { atLeast, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { RoleGrantTable } from '../../platform/db/schema.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { findGrant, hasTemporary, lockGrant, putTemporary } from './queries.ts'
import type { Term } from './temporary.ts'

export { readTermForm, termFormShape } from './form.ts'
export { clearTemporary, deleteGrant, findGrant, type GrantRow, lockGrant, nothingTemporary } from './queries.ts'
export {
  checkReason,
  lastingShape,
  presentTemporary,
  readTerm,
  reasonLimit,
  type Temporary,
  type TemporaryRow,
  type Term,
  temporaryOf,
  termShape,
} from './temporary.ts'

/** The queue of the job that tidies up after a temporary role. */
export const endingQueue = 'temporary-role-end'

export interface Raise extends Term {
  readonly targetId: string
  readonly targetKind: RoleGrantTable['targetKind']
  readonly principalId: string
  readonly principalKind: RoleGrantTable['principalKind']
  readonly role: Role
  readonly kind: 'given' | 'break_glass'
}

export interface Raised {
  /** What counted until now; null for nothing. */
  readonly from: Role | null
  /** What is left at its end; null for nothing. */
  readonly roleAfter: Role | null
  /** Whether a temporary role was running already: this one takes its place. */
  readonly isExtension: boolean
}

/**
 * Gives the role until its end, instead of a temporary one that is running. The caller has checked who it is for and writes the event. Throws
 * `temporary_role_weaker` for a role that is not above the lasting one.
 */
export async function raiseRole(hub: Hub, tx: Tx, allowed: Allowed<Action>, raise: Raise): Promise<Raised> {
  const { targetId, targetKind, principalId, principalKind, role, until, reason, kind } = raise
  const now = hub.clock.now()
  const row = await lockGrant(tx, hub.db.dialect, targetId, principalId)
  const lasting = row === null || row.endsWhole === 1 ? null : row.role
  if (role === 'no_access' || atLeast(lasting, role)) {
    throw new HoldfastError('temporary_role_weaker', { role, lasting: lasting ?? 'none' })
  }
  const isRunning = row?.temporaryUntil != null && row.temporaryUntil > now
  const by = accountOf(allowed.principal)?.id ?? null
  await putTemporary(tx, {
    targetId,
    targetKind,
    principalId,
    principalKind,
    role: lasting ?? 'no_access',
    createdAt: now,
    createdBy: by,
    temporaryRole: role,
    temporaryUntil: until,
    temporarySince: now,
    temporaryKind: kind,
    temporaryReason: reason,
    temporaryBy: by,
    endsWhole: lasting === null ? 1 : 0,
  })
  await enqueue(tx, endingQueue, { targetId, principalId }, { runAt: until })
  return { from: isRunning ? row.temporaryRole : lasting, roleAfter: lasting, isExtension: isRunning }
}

/** For the event of a raise. */
export function raiseData({ until, reason }: Term, { roleAfter }: Raised) {
  return { until: new Date(until).toISOString(), after: roleAfter ?? 'none', reason }
}

/**
 * Whoever holds a role for a while only gives none to themselves, or it would be for longer. `targetIds`: where they act, and what that is in.
 * Throws `own_temporary_role`.
 */
export async function refuseOwnTemporary(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  principalId: string,
  targetIds: readonly string[],
): Promise<void> {
  if (accountOf(allowed.principal)?.id !== principalId) return
  if (await hasTemporary(tx, principalId, targetIds, hub.clock.now())) throw new HoldfastError('own_temporary_role')
}

/** The row, if a temporary role is running on it. Throws `no_temporary_role`. */
export async function runningGrant(hub: Hub, tx: Tx, targetId: string, principalId: string) {
  const row = await findGrant(tx, targetId, principalId)
  if (row?.temporaryUntil == null || row.temporaryUntil <= hub.clock.now() || row.temporaryRole === null) {
    throw new HoldfastError('no_temporary_role')
  }
  return { ...row, temporaryRole: row.temporaryRole }
}
