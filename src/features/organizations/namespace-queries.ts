/** The SQL of names. A name is claimed or retired inside the transaction that makes or ends its bearer, so it never has two. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { NamespaceTable } from '../../platform/db/schema.ts'

const byKey = prepared<{ key: string }, NamespaceTable>((q, param) =>
  q.selectFrom('namespace').selectAll().where('nameKey', '=', param('key')),
)

export async function findNamespaceByKey(db: Db, key: string): Promise<NamespaceTable | null> {
  return await byKey.first(db.read, { key })
}

/** False where the name is borne by somebody. Waits for a transaction that is giving it up or taking it. */
export async function insertNamespace(tx: Tx, row: NamespaceTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('namespace')
    .values(row)
    .onConflict((conflict) => conflict.column('nameKey').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function isRetired(tx: Tx, nameKey: string): Promise<boolean> {
  const row = await tx.selectFrom('retiredName').select('nameKey').where('nameKey', '=', nameKey).executeTakeFirst()
  return row !== undefined
}

/** Takes the name from its bearer for good. */
export async function retireNamespace(tx: Tx, id: string, now: number): Promise<void> {
  const row = await tx.deleteFrom('namespace').where('id', '=', id).returning('nameKey').executeTakeFirst()
  if (row === undefined) return
  await tx
    .insertInto('retiredName')
    .values({ nameKey: row.nameKey, namespaceId: id, retiredAt: now })
    .onConflict((conflict) => conflict.column('nameKey').doNothing())
    .execute()
}
