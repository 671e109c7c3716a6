/** The SQL of what tokens touched: written by access/token-usage.ts, read here. */
import type { RepoKind } from '../../domain/facts.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { TokenCallerTable } from '../../platform/db/schema.ts'

export interface UseRow {
  readonly day: number
  readonly thingKind: 'repo' | 'organization' | 'user'
  readonly thingId: string
  readonly permission: string
  readonly uses: number
  readonly bytes: number
  readonly repoKind: RepoKind | null
  readonly repoName: string | null
  readonly repoOwnerName: string | null
  readonly namespaceName: string | null
}

const usesOf = prepared<{ tokenId: string }, UseRow>((q, param) =>
  q
    .selectFrom('tokenUse as t')
    .leftJoin('repo as r', (join) => join.onRef('r.id', '=', 't.thingId').on('r.deletedAt', 'is', null))
    .leftJoin('namespace as rn', 'rn.id', 'r.ownerId')
    .leftJoin('namespace as n', 'n.id', 't.thingId')
    .select(['t.day', 't.thingKind', 't.thingId', 't.permission', 't.uses', 't.bytes'])
    .select(['r.kind as repoKind', 'r.name as repoName', 'rn.name as repoOwnerName', 'n.name as namespaceName'])
    .where('t.tokenId', '=', param('tokenId'))
    .orderBy('t.day', 'desc')
    .orderBy('t.thingId'),
)

/** The newest day first; with the names of today, null for what is gone. */
export async function listUses(on: Tx | Db['read'], tokenId: string): Promise<UseRow[]> {
  const rows = await usesOf.run(on, { tokenId })
  return rows.map((row) => ({ ...row, uses: Number(row.uses), bytes: Number(row.bytes), day: Number(row.day) }))
}

/** The latest first. */
export async function listCallers(on: Tx | Db['read'], tokenId: string): Promise<TokenCallerTable[]> {
  return await on
    .selectFrom('tokenCaller')
    .selectAll()
    .where('tokenId', '=', tokenId)
    .orderBy('lastAt', 'desc')
    .orderBy('value')
    .execute()
}

/** Up to `limit` tokens' days; true while there are more. */
export async function deleteUsesBefore(tx: Tx, day: number, limit: number): Promise<boolean> {
  const first = await tx
    .selectFrom('tokenUse')
    .select('day')
    .where('day', '<', day)
    .orderBy('day')
    .limit(1)
    .executeTakeFirst()
  if (first === undefined) return false
  const some = await tx
    .selectFrom('tokenUse')
    .select('tokenId')
    .distinct()
    .where('day', '=', first.day)
    .limit(limit)
    .execute()
  await tx
    .deleteFrom('tokenUse')
    .where('day', '=', first.day)
    .where(
      'tokenId',
      'in',
      some.map(({ tokenId }) => tokenId),
    )
    .execute()
  return true
}

/** Null where an event told of a new address of it since `quietSince`, or it is gone. */
export async function claimNewAddress(
  tx: Tx,
  id: string,
  at: number,
  quietSince: number,
): Promise<{ readonly name: string; readonly ownerId: string; readonly last4: string } | null> {
  const row = await tx
    .updateTable('accessToken')
    .set({ newAddressAt: at })
    .where('id', '=', id)
    .where((q) => q.or([q('newAddressAt', 'is', null), q('newAddressAt', '<=', quietSince)]))
    .returning(['name', 'ownerId', 'last4'])
    .executeTakeFirst()
  return row ?? null
}
