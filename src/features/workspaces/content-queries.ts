/** The SQL of what lies in workspaces. Repos are only read here: `repos` moves them. */
import { sql } from 'kysely'
import type { RepoKind } from '../../domain/facts.ts'
import type { Db } from '../../platform/db/database.ts'
import { idTable } from './roster-queries.ts'

export interface Content {
  readonly workspaceId: string
  readonly id: string
  readonly kind: RepoKind
  readonly fullName: string
  readonly visibility: 'public' | 'private' | 'protected'
  readonly updatedAt: number
}

/** The first `most` repos of each workspace, in the order in which they were made: one descent into the index for each. */
export async function firstContents(db: Db, workspaceIds: readonly string[], most: number): Promise<Content[]> {
  if (workspaceIds.length === 0) return []
  const inPlace = sql`"x"."workspaceId" = "place"."id" and "x"."deletedAt" is null order by "x"."id" limit ${most}`
  const places = idTable(db, workspaceIds)
  const repos =
    db.dialect === 'postgres'
      ? sql`${places} cross join lateral (select "x".* from "repo" as "x" where ${inPlace}) as "r"`
      : sql`${places} cross join "repo" as "r" on "r"."rowNumber" in (select "x"."rowNumber" from "repo" as "x" where ${inPlace})`
  const { rows } =
    await sql<Content>`select "r"."workspaceId", "r"."id", "r"."kind", "r"."fullName", "r"."visibility", "r"."updatedAt"
    from ${repos} order by "r"."workspaceId", "r"."id"`.execute(db.list)
  return rows
}

/** Repos of one workspace after this id. */
export async function listContents(
  db: Db,
  workspaceId: string,
  page: { readonly after: string; readonly limit: number },
): Promise<Content[]> {
  const { rows } =
    await sql<Content>`select "workspaceId", "id", "kind", "fullName", "visibility", "updatedAt" from "repo"
    where "workspaceId" = ${workspaceId} and "workspaceId" is not null and "id" > ${page.after} and "deletedAt" is null
    order by "id" limit ${page.limit}`.execute(db.list)
  return rows
}

export interface ContentCounts {
  readonly hidden: number
  readonly open: number
}

/** How many repos each of these workspaces has, apart by whether everybody sees them. */
export async function countContents(db: Db, workspaceIds: readonly string[]): Promise<(id: string) => ContentCounts> {
  const counts = new Map<string, { hidden: number; open: number }>()
  if (workspaceIds.length > 0) {
    const rows = await db.list
      .selectFrom('repo')
      .select(['workspaceId', 'visibility'])
      .select((q) => q.fn.countAll<number>().as('count'))
      .where('workspaceId', 'in', workspaceIds)
      .where('workspaceId', 'is not', null)
      .where('deletedAt', 'is', null)
      .groupBy(['workspaceId', 'visibility'])
      .execute()
    for (const { workspaceId, visibility, count } of rows) {
      const found = counts.get(workspaceId ?? '') ?? { hidden: 0, open: 0 }
      found[visibility === 'public' ? 'open' : 'hidden'] += Number(count)
      counts.set(workspaceId ?? '', found)
    }
  }
  return (id) => counts.get(id) ?? { hidden: 0, open: 0 }
}
