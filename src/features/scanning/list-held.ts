/** What is unsafe, where it lies and whether it is held there, and what administrators released: lists for them, newest first. */
import { stricterPolicy } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { walkTree } from '../../platform/git/tree.ts'
import {
  type PlaceRow,
  selectOwned,
  selectPlaceRows,
  selectReleased,
  selectReleasesBefore,
  selectUnsafeBefore,
  type TimeMark,
  type UnsafeRow,
} from './held-queries.ts'
import { selectContents, selectResults } from './scan-queries.ts'

export interface HeldPlace {
  readonly kind: 'model' | 'dataset' | 'space'
  readonly namespace: string
  readonly name: string
  /** At the head of `main`; null where it lies elsewhere in the history, or looking for it took too long. */
  readonly path: string | null
  /** Nobody can download it there. */
  readonly isHeld: boolean
}

export interface UnsafeContent {
  readonly content: string
  /** Bytes. */
  readonly size: number
  readonly foundAt: number
  /** What scanners said, each with its name. */
  readonly found: readonly { readonly scanner: string; readonly message: string | null }[]
  readonly isReleased: boolean
  readonly places: readonly HeldPlace[]
  /** It lies in more places than are named. */
  readonly hasMore: boolean
}

export interface Listed<Item> {
  readonly items: readonly Item[]
  /** Null on the last page. */
  readonly next: TimeMark | null
}

/** Places that are named of one content. */
const mostPlaces = 5
/** Unsafe contents of the whole hub that one page of an owner looks through; a page may end there, shorter, and the next goes on. */
const mostLooked = 2_000
const lookedAtOnce = 200
/** What a list waits for paths. */
const pathsMs = 1_500

/** `ownerId`: only what lies in the repos of this owner; null: of the whole hub. */
export async function listUnsafe(
  hub: Hub,
  ownerId: string | null,
  before: TimeMark | null,
  limit: number,
): Promise<Listed<UnsafeContent>> {
  const { rows, next } = await unsafeRows(hub, ownerId, before, limit)
  const contents = rows.map(({ content }) => content)
  const [results, released, places] = await Promise.all([
    selectResults(hub.db, contents),
    selectReleased(hub.db, contents),
    Promise.all(contents.map((content) => selectPlaceRows(hub.db, content, ownerId, mostPlaces + 1))),
  ])
  const paths = await pathsOf(
    hub,
    places.flatMap((found) => found.slice(0, mostPlaces)),
  )
  const items = rows.map((row, number): UnsafeContent => {
    const found = places[number] ?? []
    const isReleased = released.has(row.content)
    return {
      ...row,
      found: results
        .filter(({ content, level }) => content === row.content && level === 'unsafe')
        .map(({ scanner, message }) => ({ scanner, message })),
      isReleased,
      places: found.slice(0, mostPlaces).map((place) => present(hub, place, paths, isReleased)),
      hasMore: found.length > mostPlaces,
    }
  })
  return { items, next }
}

async function unsafeRows(
  hub: Hub,
  ownerId: string | null,
  before: TimeMark | null,
  limit: number,
): Promise<{ rows: UnsafeRow[]; next: TimeMark | null }> {
  if (ownerId === null) {
    const rows = await selectUnsafeBefore(hub.db, before, limit + 1)
    const shown = rows.slice(0, limit)
    return { rows: shown, next: rows.length > limit ? markOf(shown.at(-1)) : null }
  }
  const rows: UnsafeRow[] = []
  let mark = before
  for (let looked = 0; looked < mostLooked; looked += lookedAtOnce) {
    const batch = await selectUnsafeBefore(hub.db, mark, lookedAtOnce)
    const owned = await selectOwned(
      hub.db,
      batch.map(({ content }) => content),
      ownerId,
    )
    for (const row of batch) {
      if (!owned.has(row.content)) continue
      if (rows.length === limit) return { rows, next: markOf(rows.at(-1)) }
      rows.push(row)
    }
    if (batch.length < lookedAtOnce) return { rows, next: null }
    mark = markOf(batch.at(-1))
  }
  return { rows, next: mark }
}

function markOf(row: UnsafeRow | undefined): TimeMark | null {
  return row === undefined ? null : { at: row.foundAt, content: row.content }
}

function present(hub: Hub, place: PlaceRow, paths: ReadonlyMap<string, string>, isReleased: boolean): HeldPlace {
  const { kind, namespace, name, scanPolicy } = place
  const policy = stricterPolicy(hub.config.scanPolicy, scanPolicy ?? 'warn')
  return {
    kind,
    namespace,
    name,
    path: paths.get(keyOf(place)) ?? null,
    isHeld: policy !== 'warn' && !isReleased,
  }
}

const keyOf = ({ repoId, oid }: Pick<PlaceRow, 'repoId' | 'oid'>): string => `${repoId} ${oid}`

/** Where the objects lie at the heads of their repos, as far as that is found in time: each repo is walked once. */
async function pathsOf(hub: Hub, places: readonly PlaceRow[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const endAt = performance.now() + pathsMs
  for (const [repoId, ofRepo] of Map.groupBy(places, (place) => place.repoId)) {
    const commit = ofRepo[0]?.headCommit ?? null
    if (commit === null) continue
    const wanted = new Set(ofRepo.map(({ oid }) => oid))
    for await (const entry of walkTree(hub.git, repoId, commit, '', { sizes: false })) {
      if (entry.type === 'blob' && wanted.delete(entry.oid)) found.set(keyOf({ repoId, oid: entry.oid }), entry.path)
      if (wanted.size === 0 || performance.now() > endAt) break
    }
    if (performance.now() > endAt) break
  }
  return found
}

export interface Release {
  readonly content: string
  readonly reason: string
  readonly releasedAt: number
  /** Null for the hub itself, and where the account is gone. */
  readonly releasedBy: string | null
  /** What scanners say of it today. */
  readonly level: string
  readonly places: readonly HeldPlace[]
  readonly hasMore: boolean
}

export async function listReleases(hub: Hub, before: TimeMark | null, limit: number): Promise<Listed<Release>> {
  const rows = await selectReleasesBefore(hub.db, before, limit + 1)
  const shown = rows.slice(0, limit)
  const contents = shown.map(({ content }) => content)
  const [scans, places] = await Promise.all([
    selectContents(hub.db, contents),
    Promise.all(contents.map((content) => selectPlaceRows(hub.db, content, null, mostPlaces + 1))),
  ])
  const paths = await pathsOf(
    hub,
    places.flatMap((found) => found.slice(0, mostPlaces)),
  )
  const items = shown.map(({ content, reason, releasedAt, releasedByName }, number): Release => {
    const found = places[number] ?? []
    return {
      content,
      reason,
      releasedAt,
      releasedBy: releasedByName,
      level: scans.find((scan) => scan.content === content)?.level ?? 'unscanned',
      places: found.slice(0, mostPlaces).map((place) => present(hub, place, paths, true)),
      hasMore: found.length > mostPlaces,
    }
  })
  const last = shown.at(-1)
  const next = rows.length > limit && last !== undefined ? { at: last.releasedAt, content: last.content } : null
  return { items, next }
}
