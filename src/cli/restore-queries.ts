/** The SQL of a restore: what was under way on the hub that was backed up, and whether every link has its bytes. */
import { dropCollectionHolds } from '../platform/db/collection-hold.ts'
import type { Db, Tx } from '../platform/db/database.ts'

/** Sets what the rows say is under way to what it is: nothing runs, no part of an upload is there, nobody holds a collection. */
export async function endWhatWasUnderWay(tx: Tx): Promise<void> {
  await tx
    .updateTable('job')
    .set({ state: 'ready', worker: null, leaseUntil: null })
    .where('state', '=', 'running')
    .execute()
  await tx.deleteFrom('upload').execute()
  await dropCollectionHolds(tx)
}

/** Links of repos to large files of which no row says that their bytes are there. */
export async function countLinksWithoutBytes(db: Db): Promise<number> {
  return await db.snapshot(async (view) => {
    const row = await view
      .selectFrom('repoBlob')
      .leftJoin('blob', 'blob.sha256', 'repoBlob.sha256')
      .leftJoin('xetFile', 'xetFile.hash', 'blob.xetHash')
      .select((e) => e.fn.countAll<number>().as('count'))
      .where((e) =>
        e.or([
          e('blob.sha256', 'is', null),
          e('blob.leaseGeneration', '<', 0),
          e('blob.size', '<>', e.ref('repoBlob.size')),
          e.and([e('blob.hasObject', '=', 0), e('xetFile.hash', 'is', null)]),
        ]),
      )
      .executeTakeFirstOrThrow()
    return row.count
  })
}
