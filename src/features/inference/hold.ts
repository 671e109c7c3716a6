/** A model of which a file is held is not run: what is not handed out as a file is not handed out as an answer. */

import type { Facts } from '../../domain/facts.ts'
import { authorize } from '../../domain/policy.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { listFolder } from '../files/service.ts'
import { refuseHeldCommit } from '../storage/service.ts'

const filesAtOnce = 1_000

/** Throws `content_held` and `model_not_signed`. An empty repo holds nothing: its server has the model from elsewhere. */
export async function refuseHeldModel(hub: Hub, facts: Facts, commit: string | null): Promise<void> {
  if (commit === null) return
  const reading = authorize('repo.content.read', facts)
  await refuseHeldCommit(hub, reading.resource, commit, async function* () {
    let after: string | null = null
    do {
      const page = await listFolder(hub, reading, commit, '', { recursive: true, after, limit: filesAtOnce })
      yield page.entries.filter(({ type, isSymlink }) => type === 'file' && !isSymlink).map(contentOf)
      after = page.next
    } while (after !== null)
  })
}
