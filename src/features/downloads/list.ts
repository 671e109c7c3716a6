/** Who already downloaded it: the records of a content, with the fetches by git that may have brought it along, newest first. */

import type { RepoFacts } from '../../domain/facts.ts'
import { gitContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { DownloadRecordTable } from '../../platform/db/schema.ts'
import { type RecordScope, selectHolders, selectOfContents, selectOfRepo } from './queries.ts'
import { gitFetch, recorderOf } from './record.ts'

export type { RecordScope } from './queries.ts'

export interface DownloadPage {
  readonly records: readonly DownloadRecordTable[]
  /** The id to go on below; null on the last page. */
  readonly next: string | null
  /** False where more repos hold the content than are searched for fetches by git. */
  readonly isComplete: boolean
}

/** Repos whose fetches are looked through. */
const mostHolders = 2_000

export interface WantedContents {
  /** The content itself, and the fetches by git that may have brought it along. */
  readonly contents: readonly string[]
  readonly isComplete: boolean
}

/** What a list about a content is made of; for many pages it is looked up once. */
export async function contentsOf(hub: Hub, scope: RecordScope, content: string): Promise<WantedContents> {
  // A large file is a pointer to git: who fetched by git got its bytes by LFS or Xet, and stands there.
  const isInGit = content.startsWith(gitContent(''))
  const ownerId = scope.kind === 'owner' ? scope.id : null
  const holders = isInGit ? await selectHolders(hub.db, content, ownerId, mostHolders + 1) : []
  const contents = [content, ...holders.slice(0, mostHolders).map(gitFetch)]
  return { contents, isComplete: holders.length <= mostHolders }
}

/** The same empty page for what nobody downloaded and for what there is not. */
export async function listDownloads(
  hub: Hub,
  scope: RecordScope,
  content: string,
  before: string | null,
  limit: number,
): Promise<DownloadPage> {
  return await listDownloadsOf(hub, scope, await contentsOf(hub, scope, content), before, limit)
}

export async function listDownloadsOf(
  hub: Hub,
  scope: RecordScope,
  { contents, isComplete }: WantedContents,
  before: string | null,
  limit: number,
): Promise<DownloadPage> {
  await recorderOf(hub).flush()
  return pageOf(await selectOfContents(hub.db, scope, contents, before, limit + 1), limit, isComplete)
}

/** Of one repo, whatever was downloaded from it since it is its owner's. */
export async function listDownloadsOfRepo(
  hub: Hub,
  repo: RepoFacts,
  before: string | null,
  limit: number,
): Promise<DownloadPage> {
  await recorderOf(hub).flush()
  return pageOf(await selectOfRepo(hub.db, { id: repo.id, ownerId: repo.owner.id }, before, limit + 1), limit, true)
}

function pageOf(found: readonly DownloadRecordTable[], limit: number, isComplete: boolean): DownloadPage {
  const records = found.slice(0, limit)
  return { records, next: found.length > limit ? (records.at(-1)?.id ?? null) : null, isComplete }
}
