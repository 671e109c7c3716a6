/** The jobs of signatures. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { judgeAgainQueue } from '../keys/service.ts'
import { judgeConcerned, judgeMoved, judgeQueue } from './pin.ts'

export function signatureJobs(hub: Hub): JobHandlers {
  return {
    [judgeQueue]: (payload) => judgeMoved(hub, payload),
    [judgeAgainQueue]: (payload) => judgeConcerned(hub, payload),
  }
}

const moved = z.object({ repoId: z.string(), oldOid: z.string(), newOid: z.string() })

/** After a ref moved: judging gets a job of its own, so that one failure does not repeat the other. */
export async function askForJudgement(hub: Hub, payload: unknown): Promise<void> {
  const move = moved.parse(payload)
  await hub.transaction((tx) =>
    enqueue(tx, judgeQueue, move, { dedupKey: `${move.repoId} ${move.oldOid} ${move.newOid}` }),
  )
}
