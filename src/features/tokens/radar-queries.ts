/** The SQL of the radar: which permissions somebody's tokens needed. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

export interface NeededRow {
  readonly id: string
  readonly parentId: string | null
  readonly permission: string
}

const neededOf = prepared<{ ownerId: string }, NeededRow>((q, param) =>
  q
    .selectFrom('accessToken as token')
    .innerJoin('tokenUse as use', 'use.tokenId', 'token.id')
    .select(['token.id', 'token.parentId', 'use.permission'])
    .distinct()
    .where('token.ownerId', '=', param('ownerId')),
)

/** By token; what a living child needed counts for its parent. */
export async function neededPermissions(
  on: Tx | Db['read'],
  ownerId: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await neededOf.run(on, { ownerId })
  const byToken = Map.groupBy(rows, ({ id, parentId }) => parentId ?? id)
  return new Map([...byToken].map(([id, some]) => [id, new Set(some.map(({ permission }) => permission))]))
}
