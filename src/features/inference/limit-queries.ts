/** The SQL of limits: what administrators set, and the sums of a month that are held against it. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { InferenceLimitTable, InferenceMonthTable } from '../../platform/db/schema.ts'

export type LimitRow = InferenceLimitTable
export type MonthRow = InferenceMonthTable

/** What a call can fall under; '' for what it does not. */
export interface LimitSubjects {
  readonly organizationId: string
  readonly workspaceId: string
  readonly accountId: string
  /** `member` or `service-account`. */
  readonly accountDefault: string
}

const limitsOfCall = prepared<Record<keyof LimitSubjects, string>, LimitRow>((q, param) =>
  q
    .selectFrom('inferenceLimit')
    .selectAll()
    .where('organizationId', '=', param('organizationId'))
    .where('subject', 'in', [
      param('organizationId'),
      param('workspaceId'),
      param('accountId'),
      param('accountDefault'),
      sql.lit('workspace'),
      sql.lit('token'),
    ]),
)

export async function findLimitsOfCall(db: Db, subjects: LimitSubjects): Promise<LimitRow[]> {
  return await limitsOfCall.run(db.read, { ...subjects })
}

const monthOfCall = prepared<
  { billedId: string; month: number; workspaceId: string; accountId: string; tokenId: string },
  MonthRow
>((q, param) =>
  q
    .selectFrom('inferenceMonth')
    .selectAll()
    .where('billedId', '=', param('billedId'))
    .where('month', '=', param('month'))
    .where('subject', 'in', [param('billedId'), param('workspaceId'), param('accountId'), param('tokenId')]),
)

/** Sums of up to four subjects; '' for one that is not. */
export async function findMonthOfCall(
  db: Db,
  asked: { billedId: string; month: number; workspaceId: string; accountId: string; tokenId: string },
): Promise<MonthRow[]> {
  return await monthOfCall.run(db.read, asked)
}

/** Adds to the sums, and gives them as they are then, other processes' part in them. In one order, so that two writers never wait for each other. */
export async function addToMonths(tx: Tx, rows: readonly MonthRow[]): Promise<MonthRow[]> {
  if (rows.length === 0) return []
  return await tx
    .insertInto('inferenceMonth')
    .values([...rows])
    .onConflict((conflict) =>
      conflict.columns(['billedId', 'month', 'subject']).doUpdateSet((e) => ({
        calls: sql`${e.ref('inferenceMonth.calls')} + ${e.ref('excluded.calls')}`,
        tokens: sql`${e.ref('inferenceMonth.tokens')} + ${e.ref('excluded.tokens')}`,
      })),
    )
    .returningAll()
    .execute()
}

export async function deleteMonthsBefore(tx: Tx, month: number, limit: number): Promise<number> {
  const old = tx
    .selectFrom('inferenceMonth')
    .select(['billedId', 'month', 'subject'])
    .where('month', '<', month)
    .orderBy('month')
    .limit(limit)
  const done = await sql`delete from "inferenceMonth" where ("billedId", "month", "subject") in (${old})`.execute(tx)
  return Number(done.numAffectedRows ?? 0)
}

/** A limit with the name of whose it is; null where they are gone. */
export interface NamedLimit extends LimitRow {
  readonly name: string | null
  /** Of the month that was asked for. */
  readonly calls: number
  readonly tokens: number
}

/** All limits of an organization, with the use of a month. Its size is bounded by `mostLimits`. */
export async function selectLimits(on: Tx | Db['list'], organizationId: string, month: number): Promise<NamedLimit[]> {
  const { rows } = await sql<NamedLimit>`select "l".*,
      coalesce("w"."name", "s"."name", "n"."name") as "name",
      coalesce("m"."calls", 0) as "calls", coalesce("m"."tokens", 0) as "tokens"
    from "inferenceLimit" as "l"
    left join "workspace" as "w" on "w"."id" = "l"."subject" and "l"."kind" = 'workspace'
    left join "serviceAccount" as "s" on "s"."id" = "l"."subject" and "l"."kind" = 'service-account'
    left join "namespace" as "n" on "n"."id" = "l"."subject" and "l"."kind" = 'user'
    left join "inferenceMonth" as "m"
      on "m"."billedId" = "l"."organizationId" and "m"."month" = ${month} and "m"."subject" = "l"."subject"
    where "l"."organizationId" = ${organizationId} order by "l"."subject"`.execute(on)
  return rows.map((row) => ({ ...row, calls: Number(row.calls), tokens: Number(row.tokens) }))
}

/** Takes the place of what was there. */
export async function replaceLimits(tx: Tx, organizationId: string, rows: readonly LimitRow[]): Promise<void> {
  await tx.deleteFrom('inferenceLimit').where('organizationId', '=', organizationId).execute()
  for (let at = 0; at < rows.length; at += 500) {
    await tx
      .insertInto('inferenceLimit')
      .values(rows.slice(at, at + 500))
      .execute()
  }
}

const monthOfSubject = prepared<{ billedId: string; month: number; subject: string }, MonthRow>((q, param) =>
  q
    .selectFrom('inferenceMonth')
    .selectAll()
    .where('billedId', '=', param('billedId'))
    .where('month', '=', param('month'))
    .where('subject', '=', param('subject')),
)

export async function findMonth(db: Db, billedId: string, month: number, subject: string): Promise<MonthRow | null> {
  return await monthOfSubject.first(db.read, { billedId, month, subject })
}

/** Those of the organization, by id. */
export async function selectWorkspacesById(
  tx: Tx,
  organizationId: string,
  ids: readonly string[],
): Promise<{ id: string; name: string }[]> {
  if (ids.length === 0) return []
  return await tx
    .selectFrom('workspace')
    .select(['id', 'name'])
    .where('id', 'in', [...ids])
    .where('organizationId', '=', organizationId)
    .execute()
}

/** Members of the organization, by the keys of their names. */
export async function selectMembersByName(
  tx: Tx,
  organizationId: string,
  keys: readonly string[],
): Promise<{ id: string; key: string }[]> {
  if (keys.length === 0) return []
  return await tx
    .selectFrom('namespace')
    .innerJoin('roleGrant', (join) =>
      join.onRef('roleGrant.principalId', '=', 'namespace.id').on('roleGrant.targetId', '=', organizationId),
    )
    .select(['namespace.id', 'namespace.nameKey as key'])
    .where('namespace.nameKey', 'in', [...keys])
    .where('roleGrant.principalKind', '=', 'user')
    .execute()
}

/** Service accounts of the organization, by the keys of the names that people gave them. */
export async function selectServiceAccountsByName(
  tx: Tx,
  organizationId: string,
  keys: readonly string[],
): Promise<{ id: string; key: string }[]> {
  if (keys.length === 0) return []
  return await tx
    .selectFrom('serviceAccount')
    .select(['id', 'nameKey as key'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', 'in', [...keys])
    .execute()
}

const workspaceByName = prepared<{ organizationId: string; key: string }, { id: string }>((q, param) =>
  q
    .selectFrom('workspace')
    .select('id')
    .where('organizationId', '=', param('organizationId'))
    .where('nameKey', '=', param('key')),
)

export async function findWorkspaceId(db: Db, organizationId: string, key: string): Promise<string | null> {
  return (await workspaceByName.first(db.read, { organizationId, key }))?.id ?? null
}

const ownerOfWorkspace = prepared<{ id: string }, { id: string; name: string }>((q, param) =>
  q
    .selectFrom('workspace')
    .innerJoin('namespace', 'namespace.id', 'workspace.organizationId')
    .select(['namespace.id', 'namespace.name'])
    .where('workspace.id', '=', param('id')),
)

/** The organization of a workspace, whoever may see it. */
export async function findOwnerOfWorkspace(db: Db, id: string): Promise<{ id: string; name: string } | null> {
  return await ownerOfWorkspace.first(db.read, { id })
}
