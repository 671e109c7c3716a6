/** Which of some downloads are of content that is known to be unsafe at this moment. */
import { gitContent } from '../../domain/quarantine.ts'
import type { Db } from '../../platform/db/database.ts'
import type { DownloadRecordTable } from '../../platform/db/schema.ts'
import { holdsUnsafe, selectUnsafe } from './queries.ts'

type Downloaded = Pick<DownloadRecordTable, 'content' | 'repoId' | 'via'>

/** Their contents. A fetch by git took all that its repo has in git. */
export async function unsafeAmong(db: Db, downloads: readonly Downloaded[]): Promise<ReadonlySet<string>> {
  const contents = new Set(downloads.filter(({ via }) => via !== 'git').map(({ content }) => content))
  const unsafe = await selectUnsafe(db, [...contents])
  const fetched = new Map(downloads.filter(({ via }) => via === 'git').map(({ repoId, content }) => [repoId, content]))
  for (const [repoId, content] of fetched) if (await holdsUnsafe(db, repoId, gitContent(''))) unsafe.add(content)
  return unsafe
}
