/** The jobs of model signatures. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { checkModelQueue } from '../storage/service.ts'
import { checkAgain, checkAgainQueue, checkModel } from './check.ts'

export function modelSignatureJobs(hub: Hub): JobHandlers {
  return {
    [checkModelQueue]: (payload, signal) => checkModel(hub, payload, signal),
    [checkAgainQueue]: (payload, signal) => checkAgain(hub, payload, signal),
  }
}

const moved = z.object({ repoId: z.string(), newOid: z.string() })

/** After a ref moved: what it leads to now may be a signed model. */
export async function askForModelSignature(hub: Hub, payload: unknown): Promise<void> {
  const { repoId, newOid } = moved.parse(payload)
  if (newOid === zeroOid) return
  const dedupKey = `${repoId} ${newOid}`
  await hub.transaction((tx) => enqueue(tx, checkModelQueue, { repoId, commit: newOid, isAsked: false }, { dedupKey }))
}
