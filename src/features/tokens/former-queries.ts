/** The SQL of values that tokens had before: open for a while after a refresh, then kept as the tripwire. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { FormerTokenValueTable } from '../../platform/db/schema.ts'

/** Whose tokens they are, as an alert needs it when the owner is gone: `organizationId` for a service account. */
export type FormerOwner = Pick<FormerTokenValueTable, 'ownerName' | 'organizationId' | 'contact'>

export async function findFormerOwner(tx: Tx, ownerId: string): Promise<FormerOwner> {
  const machine = await tx
    .selectFrom('serviceAccount')
    .select(['name as ownerName', 'organizationId', 'contact'])
    .where('id', '=', ownerId)
    .executeTakeFirst()
  if (machine !== undefined) return machine
  const bearer = await tx.selectFrom('namespace').select(['name', 'kind']).where('id', '=', ownerId).executeTakeFirst()
  const organizationId = bearer?.kind === 'organization' ? ownerId : null
  return { ownerName: bearer?.name ?? '', organizationId, contact: null }
}

export async function insertFormerValues(tx: Tx, rows: readonly FormerTokenValueTable[]): Promise<void> {
  for (const row of rows) await tx.insertInto('formerTokenValue').values(row).execute()
}

/** Those that are still taken are refused from the next request on. Gives which they were. */
export async function closeFormerValues(
  tx: Tx,
  ownerId: string,
  tokenId: string,
  now: number,
): Promise<Pick<FormerTokenValueTable, 'last4' | 'lastUsedAt'>[]> {
  return await tx
    .updateTable('formerTokenValue')
    .set({ validUntil: null })
    .where('tokenId', '=', tokenId)
    .where('ownerId', '=', ownerId)
    .where('validUntil', '>', now)
    .returning(['last4', 'lastUsedAt'])
    .execute()
}

export type WindowRow = Pick<
  FormerTokenValueTable,
  'tokenId' | 'last4' | 'validUntil' | 'lastUsedAt' | 'lastIp' | 'lastUserAgent'
>

const windows = prepared<{ ownerId: string }, WindowRow>((q, param) =>
  q
    .selectFrom('formerTokenValue')
    .select(['tokenId', 'last4', 'validUntil', 'lastUsedAt', 'lastIp', 'lastUserAgent'])
    .where('ownerId', '=', param('ownerId'))
    .where('validUntil', 'is not', null)
    // The latest of a token comes last.
    .orderBy('validUntil'),
)

/** Old values of an owner's tokens that were given time to go on, and were not ended early. */
export async function listWindows(on: Tx | Db['read'], ownerId: string): Promise<WindowRow[]> {
  return await windows.run(on, { ownerId })
}

export type AlertedValue = Pick<FormerTokenValueTable, 'name' | 'ownerId' | 'ownerName' | 'organizationId' | 'contact'>

/** Null where a value of this token was told of since `quietSince`, or none is known any more. Of two that ask at once, one is told. */
export async function claimAlert(
  tx: Tx,
  tokenId: string,
  at: number,
  quietSince: number,
): Promise<AlertedValue | null> {
  const rows = await tx
    .updateTable('formerTokenValue')
    .set({ alertedAt: at })
    .where('tokenId', '=', tokenId)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('formerTokenValue as other')
            .select('other.hash')
            .where('other.tokenId', '=', tokenId)
            .where('other.alertedAt', '>', quietSince),
        ),
      ),
    )
    .returning(['name', 'ownerId', 'ownerName', 'organizationId', 'contact', 'endedAt'])
    .execute()
  const latest = rows.sort((a, b) => b.endedAt - a.endedAt)[0]
  return latest ?? null
}

/** At most `limit`; gives how many. */
export async function deleteFormerValuesBefore(tx: Tx, endedBefore: number, limit: number): Promise<number> {
  const rows = await tx
    .deleteFrom('formerTokenValue')
    .where('hash', 'in', (q) =>
      q
        .selectFrom('formerTokenValue')
        .select('hash')
        .where('endedAt', '<', endedBefore)
        .orderBy('endedAt')
        .limit(limit),
    )
    .returning('hash')
    .execute()
  return rows.length
}
