/** After a restore: what rows say about heads is compared with git, which is the truth of content, and put right where they differ. */
import type { Hub } from '../../hub.ts'
import { readRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { enqueueIndexing } from '../repos/service.ts'
import { selectHeads, updateRepoHead } from './queries.ts'

const page = 500

/** Before the first request. Gives how many repos had another head. */
export async function correctHeads(hub: Hub): Promise<number> {
  let corrected = 0
  let after = ''
  for (;;) {
    const rows = await selectHeads(hub.db, after, page)
    for (const row of rows) {
      const [head = null] = (await hasRepository(hub.git, row.id))
        ? await readRefs(hub.git, row.id, ['refs/heads/main'])
        : []
      if (head === row.headCommit) continue
      await hub.transaction(async (tx) => {
        await updateRepoHead(tx, row.id, { updatedAt: row.updatedAt, headCommit: head })
        if (head !== null) await enqueueIndexing(tx, row.id)
      })
      corrected++
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < page) return corrected
    after = last.id
  }
}
