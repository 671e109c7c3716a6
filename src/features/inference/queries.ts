/** The SQL of inference: which servers answer for a model, and what was called. */
import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type {
  InferenceBackendTable,
  InferenceModelTable,
  InferenceUsageTable,
  RepoTable,
} from '../../platform/db/schema.ts'

export type Backend = InferenceBackendTable
type OfRepo = Pick<
  Selectable<RepoTable>,
  'pipelineTag' | 'headCommit' | 'visibility' | 'gated' | 'deletedAt' | 'disabledAt'
>
type ServedRow = { [K in keyof Backend]: Backend[K] | null } & OfRepo &
  Pick<InferenceModelTable, 'revision' | 'commit' | 'embedded' | 'updatedAt'>

/** A model with what answers for it: servers, or the hub itself. */
export interface Served extends Pick<InferenceModelTable, 'revision' | 'commit' | 'updatedAt'>, OfRepo {
  readonly backends: readonly Backend[]
  /** The hub runs it. */
  readonly isEmbedded: boolean
}

const servedById = prepared<{ repoId: string }, ServedRow>((q, param) =>
  q
    .selectFrom('inferenceModel as m')
    .leftJoin('inferenceBackend as b', 'b.repoId', 'm.repoId')
    .innerJoin('repo as r', 'r.id', 'm.repoId')
    .selectAll('b')
    .select(['m.revision', 'm.commit', 'm.embedded', 'm.updatedAt'])
    .select(['r.pipelineTag', 'r.headCommit', 'r.visibility', 'r.gated', 'r.deletedAt', 'r.disabledAt'])
    .where('m.repoId', '=', param('repoId'))
    .orderBy('b.position'),
)

/** Null where nobody answers for it. */
export async function findServed(on: Tx | Db['read'], repoId: string): Promise<Served | null> {
  const rows = await servedById.run(on, { repoId })
  const [first] = rows
  if (first === undefined) return null
  const { revision, commit, embedded, updatedAt } = first
  const { pipelineTag, headCommit, visibility, gated, deletedAt, disabledAt } = first
  const ofRepo = { pipelineTag, headCommit, visibility, gated, deletedAt, disabledAt }
  return { revision, commit, updatedAt, ...ofRepo, isEmbedded: embedded === 1, backends: rows.flatMap(backendIn) }
}

/** None where the hub itself answers. */
function backendIn({ id, repoId, position, url, kind, model, secret, weight, createdAt }: ServedRow): Backend[] {
  if (id === null || repoId === null || position === null || url === null) return []
  if (kind === null || weight === null || createdAt === null) return []
  return [{ id, repoId, position, url, kind, model, secret, weight, createdAt }]
}

/** Takes the place of what was there. */
export async function replaceServed(tx: Tx, model: InferenceModelTable, backends: readonly Backend[]): Promise<void> {
  await deleteServed(tx, model.repoId)
  await tx.insertInto('inferenceModel').values(model).execute()
  if (backends.length === 0) return
  await tx
    .insertInto('inferenceBackend')
    .values([...backends])
    .execute()
}

/** Whether there was any. */
export async function deleteServed(tx: Tx, repoId: string): Promise<boolean> {
  await tx.deleteFrom('inferenceBackend').where('repoId', '=', repoId).execute()
  const done = await tx.deleteFrom('inferenceModel').where('repoId', '=', repoId).executeTakeFirst()
  return Number(done.numDeletedRows) > 0
}

export interface ListedModel {
  readonly id: string
  readonly owner: string
  readonly name: string
  readonly servedAt: number
}

/** Of these repos, by id. */
export async function selectListed(db: Db, ids: readonly string[]): Promise<ListedModel[]> {
  if (ids.length === 0) return []
  return await db.list
    .selectFrom('repo')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .innerJoin('inferenceModel', 'inferenceModel.repoId', 'repo.id')
    .select(['repo.id', 'namespace.name as owner', 'repo.name', 'inferenceModel.updatedAt as servedAt'])
    .where('repo.id', 'in', [...ids])
    .execute()
}

export async function insertUsage(tx: Tx, rows: readonly InferenceUsageTable[]): Promise<void> {
  await tx
    .insertInto('inferenceUsage')
    .values([...rows])
    .execute()
}

/** How many were removed; at most `limit`. */
export async function deleteUsageBefore(tx: Tx, id: string, limit: number): Promise<number> {
  const done = await tx
    .deleteFrom('inferenceUsage')
    .where('id', 'in', (q) =>
      q.selectFrom('inferenceUsage').select('id').where('id', '<', id).orderBy('id').limit(limit),
    )
    .executeTakeFirst()
  return Number(done.numDeletedRows)
}

/** The last ones since an id, at most `limit`; and how many of these failed. */
export async function countRecentCalls(
  db: Db,
  since: string,
  limit: number,
): Promise<{ readonly calls: number; readonly failed: number }> {
  const { rows } = await sql<{ calls: number; failed: number | null }>`select count(*) as "calls",
      sum(case when "status" >= 400 then 1 else 0 end) as "failed"
    from (select "status" from "inferenceUsage" where "id" >= ${since} order by "id" desc limit ${limit}) as "recent"`.execute(
    db.list,
  )
  return { calls: Number(rows[0]?.calls ?? 0), failed: Number(rows[0]?.failed ?? 0) }
}

/** Of models that are not deleted, at most `limit` of both; `embedded`: which of these the hub runs itself. */
export async function countServedModels(
  db: Db,
  limit: number,
): Promise<{ readonly models: number; readonly embedded: number }> {
  const some = db.list
    .selectFrom('inferenceModel as m')
    .innerJoin('repo as r', 'r.id', 'm.repoId')
    .select('m.embedded')
    .where('r.deletedAt', 'is', null)
    .orderBy('m.repoId')
    .limit(limit)
    .as('some')
  const { models, embedded } = await db.list
    .selectFrom(some)
    .select((eb) => [eb.fn.countAll<number>().as('models'), eb.fn.sum<number | null>('embedded').as('embedded')])
    .executeTakeFirstOrThrow()
  return { models: Number(models), embedded: Number(embedded ?? 0) }
}

export const usageGroups = ['model', 'principal', 'token', 'day', 'backend', 'status', 'billed', 'workspace'] as const
export type UsageGroup = (typeof usageGroups)[number]

/** Of many calls. */
export interface UsageSum {
  readonly key: string
  /** For people, where the key is an id. */
  readonly label: string
  readonly calls: number
  readonly failed: number
  readonly tokensIn: number
  readonly tokensOut: number
  /** Calls of which the server did not say how many tokens they took. */
  readonly uncounted: number
  /** Of all calls together, in milliseconds. */
  readonly tookMs: number
}

const dayMs = 86_400_000
const keyOf: Readonly<Record<UsageGroup, { readonly key: RawBuilder<string>; readonly label: RawBuilder<string> }>> = {
  model: { key: sql`"repoId"`, label: sql`max("repoName")` },
  principal: { key: sql`"actorId"`, label: sql`max("actorName")` },
  token: { key: sql`coalesce("tokenId", 'session')`, label: sql`max(coalesce("tokenLast4", 'session'))` },
  day: { key: sql`cast("at" / ${sql.lit(dayMs)} as text)`, label: sql`min(cast("at" / ${sql.lit(dayMs)} as text))` },
  backend: { key: sql`coalesce("backend", 'none')`, label: sql`max(coalesce("backend", 'none'))` },
  status: { key: sql`cast("status" as text)`, label: sql`max(cast("status" as text))` },
  billed: { key: sql`"billedId"`, label: sql`max("billedName")` },
  workspace: { key: sql`coalesce("workspaceId", 'none')`, label: sql`max(coalesce("workspaceName", 'none'))` },
}

/** Between two ids. */
export interface UsageRange {
  readonly from: string
  readonly to: string
}

/** What an organization is billed for, and what others called of its models: the largest groups first. */
export async function sumUsage(
  db: Db,
  organizationId: string,
  range: UsageRange,
  by: UsageGroup,
  limit: number,
): Promise<UsageSum[]> {
  const others = sql`"ownerId" = ${organizationId} and "billedId" <> ${organizationId}`
  return await sumOf(db, [sql`"billedId" = ${organizationId}`, others], range, by, limit)
}

/** What one is billed for, and nothing else: the largest groups first. */
export async function sumBilledUsage(
  db: Db,
  billedId: string,
  range: UsageRange,
  by: UsageGroup,
  limit: number,
): Promise<UsageSum[]> {
  return await sumOf(db, [sql`"billedId" = ${billedId}`], range, by, limit)
}

/** `calls`: each by an index of its own, and none of them with a call of another. */
async function sumOf(
  db: Db,
  calls: readonly RawBuilder<unknown>[],
  range: UsageRange,
  by: UsageGroup,
  limit: number,
): Promise<UsageSum[]> {
  const { key, label } = keyOf[by]
  const columns = sql`"at", "repoId", "repoName", "actorId", "actorName", "tokenId", "tokenLast4", "backend", "status", "billedId", "billedName", "workspaceId", "workspaceName", "tokensIn", "tokensOut", "tookMs"`
  const parts = calls.map(
    (which) =>
      sql`select ${columns} from "inferenceUsage" where ${which} and "id" >= ${range.from} and "id" < ${range.to}`,
  )
  const { rows } = await sql<UsageSum>`select ${key} as "key", ${label} as "label", count(*) as "calls",
      sum(case when "status" >= 400 then 1 else 0 end) as "failed", coalesce(sum("tokensIn"), 0) as "tokensIn",
      coalesce(sum("tokensOut"), 0) as "tokensOut", sum(case when "tokensIn" is null then 1 else 0 end) as "uncounted",
      sum("tookMs") as "tookMs"
    from (${sql.join(parts, sql` union all `)}) as "calls"
    group by 1 order by 3 desc, 1 limit ${limit}`.execute(db.list)
  return rows.map((row) => ({
    key: row.key,
    label: row.label,
    calls: Number(row.calls),
    failed: Number(row.failed),
    tokensIn: Number(row.tokensIn),
    tokensOut: Number(row.tokensOut),
    uncounted: Number(row.uncounted),
    tookMs: Number(row.tookMs),
  }))
}

/** Single calls between two ids, in the order in which they ended: what an account is billed for, and what others called of its models. */
export async function selectCalls(
  db: Db,
  accountId: string,
  range: { readonly after: string; readonly to: string },
  limit: number,
): Promise<InferenceUsageTable[]> {
  const part = (whose: RawBuilder<unknown>) =>
    sql`select * from (select * from "inferenceUsage" where ${whose} and "id" > ${range.after} and "id" < ${range.to}
      order by "id" limit ${limit}) as "part"`
  const { rows } = await sql<InferenceUsageTable>`select * from (
      ${part(sql`"billedId" = ${accountId}`)}
      union all
      ${part(sql`"ownerId" = ${accountId} and "billedId" <> ${accountId}`)}) as "calls"
    order by "id" limit ${limit}`.execute(db.list)
  return rows
}
