/** The SQL of pushes that were taken: the audit log has them, by the owner and by the repo. */
import { firstIdAt } from '../../domain/ids.ts'
import type { Db } from '../../platform/db/database.ts'

export interface PushRow {
  readonly id: string
  readonly at: number
  readonly actorKind: 'user' | 'service-account' | 'organization' | 'system' | 'anonymous'
  readonly actorId: string | null
  readonly actorName: string
  readonly repoId: string | null
  readonly repoName: string | null
  /** JSON. */
  readonly data: string
}

/** Since then, newest first, a page of them; `before`: the id of the last one of the page before. */
export async function selectPushes(
  db: Pick<Db, 'list'>,
  of: { readonly ownerId: string } | { readonly repoId: string },
  since: number,
  before: string | null,
  limit: number,
): Promise<PushRow[]> {
  const pushes = db.list
    .selectFrom('event')
    .select([
      'id',
      'at',
      'actorKind',
      'actorId',
      'actorName',
      'resourceId as repoId',
      'resourceName as repoName',
      'data',
    ])
    .where('action', '=', 'repo.push')
    .where('id', '>=', firstIdAt(since))
    .$if(before !== null, (q) => q.where('id', '<', before ?? ''))
    .orderBy('id', 'desc')
    .limit(limit)
  const chosen = 'ownerId' in of ? pushes.where('ownerId', '=', of.ownerId) : pushes.where('resourceId', '=', of.repoId)
  return await chosen.execute()
}
