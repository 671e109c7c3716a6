/** Who is written to about requests: those who decide when somebody asks, and whoever asked when it is decided. */
import { z } from 'zod'
import type { RepoFacts } from '../../domain/facts.ts'
import { repoAddress } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { enqueueMail } from '../accounts/service.ts'
import { firstAdmins } from '../organizations/service.ts'
import { countRequests, findOwnerOfGate, type GateNotices, noticesOf } from './queries.ts'

/** As many administrators as the Hub writes to. */
const mostAdmins = 5
const dayMs = 86_400_000
const countAtMost = 1_000
const digestQueue = 'access-digest'

interface Place {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly owner: { readonly kind: 'user' | 'organization'; readonly id: string }
}

/** To be called in the transaction of the request. At once, or with all others of the day. */
export async function tellRequest(hub: Hub, tx: Tx, repo: RepoFacts, who: string): Promise<void> {
  const notices = await noticesOf(tx, repo.id)
  if (notices === null) return
  if (notices.mode === 'bulk') {
    await enqueue(tx, digestQueue, { repo: repo.id }, { dedupKey: repo.id, runAt: hub.clock.now() + dayMs })
    return
  }
  await writeToDeciders(hub, tx, placeOf(repo), notices, { who, count: 1 })
}

/** To be called in the transaction of the decision. `userId`: the person who asked, for themselves or for a service account. */
export async function tellDecision(
  hub: Hub,
  tx: Tx,
  repo: RepoFacts,
  decision: {
    readonly userId: string
    readonly who: string
    readonly status: 'accepted' | 'rejected'
    readonly reason: string | null
  },
): Promise<void> {
  const { name, path } = placeOf(repo)
  await enqueueMail(hub, tx, { kind: 'access-decided', repo: name, path, ...decision })
}

/** The mail of the day: how many wait. None, if they were all decided about meanwhile. */
export function noticeJobs(hub: Hub): JobHandlers {
  return {
    [digestQueue]: async (payload) => {
      const { repo: repoId } = z.object({ repo: z.string() }).parse(payload)
      const [repo, notices, counts] = await Promise.all([
        findOwnerOfGate(hub.db, repoId),
        noticesOf(hub.db.read, repoId),
        countRequests(hub.db, repoId, countAtMost),
      ])
      if (repo === null || notices === null || counts.pending === 0) return
      await hub.transaction((tx) => writeToDeciders(hub, tx, repo, notices, { who: null, count: counts.pending }))
    },
  }
}

async function writeToDeciders(
  hub: Hub,
  tx: Tx,
  repo: Place,
  notices: GateNotices,
  about: { readonly who: string | null; readonly count: number },
): Promise<void> {
  const mail = {
    kind: 'access-asked',
    repo: repo.name,
    path: `${repo.path}/settings/access-requests`,
    ...about,
  } as const
  if (notices.address !== null) return await enqueueMail(hub, tx, { ...mail, userId: null, address: notices.address })
  const people = repo.owner.kind === 'user' ? [repo.owner.id] : await firstAdmins(tx, repo.owner.id, mostAdmins)
  for (const userId of people) await enqueueMail(hub, tx, { ...mail, userId, address: null })
}

function placeOf({ id, kind, owner, name }: RepoFacts): Place {
  return { id, name: `${owner.name}/${name}`, path: `/${repoAddress(kind, owner.name, name)}`, owner }
}
