/** The SQL of invitations. An invitation is answered by taking its row away, so it is answered once. */
import { roleAt } from '../../access/role-at.ts'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { InvitationTable } from '../../platform/db/schema.ts'

export type InvitationRow = InvitationTable

/** An invitation that somebody with its link may still accept. */
export interface OpenInvitation extends InvitationRow {
  readonly organizationName: string
  readonly organizationFullname: string | null
}

/** Open as long as whoever answers for it administers the organization: a demotion ends what it invited to (AUTH-5). */
const openByHash = prepared<{ hash: string; now: number }, OpenInvitation>((q, param) =>
  q
    .selectFrom('invitation')
    .innerJoin('organization', 'organization.id', 'invitation.organizationId')
    .innerJoin('namespace', 'namespace.id', 'organization.id')
    .leftJoin('roleGrant', (join) =>
      join
        .onRef('roleGrant.targetId', '=', 'invitation.organizationId')
        .onRef('roleGrant.principalId', '=', 'invitation.inviterId')
        .on(roleAt('roleGrant', param('now')), '=', 'admin'),
    )
    .leftJoin('user', 'user.id', 'roleGrant.principalId')
    .leftJoin('serviceAccount', 'serviceAccount.id', 'roleGrant.principalId')
    .selectAll('invitation')
    .select(['namespace.name as organizationName', 'organization.fullname as organizationFullname'])
    .where('invitation.tokenHash', '=', param('hash'))
    .where('invitation.expiresAt', '>', param('now'))
    .where((e) =>
      e.or([
        e('invitation.inviterId', 'is', null),
        e('user.state', '=', 'active'),
        e.and([
          e('serviceAccount.id', 'is not', null),
          e('serviceAccount.disabledAt', 'is', null),
          e.or([e('serviceAccount.expiresAt', 'is', null), e('serviceAccount.expiresAt', '>', param('now'))]),
        ]),
      ]),
    ),
)

export async function findOpen(on: Tx | Db['read'], tokenHash: string, now: number): Promise<OpenInvitation | null> {
  return await openByHash.first(on, { hash: tokenHash, now })
}

const byId = prepared<{ organizationId: string; id: string }, InvitationRow>((q, param) =>
  q
    .selectFrom('invitation')
    .selectAll()
    .where('id', '=', param('id'))
    .where('organizationId', '=', param('organizationId')),
)

export async function findInvitation(
  on: Tx | Db['read'],
  organizationId: string,
  id: string,
): Promise<InvitationRow | null> {
  return await byId.first(on, { organizationId, id })
}

export async function findInvitationByAddress(
  on: Tx | Db['read'],
  organizationId: string,
  addressKey: string,
): Promise<InvitationRow | null> {
  const row = await on
    .selectFrom('invitation')
    .selectAll()
    .where('organizationId', '=', organizationId)
    .where('addressKey', '=', addressKey)
    .executeTakeFirst()
  return row ?? null
}

/** For the mail: an invitation that has not expired, with the name of its organization. */
export async function findToMail(
  tx: Tx,
  id: string,
  now: number,
): Promise<(InvitationRow & { readonly organizationName: string }) | null> {
  const row = await tx
    .selectFrom('invitation')
    .innerJoin('namespace', 'namespace.id', 'invitation.organizationId')
    .selectAll('invitation')
    .select('namespace.name as organizationName')
    .where('invitation.id', '=', id)
    .where('invitation.expiresAt', '>', now)
    .executeTakeFirst()
  return row ?? null
}

export interface ListedInvitation extends InvitationRow {
  /** The inviter's role in the organization now; null for none. */
  readonly inviterRole: Role | null
}

/** By address, from the one after `after` on. */
export async function listInvitations(
  db: Db,
  organizationId: string,
  page: { readonly after: string; readonly limit: number; readonly now: number },
): Promise<ListedInvitation[]> {
  return await db.list
    .selectFrom('invitation')
    .leftJoin('roleGrant', (join) =>
      join
        .onRef('roleGrant.targetId', '=', 'invitation.organizationId')
        .onRef('roleGrant.principalId', '=', 'invitation.inviterId'),
    )
    .selectAll('invitation')
    .select(roleAt('roleGrant', page.now).as('inviterRole'))
    .where('invitation.organizationId', '=', organizationId)
    .where('invitation.addressKey', '>', page.after)
    .orderBy('invitation.addressKey')
    .limit(page.limit)
    .execute()
}

/** Those that have not expired. */
export async function countInvitations(db: Db, organizationId: string, now: number): Promise<number> {
  const row = await db.list
    .selectFrom('invitation')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('organizationId', '=', organizationId)
    .where('expiresAt', '>', now)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** False where the address has an invitation already. */
export async function insertInvitation(tx: Tx, row: InvitationRow): Promise<boolean> {
  const inserted = await tx
    .insertInto('invitation')
    .values(row)
    .onConflict((conflict) => conflict.columns(['organizationId', 'addressKey']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function updateInvitation(
  tx: Tx,
  id: string,
  change: Partial<Omit<InvitationRow, 'id' | 'organizationId' | 'address' | 'addressKey'>>,
): Promise<void> {
  await tx.updateTable('invitation').set(change).where('id', '=', id).execute()
}

/** False where it was answered or withdrawn meanwhile. */
export async function deleteInvitation(tx: Tx, organizationId: string, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('invitation')
    .where('id', '=', id)
    .where('organizationId', '=', organizationId)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Only while the link that was followed is the one that counts. */
export async function takeInvitation(tx: Tx, id: string, tokenHash: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('invitation')
    .where('id', '=', id)
    .where('tokenHash', '=', tokenHash)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Notes the account that was made with it. False where one was made before, or the link counts no more. */
export async function claimForAccount(tx: Tx, id: string, tokenHash: string, accountId: string): Promise<boolean> {
  const row = await tx
    .updateTable('invitation')
    .set({ accountId })
    .where('id', '=', id)
    .where('tokenHash', '=', tokenHash)
    .where('accountId', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** An address that was given up with an invitation that is too old to be accepted. */
export async function deleteExpiredOf(tx: Tx, organizationId: string, addressKey: string, now: number): Promise<void> {
  await tx
    .deleteFrom('invitation')
    .where('organizationId', '=', organizationId)
    .where('addressKey', '=', addressKey)
    .where('expiresAt', '<=', now)
    .execute()
}

/** What waits for somebody under one of their verified addresses, or under an account that it made: moot once they come or go. */
export async function deleteInvitationsOf(tx: Tx, organizationId: string, userId: string): Promise<string[]> {
  const rows = await tx
    .deleteFrom('invitation')
    .where('organizationId', '=', organizationId)
    .where((e) =>
      e.or([
        e(
          'addressKey',
          'in',
          e
            .selectFrom('email')
            .select('email.addressKey')
            .where('email.userId', '=', userId)
            .where('email.verifiedAt', 'is not', null),
        ),
        e('accountId', '=', userId),
      ]),
    )
    .returning('address')
    .execute()
  return rows.map((row) => row.address)
}

/** At most `limit` at a time. Returns how many. */
export async function deleteExpiredInvitations(tx: Tx, before: number, limit: number): Promise<number> {
  const rows = await tx
    .deleteFrom('invitation')
    .where('id', 'in', (q) =>
      q.selectFrom('invitation').select('invitation.id').where('invitation.expiresAt', '<=', before).limit(limit),
    )
    .returning('id')
    .execute()
  return rows.length
}

const verified = prepared<{ userId: string; key: string }, { id: string }>((q, param) =>
  q
    .selectFrom('email')
    .select('id')
    .where('userId', '=', param('userId'))
    .where('addressKey', '=', param('key'))
    .where('verifiedAt', 'is not', null),
)

/** Whether this account has proved that the address is its own. */
export async function hasVerified(on: Tx | Db['read'], userId: string, addressKey: string): Promise<boolean> {
  return (await verified.first(on, { userId, key: addressKey })) !== null
}
