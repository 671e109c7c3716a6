/** The SQL of access previews that reads tokens, and what they list. */
import { sql } from 'kysely'
import type { TokenVerdict } from '../../domain/token-policy.ts'
import type { Lists } from '../../platform/db/database.ts'
import { inParts } from './in-parts.ts'
import { ownerOfTarget } from './owner-of-queries.ts'

export interface TokenRow {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly last4: string
  readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
  readonly canReadGatedRepos: number
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly verdict: TokenVerdict | null
}

/** Tokens of these that have not expired, with what the organization's administrators said of them. */
export async function selectTokens(
  db: Lists,
  ids: readonly string[],
  organizationId: string,
  now: number,
): Promise<TokenRow[]> {
  const ask = (some: readonly string[], after: string, limit: number) =>
    db.list
      .selectFrom('accessToken as t')
      .leftJoin('organizationToken as v', (join) =>
        join.onRef('v.tokenId', '=', 't.id').on('v.organizationId', '=', organizationId),
      )
      .select(['t.id', 't.ownerId', 't.name', 't.last4', 't.role', 't.canReadGatedRepos', 't.createdAt', 't.rotatedAt'])
      .select(['t.expiresAt', 't.lastUsedAt', 'v.verdict'])
      .where('t.ownerId', 'in', [...some])
      .where('t.parentId', 'is', null)
      .where((q) => q.or([q('t.expiresAt', 'is', null), q('t.expiresAt', '>', now)]))
      .where('t.id', '>', after)
      .$if(some.length === 1, (q) => q.orderBy('t.id'))
      .limit(limit)
      .execute()
  return await inParts(ids, ask, ({ id }) => id)
}

export interface ListedRow {
  readonly tokenId: string
  readonly entityId: string
  readonly permissions: string
}

/** What fine-grained tokens of these list of the owner, its workspaces and its repos. */
export async function selectListed(db: Lists, ids: readonly string[], ownerId: string): Promise<ListedRow[]> {
  const ask = (some: readonly string[], after: string, limit: number) =>
    db.list
      .selectFrom('accessToken as t')
      .innerJoin('tokenGrant as g', 'g.tokenId', 't.id')
      .select(['g.tokenId', 'g.entityId', 'g.permissions'])
      .where('t.ownerId', 'in', [...some])
      .where('t.role', '=', 'fineGrained')
      .where(ownerOfTarget(sql.ref('g.entityId')), '=', ownerId)
      .where('g.tokenId', '>', after)
      .$if(some.length === 1, (q) => q.orderBy('g.tokenId'))
      .limit(limit)
      .execute()
  return await inParts(ids, ask, ({ tokenId }) => tokenId)
}
