/** The SQL of names. A name is claimed or retired inside the transaction that makes or ends its bearer, so it never has two. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { NamespaceTable, RetiredNameTable } from '../../platform/db/schema.ts'

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

/** Until the transaction ends nobody else changes the name, and nothing is made under it (repos read it with a lock of their own). */
export async function lockNamespace(tx: Tx, dialect: Db['dialect'], id: string): Promise<NamespaceTable | null> {
  const query = tx.selectFrom('namespace').selectAll().where('id', '=', id)
  return (await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()) ?? null
}

/** False where somebody else bears the name. */
export async function updateName(tx: Tx, id: string, name: string, nameKey: string): Promise<boolean> {
  const row = await tx
    .updateTable('namespace')
    .set({ name, nameKey })
    .where('id', '=', id)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('namespace as other')
            .select('other.id')
            .where('other.nameKey', '=', nameKey)
            .where('other.id', '!=', id),
        ),
      ),
    )
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function retireKey(tx: Tx, row: RetiredNameTable): Promise<void> {
  await tx
    .insertInto('retiredName')
    .values(row)
    .onConflict((conflict) => conflict.column('nameKey').doNothing())
    .execute()
}

/** Only whoever gave a name up can have it back. */
export async function unretire(tx: Tx, nameKey: string, namespaceId: string): Promise<void> {
  await tx.deleteFrom('retiredName').where('nameKey', '=', nameKey).where('namespaceId', '=', namespaceId).execute()
}

/** Takes the name from its bearer for good. */
export async function retireNamespace(tx: Tx, id: string, now: number): Promise<void> {
  const row = await tx.deleteFrom('namespace').where('id', '=', id).returning('nameKey').executeTakeFirst()
  if (row !== undefined) await retireKey(tx, { nameKey: row.nameKey, namespaceId: id, retiredAt: now })
}
