/** The SQL of blobs that a repo links, with the form in which their bytes lie. */
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

interface PlacedRow {
  sha256: string
  size: number
  hasObject: number
  xetHash: string | null
}

const placedBlob = prepared<{ repoId: string; sha256: string }, PlacedRow>((q, param) =>
  q
    .selectFrom('repoBlob')
    .innerJoin('blob', 'blob.sha256', 'repoBlob.sha256')
    .select(['repoBlob.sha256', 'repoBlob.size', 'blob.hasObject', 'blob.xetHash'])
    .where('repoBlob.repoId', '=', param('repoId'))
    .where('repoBlob.sha256', '=', param('sha256')),
)

export async function selectPlacedBlob(db: Db, repoId: string, sha256: string): Promise<PlacedRow | null> {
  return await placedBlob.first(db.read, { repoId, sha256 })
}

const chunkSize = 500

/** Of these blobs, those that the repo links and that lie in a Xet file. */
export async function selectXetHashesOfRepo(
  db: Db,
  repoId: string,
  sha256s: readonly string[],
): Promise<{ sha256: string; xetHash: string | null }[]> {
  const found: { sha256: string; xetHash: string | null }[] = []
  for (let at = 0; at < sha256s.length; at += chunkSize) {
    const rows = await db.read
      .selectFrom('repoBlob')
      .innerJoin('blob', 'blob.sha256', 'repoBlob.sha256')
      .select(['repoBlob.sha256', 'blob.xetHash'])
      .where('repoBlob.repoId', '=', repoId)
      .where('repoBlob.sha256', 'in', sha256s.slice(at, at + chunkSize))
      .where('blob.xetHash', 'is not', null)
      .execute()
    found.push(...rows)
  }
  return found
}
