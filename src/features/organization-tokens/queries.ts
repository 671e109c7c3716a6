/** The SQL of tokens that reach an organization, and of what its administrators said of them. */
import { sql } from 'kysely'
import { holdsAt, roleAt } from '../../access/role-at.ts'
import type { TokenPolicy, TokenVerdict } from '../../domain/token-policy.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

export interface PolicyRow {
  readonly tokenPolicy: TokenPolicy
  readonly mostTokenDays: number | null
  readonly classicTokensAdminister: 0 | 1
}

const policyOf = prepared<{ id: string }, PolicyRow>((q, param) =>
  q
    .selectFrom('organization')
    .select(['tokenPolicy', 'mostTokenDays', 'classicTokensAdminister'])
    .where('id', '=', param('id')),
)

export async function selectPolicy(db: Db, organizationId: string): Promise<PolicyRow | null> {
  return await policyOf.first(db.read, { id: organizationId })
}

/** Reads it for a change: nobody else changes it before this transaction ends. */
export async function lockPolicy(tx: Tx, dialect: Db['dialect'], organizationId: string): Promise<PolicyRow | null> {
  const query = tx
    .selectFrom('organization')
    .select(['tokenPolicy', 'mostTokenDays', 'classicTokensAdminister'])
    .where('id', '=', organizationId)
  const row = await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()
  return row ?? null
}

export async function updatePolicy(tx: Tx, organizationId: string, policy: PolicyRow): Promise<void> {
  await tx.updateTable('organization').set(policy).where('id', '=', organizationId).execute()
}

/** A member's token that could reach the organization, as far as the token itself says. */
export interface ReachingToken {
  readonly id: string
  readonly ownerId: string
  readonly ownerName: string
  readonly ownerRole: string | null
  readonly name: string
  readonly last4: string
  readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly verdict: TokenVerdict | null
  readonly decidedAt: number | null
}

/** Where a page begins: after this token. Tokens are listed by their owners. */
export interface TokenMark {
  readonly ownerId: string
  readonly id: string
}

/** Tokens of the organization's members: classic ones, and fine-grained ones that list it, a workspace or a repo of it. Expired ones reach nothing. */
export function reaching(on: Tx | Db['read'] | Db['list'], organizationId: string, now: number) {
  return (
    on
      .selectFrom('roleGrant as member')
      .innerJoin('accessToken as token', 'token.ownerId', 'member.principalId')
      .innerJoin('namespace as owner', 'owner.id', 'member.principalId')
      .leftJoin('organizationToken as said', (join) =>
        join.onRef('said.tokenId', '=', 'token.id').on('said.organizationId', '=', organizationId),
      )
      .select(['token.id', 'token.ownerId', 'owner.name as ownerName', 'token.name'])
      .select(roleAt('member', now).as('ownerRole'))
      .select([
        'token.last4',
        'token.role',
        'token.createdAt',
        'token.rotatedAt',
        'token.expiresAt',
        'token.lastUsedAt',
      ])
      .select(['said.verdict', 'said.decidedAt'])
      .where('member.targetId', '=', organizationId)
      .where('member.principalKind', '=', 'user')
      .where(holdsAt('member', now))
      // What is said of a token is said of its children, which come and go.
      .where('token.parentId', 'is', null)
      .where((q) => q.or([q('token.expiresAt', 'is', null), q('token.expiresAt', '>', now)]))
      .where((q) =>
        q.or([
          q('token.role', '<>', 'fineGrained'),
          q.exists(
            q
              .selectFrom('tokenGrant as listed')
              .leftJoin('workspace', 'workspace.id', 'listed.entityId')
              .leftJoin('repo', 'repo.id', 'listed.entityId')
              .select(sql`1`.as('one'))
              .whereRef('listed.tokenId', '=', 'token.id')
              .where((e) =>
                e.or([
                  e('listed.entityId', '=', organizationId),
                  e('workspace.organizationId', '=', organizationId),
                  e('repo.ownerId', '=', organizationId),
                ]),
              ),
          ),
        ]),
      )
  )
}

/** `isWaiting`: only those that nobody has decided on, under a policy that asks for approval. */
export async function listReaching(
  db: Db,
  organizationId: string,
  now: number,
  page: { readonly after: TokenMark | null; readonly limit: number; readonly isWaiting: boolean },
): Promise<ReachingToken[]> {
  const { after } = page
  let query = reaching(db.list, organizationId, now)
  if (after !== null) {
    query = query.where(sql<boolean>`("member"."principalId", "token"."id") > (${after.ownerId}, ${after.id})`)
  }
  if (page.isWaiting) {
    query = query
      .where('token.role', '=', 'fineGrained')
      .where('said.verdict', 'is', null)
      .where(roleAt('member', now), '<>', 'admin')
  }
  return await query.orderBy('member.principalId').orderBy('token.id').limit(page.limit).execute()
}

export async function findReaching(
  on: Tx | Db['read'],
  organizationId: string,
  now: number,
  by: { readonly id: string } | { readonly hash: string },
): Promise<ReachingToken | null> {
  const query = reaching(on, organizationId, now)
  const row = await ('id' in by
    ? query.where('token.id', '=', by.id)
    : query.where('token.hash', '=', by.hash)
  ).executeTakeFirst()
  return row ?? null
}

/** Replaces what was said before; false where the token was revoked, which is for good. */
export async function putVerdict(
  tx: Tx,
  row: { tokenId: string; organizationId: string; verdict: TokenVerdict; decidedBy: string | null; decidedAt: number },
): Promise<boolean> {
  const { verdict, decidedBy, decidedAt } = row
  const done = await tx
    .insertInto('organizationToken')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['tokenId', 'organizationId'])
        .doUpdateSet({ verdict, decidedBy, decidedAt })
        .where('organizationToken.verdict', '<>', 'revoked'),
    )
    .executeTakeFirst()
  return Number(done.numInsertedOrUpdatedRows ?? 0) > 0
}

/** An approval was of what the token listed then. */
export async function forgetApprovals(tx: Tx, tokenId: string): Promise<void> {
  await tx.deleteFrom('organizationToken').where('tokenId', '=', tokenId).where('verdict', '=', 'approved').execute()
}

export interface WaitsIn {
  readonly organizationId: string
  readonly name: string
}

/** Organizations that a fine-grained token lists, or of which it lists a workspace or a repo, which ask for approval and have given none. */
export async function listWaiting(tx: Tx, tokenId: string, ownerId: string, now: number): Promise<WaitsIn[]> {
  return await tx
    .selectFrom('roleGrant as member')
    .innerJoin('organization', 'organization.id', 'member.targetId')
    .innerJoin('namespace', 'namespace.id', 'organization.id')
    .leftJoin('organizationToken as said', (join) =>
      join.onRef('said.organizationId', '=', 'organization.id').on('said.tokenId', '=', tokenId),
    )
    .select(['organization.id as organizationId', 'namespace.name'])
    .where('member.principalId', '=', ownerId)
    .where('member.targetKind', '=', 'organization')
    .where(roleAt('member', now), '<>', 'admin')
    .where('organization.tokenPolicy', '=', 'approval')
    .where('said.verdict', 'is', null)
    .where((q) =>
      q.exists(
        q
          .selectFrom('tokenGrant as listed')
          .leftJoin('workspace', 'workspace.id', 'listed.entityId')
          .leftJoin('repo', 'repo.id', 'listed.entityId')
          .select(sql`1`.as('one'))
          .where('listed.tokenId', '=', tokenId)
          .where((e) =>
            e.or([
              e('listed.entityId', '=', e.ref('organization.id')),
              e('workspace.organizationId', '=', e.ref('organization.id')),
              e('repo.ownerId', '=', e.ref('organization.id')),
            ]),
          ),
      ),
    )
    .orderBy('organization.id')
    .execute()
}
