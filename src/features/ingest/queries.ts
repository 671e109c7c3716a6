/** The SQL of ref moves: intents that are open, what a repo shows of its head, and which large files its commits name. */
import type { LeakPolicy } from '../../domain/leak-policy.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { RefIntentTable } from '../../platform/db/schema.ts'

const openIntents = prepared<{ repoId: string }, RefIntentTable>((q, param) =>
  q.selectFrom('refIntent').selectAll().where('repoId', '=', param('repoId')).orderBy('id'),
)

export async function selectOpenIntents(db: Db, repoId: string): Promise<RefIntentTable[]> {
  return await openIntents.run(db.read, { repoId })
}

/** Events about the repo whose id is `since` or later, ref moves among them. */
export async function selectMovesSince(db: Db, repoId: string, since: string): Promise<{ id: string; data: string }[]> {
  return await db.read
    .selectFrom('event')
    .select(['id', 'data'])
    .where('resourceId', '=', repoId)
    .where('id', '>=', since)
    .orderBy('id')
    .execute()
}

const policyById = prepared<{ id: string }, LeakPolicy>((q, param) =>
  q.selectFrom('organization').select(['leakedTokens', 'pushProtection']).where('id', '=', param('id')),
)

export async function selectLeakPolicy(db: Db, organizationId: string): Promise<LeakPolicy | null> {
  return await policyById.first(db.read, { id: organizationId })
}

/** Heads of repos as their rows have them, in the order of ids. */
export async function selectHeads(
  db: Db,
  after: string,
  limit: number,
): Promise<{ id: string; headCommit: string | null; updatedAt: number }[]> {
  return await db.list
    .selectFrom('repo')
    .select(['id', 'headCommit', 'updatedAt'])
    .where('id', '>', after)
    .where('deletedAt', 'is', null)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** Read in this thread: at a start there are few or none, and a worker only for them would cost more. */
export async function selectReposWithIntents(db: Db): Promise<string[]> {
  const rows = await db.read.selectFrom('refIntent').select('repoId').distinct().execute()
  return rows.map((row) => row.repoId)
}

export async function insertIntents(tx: Tx, intents: readonly RefIntentTable[]): Promise<void> {
  for (const intent of intents) await tx.insertInto('refIntent').values(intent).execute()
}

/** False when it was settled before. */
export async function deleteIntent(tx: Tx, id: string): Promise<boolean> {
  const row = await tx.deleteFrom('refIntent').where('id', '=', id).returning('id').executeTakeFirst()
  return row !== undefined
}

/** `headCommit` undefined leaves it as it is. */
export async function updateRepoHead(
  tx: Tx,
  repoId: string,
  head: { updatedAt: number; headCommit?: string | null },
): Promise<void> {
  await tx.updateTable('repo').set(head).where('id', '=', repoId).execute()
}

/** Large files that commits of the repo name, in order of their hash. */
export async function selectReferenced(db: Db, repoId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.list
    .selectFrom('repoBlob')
    .select('sha256')
    .where('repoId', '=', repoId)
    .where('sha256', '>', after)
    .where('referencedAt', 'is not', null)
    .orderBy('sha256')
    .limit(limit)
    .execute()
  return rows.map((row) => row.sha256)
}
