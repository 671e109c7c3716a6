/** The SQL of emergency administration: whether an organization takes it, and who holds it now. */
import type { Db, Tx } from '../../platform/db/database.ts'

export interface Emergency {
  readonly userId: string
  readonly name: string
  readonly since: number
  readonly until: number
  readonly reason: string
}

export interface BreakGlassPolicy {
  readonly isTaken: boolean
  readonly asksForSecondFactor: boolean
}

export async function selectPolicy(on: Tx | Db['read'], organizationId: string): Promise<BreakGlassPolicy | null> {
  const row = await on
    .selectFrom('organization')
    .select(['breakGlass', 'secondFactorRequired'])
    .where('id', '=', organizationId)
    .executeTakeFirst()
  return row === undefined
    ? null
    : { isTaken: row.breakGlass === 1, asksForSecondFactor: row.secondFactorRequired === 1 }
}

export async function updatePolicy(tx: Tx, organizationId: string, isTaken: boolean): Promise<void> {
  await tx
    .updateTable('organization')
    .set({ breakGlass: isTaken ? 1 : 0 })
    .where('id', '=', organizationId)
    .execute()
}

/** Those that end first come first; at most a hundred. */
export async function listEmergencies(on: Tx | Db['read'], organizationId: string, now: number): Promise<Emergency[]> {
  const rows = await on
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.principalId')
    .select(['roleGrant.principalId as userId', 'namespace.name', 'roleGrant.temporarySince as since'])
    .select(['roleGrant.temporaryUntil as until', 'roleGrant.temporaryReason as reason'])
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.temporaryUntil', '>', now)
    .where('roleGrant.temporaryKind', '=', 'break_glass')
    .orderBy('roleGrant.temporaryUntil')
    .limit(100)
    .execute()
  return rows.map(({ since, until, reason, ...row }) => ({
    ...row,
    since: since ?? 0,
    until: until ?? 0,
    reason: reason ?? '',
  }))
}
