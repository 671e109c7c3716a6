/** The SQL of download records. */
import { type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { DownloadRecordTable } from '../../platform/db/schema.ts'

/** A statement has a limit of parameters. */
const rowsAtOnce = 200
const chunkSize = 500

/** New records are written, known ones counted up. `records`: each key once. */
export async function upsertRecords(tx: Tx, records: readonly DownloadRecordTable[]): Promise<void> {
  for (let at = 0; at < records.length; at += rowsAtOnce) {
    await tx
      .insertInto('downloadRecord')
      .values(records.slice(at, at + rowsAtOnce))
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet((eb) => ({
          requests: eb('downloadRecord.requests', '+', eb.ref('excluded.requests')),
          bytes: eb('downloadRecord.bytes', '+', eb.ref('excluded.bytes')),
          lastAt: eb.ref('excluded.lastAt'),
          userAgent: eb.ref('excluded.userAgent'),
        })),
      )
      .execute()
  }
}

/** Of another day nothing is left. */
export async function addTaken(tx: Tx, tokenId: string, day: number, bytes: number): Promise<void> {
  const taken = sql<number>`case when "bytesDay" = ${day} then "bytesTaken" else 0 end + ${bytes}`
  await tx
    .updateTable('accessToken')
    .set({ bytesDay: day, bytesTaken: taken })
    .where('id', '=', tokenId)
    .where((q) => q.or([q('bytesDay', 'is', null), q('bytesDay', '<=', day)]))
    .execute()
}

/** Of these contents, those that are known to be unsafe, released or not. */
export async function selectUnsafe(db: Db, contents: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>()
  for (let at = 0; at < contents.length; at += chunkSize) {
    const rows = await db.read
      .selectFrom('contentScan')
      .select('content')
      .where('content', 'in', contents.slice(at, at + chunkSize))
      .where('level', '=', 'unsafe')
      .execute()
    for (const { content } of rows) found.add(content)
  }
  return found
}

const unsafeInGit = prepared<{ repoId: string; prefix: string; end: string }, { content: string }>((q, param) =>
  q
    .selectFrom('contentScan')
    .innerJoin('scanPlace', 'scanPlace.content', 'contentScan.content')
    .select('contentScan.content')
    .where('contentScan.level', '=', 'unsafe')
    .where('contentScan.content', '>=', param('prefix'))
    .where('contentScan.content', '<', param('end'))
    .where('scanPlace.repoId', '=', param('repoId'))
    .limit(1),
)

/** Whether the history of a repo has a content in git itself that is known to be unsafe. */
export async function holdsUnsafe(db: Db, repoId: string, prefix: string): Promise<boolean> {
  return (await unsafeInGit.first(db.list, { repoId, prefix, end: `${prefix}\u007f` })) !== null
}

/** The repos that hold a content, up to `limit`. */
export async function selectHolders(db: Db, content: string, ownerId: string | null, limit: number): Promise<string[]> {
  const base = db.list.selectFrom('scanPlace').select('scanPlace.repoId').distinct().where('content', '=', content)
  const query =
    ownerId === null ? base : base.innerJoin('repo', 'repo.id', 'scanPlace.repoId').where('repo.ownerId', '=', ownerId)
  return (await query.limit(limit).execute()).map(({ repoId }) => repoId)
}

/** Whose repos: of one owner, or all. */
export type RecordScope = { readonly kind: 'all' } | { readonly kind: 'owner'; readonly id: string }

/** SQLite joins at most 500 selects. */
const contentsAtOnce = 100

/**
 * The newest records of any of these contents below the id `before` (null: from the newest). Each content is one piece of an index that is read
 * no further than the page, so the cost does not depend on how often something was downloaded.
 */
export async function selectOfContents(
  db: Db,
  scope: RecordScope,
  contents: readonly string[],
  before: string | null,
  limit: number,
): Promise<DownloadRecordTable[]> {
  const ids: string[] = []
  for (let at = 0; at < contents.length; at += contentsAtOnce) {
    ids.push(...(await newestOfEach(db, scope, contents.slice(at, at + contentsAtOnce), before, limit)))
  }
  return await selectByIds(db, ids.sort((a, b) => (a < b ? 1 : -1)).slice(0, limit))
}

async function newestOfEach(
  db: Db,
  scope: RecordScope,
  contents: readonly string[],
  before: string | null,
  limit: number,
): Promise<string[]> {
  const pieces =
    db.dialect === 'postgres'
      ? sql`jsonb_array_elements_text(${JSON.stringify(contents)}::jsonb) as "each" ("content")
          cross join lateral (${newest(scope, sql`"each"."content"`, before, limit)}) as "newest"`
      : sql`(${sql.join(
          contents.map((content, number) => {
            const piece = newest(scope, sql`${content}`, before, limit)
            return sql`select "id" from (${piece}) as ${sql.ref(`p${number}`)}`
          }),
          sql` union all `,
        )}) as "all"`
  const { rows } = await sql<{ id: string }>`select "id" from ${pieces} order by "id" desc limit ${limit}`.execute(
    db.list,
  )
  return rows.map(({ id }) => id)
}

/** Beyond every id. */
const lastId = 'g'

/** As rows that are compared and ordered together: an index over ids alone, which a planner may prefer, cannot answer that. */
function newest(
  scope: RecordScope,
  content: RawBuilder<unknown>,
  before: string | null,
  limit: number,
): RawBuilder<unknown> {
  const owner = scope.kind === 'owner' ? sql`"ownerId" = ${scope.id} and` : sql``
  return sql`select "id" from "downloadRecord" where ${owner}
    ("downloadRecord"."content", "id") < (${content}, ${before ?? lastId}) and ("downloadRecord"."content", "id") >= (${content}, '')
    order by "downloadRecord"."content" desc, "id" desc limit ${limit}`
}

async function selectByIds(db: Db, ids: readonly string[]): Promise<DownloadRecordTable[]> {
  if (ids.length === 0) return []
  const rows = await db.list.selectFrom('downloadRecord').selectAll().where('id', 'in', ids).execute()
  return rows.sort((a, b) => (a.id < b.id ? 1 : -1))
}

export interface RepoOfOwner {
  readonly id: string
  readonly ownerId: string
}

/** The newest records of a repo below the id `before`, of the time when it was this owner's: a new one learns nothing of the readers of the last. */
export async function selectOfRepo(
  db: Db,
  { id: repoId, ownerId }: RepoOfOwner,
  before: string | null,
  limit: number,
): Promise<DownloadRecordTable[]> {
  return await db.list
    .selectFrom('downloadRecord')
    .selectAll()
    .where('repoId', '=', repoId)
    .where('ownerId', '=', ownerId)
    .where('id', '<', before ?? lastId)
    .orderBy('repoId', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Up to `limit` of the records whose ids lie below `id`, the oldest first; returns how many. */
export async function deleteRecordsBefore(tx: Tx, id: string, limit: number): Promise<number> {
  const last = await tx
    .selectFrom('downloadRecord')
    .select('id')
    .where('id', '<', id)
    .orderBy('id')
    .offset(limit - 1)
    .limit(1)
    .executeTakeFirst()
  const done = await (last === undefined
    ? tx.deleteFrom('downloadRecord').where('id', '<', id)
    : tx.deleteFrom('downloadRecord').where('id', '<=', last.id)
  ).executeTakeFirst()
  return Number(done.numDeletedRows)
}
