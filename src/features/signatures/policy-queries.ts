/** The SQL of signing policies. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { SigningPolicyTable } from '../../platform/db/schema.ts'

const ofBoth = prepared<{ ownerId: string; repoId: string }, SigningPolicyTable>((q, param) =>
  q
    .selectFrom('signingPolicy')
    .selectAll()
    .where('targetId', 'in', [param('ownerId'), param('repoId')]),
)

/** Of an organization and a repo of it, in one statement. */
export async function selectPolicies(db: Db, ownerId: string, repoId: string): Promise<SigningPolicyTable[]> {
  return await ofBoth.run(db.read, { ownerId, repoId })
}

export async function selectPolicyIn(tx: Tx, targetId: string): Promise<SigningPolicyTable | null> {
  const row = await tx.selectFrom('signingPolicy').selectAll().where('targetId', '=', targetId).executeTakeFirst()
  return row ?? null
}

export async function putPolicy(tx: Tx, row: SigningPolicyTable): Promise<void> {
  const { targetId: _, ...change } = row
  await tx
    .insertInto('signingPolicy')
    .values(row)
    .onConflict((conflict) => conflict.column('targetId').doUpdateSet(change))
    .execute()
}

/** So many repos of an owner, in no order. */
export async function selectRepoIds(db: Db, ownerId: string, limit: number): Promise<string[]> {
  const rows = await db.list
    .selectFrom('repo')
    .select('id')
    .where('ownerId', '=', ownerId)
    .where('deletedAt', 'is', null)
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}
