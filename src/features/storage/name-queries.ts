/** The SQL of links that commits name, or no longer name. */
import type { Db, Tx } from '../../platform/db/database.ts'

const chunkSize = 500

/** Of these blobs, those that the repo links and that no commit is known to name. */
export async function selectUnnamed(db: Db, repoId: string, sha256s: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (let at = 0; at < sha256s.length; at += chunkSize) {
    const rows = await db.read
      .selectFrom('repoBlob')
      .select('sha256')
      .where('repoId', '=', repoId)
      .where('sha256', 'in', sha256s.slice(at, at + chunkSize))
      .where('referencedAt', 'is', null)
      .execute()
    found.push(...rows.map((row) => row.sha256))
  }
  return found
}

/** No commit of the repo names these any more; they are kept until `keptUntil` all the same. */
export async function clearNamed(tx: Tx, repoId: string, sha256s: readonly string[], keptUntil: number): Promise<void> {
  for (let at = 0; at < sha256s.length; at += chunkSize) {
    const chunk = sha256s.slice(at, at + chunkSize)
    await tx
      .updateTable('blob')
      .set({ keptUntil })
      .where('sha256', 'in', chunk)
      .where('keptUntil', '<', keptUntil)
      .execute()
    await tx
      .updateTable('repoBlob')
      .set({ referencedAt: null })
      .where('repoId', '=', repoId)
      .where('sha256', 'in', chunk)
      .execute()
  }
}
