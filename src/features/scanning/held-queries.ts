/** The SQL of lists: what is unsafe and where it lies, newest first, and what administrators released. Each page is a piece of one index. */
import type { ScanPolicy } from '../../domain/quarantine.ts'
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { ScanReleaseTable } from '../../platform/db/schema.ts'

/** Where a page ends: lists are ordered by a time, and by the content within it. */
export interface TimeMark {
  readonly at: number
  readonly content: string
}

export interface UnsafeRow {
  readonly content: string
  readonly size: number
  readonly foundAt: number
}

/** Beyond every time. */
const never = Number.MAX_SAFE_INTEGER

const unsafeBefore = prepared<{ at: number; content: string; limit: number }, UnsafeRow>((q, param) =>
  q
    .selectFrom('contentScan')
    .select(['content', 'size', 'foundAt'])
    .where('level', '=', 'unsafe')
    .where(({ refTuple, tuple, eb }) => eb(refTuple('foundAt', 'content'), '<', tuple(param('at'), param('content'))))
    .orderBy('level', 'desc')
    .orderBy('foundAt', 'desc')
    .orderBy('content', 'desc')
    .limit(param('limit')),
)

export async function selectUnsafeBefore(db: Db, before: TimeMark | null, limit: number): Promise<UnsafeRow[]> {
  return await unsafeBefore.run(db.list, { at: before?.at ?? never, content: before?.content ?? '', limit })
}

/** Of these contents, those that lie in a repo of the owner. */
export async function selectOwned(db: Db, contents: readonly string[], ownerId: string): Promise<Set<string>> {
  if (contents.length === 0) return new Set()
  const rows = await db.list
    .selectFrom('scanPlace')
    .innerJoin('repo', 'repo.id', 'scanPlace.repoId')
    .select('scanPlace.content')
    .distinct()
    .where('scanPlace.content', 'in', contents)
    .where('repo.ownerId', '=', ownerId)
    .where('repo.deletedAt', 'is', null)
    .execute()
  return new Set(rows.map(({ content }) => content))
}

export interface PlaceRow {
  readonly repoId: string
  readonly oid: string
  readonly kind: 'model' | 'dataset' | 'space'
  readonly namespace: string
  readonly name: string
  readonly headCommit: string | null
  /** Of its organization; null where the owner is a person. */
  readonly scanPolicy: ScanPolicy | null
}

const placesOf = prepared<{ content: string; limit: number }, PlaceRow>((q, param) =>
  q
    .selectFrom('scanPlace')
    .innerJoin('repo', 'repo.id', 'scanPlace.repoId')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .leftJoin('organization', 'organization.id', 'repo.ownerId')
    .select(['scanPlace.repoId', 'scanPlace.oid', 'repo.kind', 'namespace.name as namespace', 'repo.name'])
    .select(['repo.headCommit', 'organization.scanPolicy'])
    .where('scanPlace.content', '=', param('content'))
    .where('repo.deletedAt', 'is', null)
    .limit(param('limit')),
)

const placesOfOwner = prepared<{ content: string; ownerId: string; limit: number }, PlaceRow>((q, param) =>
  q
    .selectFrom('scanPlace')
    .innerJoin('repo', 'repo.id', 'scanPlace.repoId')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .leftJoin('organization', 'organization.id', 'repo.ownerId')
    .select(['scanPlace.repoId', 'scanPlace.oid', 'repo.kind', 'namespace.name as namespace', 'repo.name'])
    .select(['repo.headCommit', 'organization.scanPolicy'])
    .where('scanPlace.content', '=', param('content'))
    .where('repo.ownerId', '=', param('ownerId'))
    .where('repo.deletedAt', 'is', null)
    .limit(param('limit')),
)

/** Where a content lies, up to `limit` places; with an owner in its repos alone. */
export async function selectPlaceRows(
  db: Db,
  content: string,
  ownerId: string | null,
  limit: number,
): Promise<PlaceRow[]> {
  return ownerId === null
    ? await placesOf.run(db.list, { content, limit })
    : await placesOfOwner.run(db.list, { content, ownerId, limit })
}

export interface ReleaseRow extends ScanReleaseTable {
  /** Null for a person who is gone. */
  readonly releasedByName: string | null
}

const releasesBefore = prepared<{ at: number; content: string; limit: number }, ReleaseRow>((q, param) =>
  q
    .selectFrom('scanRelease')
    .leftJoin('namespace', 'namespace.id', 'scanRelease.releasedBy')
    .select(['scanRelease.content', 'scanRelease.reason', 'scanRelease.releasedAt', 'scanRelease.releasedBy'])
    .select('namespace.name as releasedByName')
    .where(({ refTuple, tuple, eb }) =>
      eb(refTuple('scanRelease.releasedAt', 'scanRelease.content'), '<', tuple(param('at'), param('content'))),
    )
    .orderBy('scanRelease.releasedAt', 'desc')
    .orderBy('scanRelease.content', 'desc')
    .limit(param('limit')),
)

export async function selectReleasesBefore(db: Db, before: TimeMark | null, limit: number): Promise<ReleaseRow[]> {
  return await releasesBefore.run(db.list, { at: before?.at ?? never, content: before?.content ?? '', limit })
}

/** Of these contents, those that are released. */
export async function selectReleased(db: Db, contents: readonly string[]): Promise<Set<string>> {
  if (contents.length === 0) return new Set()
  const rows = await db.list.selectFrom('scanRelease').select('content').where('content', 'in', contents).execute()
  return new Set(rows.map(({ content }) => content))
}

/** How many contents wait for a scanner, at most `limit`, and since when the one that waits longest among those that are due first. */
export async function selectWaiting(db: Db, limit: number): Promise<{ count: number; oldest: number | null }> {
  const rows = await Promise.all(
    (['queued', 'scanning'] as const).map((state) =>
      db.list
        .selectFrom((q) =>
          q
            .selectFrom('contentScan')
            .select('queuedAt')
            .where('state', '=', state)
            .orderBy('state')
            .orderBy('dueAt')
            .limit(limit)
            .as('waiting'),
        )
        .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.min('queuedAt').as('oldest')])
        .executeTakeFirstOrThrow(),
    ),
  )
  const oldest = rows.flatMap((row) => (row.oldest === null ? [] : [Number(row.oldest)]))
  return {
    count: rows.reduce((sum, { count }) => sum + Number(count), 0),
    oldest: oldest.length === 0 ? null : Math.min(...oldest),
  }
}

/** How many contents could not be scanned, at most `limit`. */
export async function countFailed(db: Db, limit: number): Promise<number> {
  const { count } = await db.list
    .selectFrom((q) =>
      q.selectFrom('contentScan').select('content').where('state', '=', 'error').limit(limit).as('failed'),
    )
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

const unscannedStates = ['queued', 'scanning', 'error'] as const

/** Contents of the whole hub that no scanner has finished with: up to `limit` of each state, those that are due first. */
export async function selectUnscanned(
  db: Db,
  limit: number,
): Promise<{ readonly contents: string[]; readonly isWhole: boolean }> {
  const found = await Promise.all(
    unscannedStates.map((state) =>
      db.list
        .selectFrom('contentScan')
        .select('content')
        .where('state', '=', state)
        .where('scanners', 'is', null)
        .orderBy('state')
        .orderBy('dueAt')
        .limit(limit)
        .execute(),
    ),
  )
  return {
    contents: found.flatMap((rows) => rows.map(({ content }) => content)),
    isWhole: found.every((rows) => rows.length < limit),
  }
}
