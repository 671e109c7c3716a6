/** The SQL of commits: where the bytes of a large file are known, for copies between repos. */
import type { Db } from '../../platform/db/database.ts'

export interface BlobHolder {
  readonly sha256: string
  readonly size: number
  readonly repoId: string
}

const chunkSize = 500

/** Repos with a commit that names one of the blobs: public ones first, `limit` for each call at most. */
export async function selectHolders(db: Db, sha256s: readonly string[], limit: number): Promise<BlobHolder[]> {
  const found: BlobHolder[] = []
  for (let at = 0; at < sha256s.length; at += chunkSize) {
    const rows = await db.list
      .selectFrom('repoBlob')
      .innerJoin('repo', 'repo.id', 'repoBlob.repoId')
      .select(['repoBlob.sha256', 'repoBlob.size', 'repoBlob.repoId', 'repo.visibility'])
      .where('repoBlob.sha256', 'in', sha256s.slice(at, at + chunkSize))
      // What was only uploaded is nobody's to read yet.
      .where('repoBlob.referencedAt', 'is not', null)
      .where('repo.deletedAt', 'is', null)
      .orderBy((e) => e.case().when('repo.visibility', '=', 'public').then(0).else(1).end())
      .orderBy('repoBlob.createdAt', 'desc')
      .limit(limit)
      .execute()
    found.push(...rows.map(({ sha256, size, repoId }) => ({ sha256, size, repoId })))
  }
  return found
}
