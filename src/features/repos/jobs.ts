/** The jobs of this feature. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { collectRepo } from './delete-repo.ts'
import { updateCardFromHead } from './index-repo.ts'

const payloadShape = z.object({ repo: z.string() })

export function repoJobs(hub: Hub): JobHandlers {
  return {
    'index-repo': async (payload) => await updateCardFromHead(hub, payloadShape.parse(payload).repo),
    'collect-repo': async (payload, signal) => await collectRepo(hub, payloadShape.parse(payload).repo, signal),
  }
}
