/** The SQL of model signatures: whom organizations trust, what was found, digests of contents. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { ContentDigestTable, ModelSignatureTable, TrustedModelKeyTable } from '../../platform/db/schema.ts'

const ofOrganization = prepared<{ organizationId: string }, TrustedModelKeyTable>((q, param) =>
  q.selectFrom('trustedModelKey').selectAll().where('organizationId', '=', param('organizationId')).orderBy('id'),
)

/** In the order of their ids, which is that of their making. */
export async function selectTrustedKeys(db: Db, organizationId: string): Promise<TrustedModelKeyTable[]> {
  return await ofOrganization.run(db.read, { organizationId })
}

export async function countTrustedKeys(tx: Tx, organizationId: string): Promise<number> {
  const row = await tx
    .selectFrom('trustedModelKey')
    .select((q) => q.fn.countAll().as('count'))
    .where('organizationId', '=', organizationId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** False where the organization trusts it already. */
export async function insertTrustedKey(tx: Tx, row: TrustedModelKeyTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('trustedModelKey')
    .values(row)
    .onConflict((conflict) => conflict.columns(['organizationId', 'fingerprint']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** Null where the organization has no such key. Addresses that were given before no longer count. */
export async function deleteTrustedKey(
  tx: Tx,
  organizationId: string,
  id: string,
  now: number,
): Promise<TrustedModelKeyTable | null> {
  const row = await tx
    .deleteFrom('trustedModelKey')
    .where('id', '=', id)
    .where('organizationId', '=', organizationId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return null
  await tx.updateTable('organization').set({ modelKeyRemovedAt: now }).where('id', '=', organizationId).execute()
  return row
}

/** Since when an organization hands out signed models alone; 0: it does not. */
export async function selectSignedSince(db: Db, organizationId: string): Promise<number> {
  const row = await db.read
    .selectFrom('organization')
    .select('signedModelsSince')
    .where('id', '=', organizationId)
    .executeTakeFirst()
  return row?.signedModelsSince ?? 0
}

/** True where that changed something. */
export async function updateSignedSince(tx: Tx, organizationId: string, since: number): Promise<boolean> {
  const done = await tx
    .updateTable('organization')
    .set({ signedModelsSince: since })
    .where('id', '=', organizationId)
    .where('signedModelsSince', since === 0 ? '>' : '=', 0)
    .executeTakeFirst()
  return done.numUpdatedRows === 1n
}

const stateOf = prepared<{ repoId: string; commit: string }, ModelSignatureTable>((q, param) =>
  q
    .selectFrom('modelSignature')
    .selectAll()
    .where('repoId', '=', param('repoId'))
    .where('commit', '=', param('commit')),
)

export async function selectState(db: Db, repoId: string, commit: string): Promise<ModelSignatureTable | null> {
  return await stateOf.first(db.read, { repoId, commit })
}

/** When these bytes first came to the repo as a signature; null: they are new. */
export async function selectSeenAt(db: Db, repoId: string, bundle: string): Promise<number | null> {
  const row = await db.read
    .selectFrom('modelSignature')
    .select('seenAt')
    .where('repoId', '=', repoId)
    .where('bundle', '=', bundle)
    .orderBy('seenAt')
    .limit(1)
    .executeTakeFirst()
  return row?.seenAt ?? null
}

export async function putState(tx: Tx, row: ModelSignatureTable): Promise<void> {
  const { repoId: _, commit: _commit, ...found } = row
  await tx
    .insertInto('modelSignature')
    .values(row)
    .onConflict((conflict) => conflict.columns(['repoId', 'commit']).doUpdateSet(found))
    .execute()
}

/** Some repos of an owner, in the order of their ids. */
export async function selectRepoIds(db: Db, ownerId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.list
    .selectFrom('repo')
    .select('id')
    .where('ownerId', '=', ownerId)
    .where('deletedAt', 'is', null)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** The signatures in some repos of an organization that are not verified, or were by a key that it trusts no more: another may verify them now. */
export async function selectDoubtful(
  db: Db,
  organizationId: string,
  repoIds: readonly string[],
): Promise<{ repoId: string; commit: string }[]> {
  if (repoIds.length === 0) return []
  return await db.list
    .selectFrom('modelSignature')
    .select(['repoId', 'commit'])
    .where('repoId', 'in', repoIds)
    .where((q) =>
      q.or([
        q('status', '=', 'unverified'),
        q.and([
          q('status', '=', 'verified'),
          q.not(
            q.exists(
              q
                .selectFrom('trustedModelKey')
                .select('trustedModelKey.id')
                .whereRef('trustedModelKey.id', '=', 'modelSignature.keyId')
                .where('trustedModelKey.organizationId', '=', organizationId),
            ),
          ),
        ]),
      ]),
    )
    .execute()
}

/** Revisions that are verified by a key. */
export async function countVerifiedBy(db: Db, keyId: string): Promise<number> {
  const row = await db.list
    .selectFrom('modelSignature')
    .select((q) => q.fn.countAll<number | string>().as('count'))
    .where('keyId', '=', keyId)
    .where('status', '=', 'verified')
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

export async function insertSignedContents(
  tx: Tx,
  repoId: string,
  commit: string,
  contents: readonly string[],
): Promise<void> {
  if (contents.length === 0) return
  await tx
    .insertInto('signedContent')
    .values(contents.map((content) => ({ repoId, content, commit })))
    .onConflict((conflict) => conflict.columns(['repoId', 'content', 'commit']).doNothing())
    .execute()
}

export async function selectDigests(
  db: Db,
  kind: string,
  contents: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (contents.length === 0) return new Map()
  const rows = await db.read
    .selectFrom('contentDigest')
    .select(['content', 'digest'])
    .where('content', 'in', contents)
    .where('kind', '=', kind)
    .execute()
  return new Map(rows.map(({ content, digest }) => [content, digest]))
}

export async function insertDigests(tx: Tx, rows: readonly ContentDigestTable[]): Promise<void> {
  if (rows.length === 0) return
  await tx
    .insertInto('contentDigest')
    .values([...rows])
    .onConflict((conflict) => conflict.columns(['content', 'kind']).doNothing())
    .execute()
}

const repoById = prepared<{ id: string }, { id: string; ownerId: string }>((q, param) =>
  q.selectFrom('repo').select(['id', 'ownerId']).where('id', '=', param('id')).where('deletedAt', 'is', null),
)

/** Null where it is gone. */
export async function selectRepo(db: Db, id: string): Promise<{ id: string; ownerId: string } | null> {
  return await repoById.first(db.read, { id })
}

export interface HeadRow {
  readonly name: string
  readonly nameKey: string
  /** Null without files. */
  readonly headCommit: string | null
  /** Null where nobody has looked at the head. */
  readonly status: 'verified' | 'unverified' | 'none' | null
  readonly detail: string | null
  /** By a key that is still trusted. */
  readonly isVerified: 0 | 1
  readonly isWorkspaceSignedOnly: 0 | 1
}

const headsOf = prepared<{ ownerId: string; after: string; limit: number }, HeadRow>((q, param) =>
  q
    .selectFrom('repo')
    .leftJoin('modelSignature', (join) =>
      join.onRef('modelSignature.repoId', '=', 'repo.id').onRef('modelSignature.commit', '=', 'repo.headCommit'),
    )
    .leftJoin('trustedModelKey', (join) =>
      join
        .onRef('trustedModelKey.id', '=', 'modelSignature.keyId')
        .onRef('trustedModelKey.organizationId', '=', 'repo.ownerId'),
    )
    .leftJoin('workspace', 'workspace.id', 'repo.workspaceId')
    .select(['repo.name', 'repo.nameKey', 'repo.headCommit', 'modelSignature.status', 'modelSignature.detail'])
    .select((eb) => [
      eb
        .case()
        .when(eb.and([eb('modelSignature.status', '=', 'verified'), eb('trustedModelKey.id', 'is not', null)]))
        .then(eb.lit(1))
        .else(eb.lit(0))
        .end()
        .as('isVerified'),
      eb
        .case()
        .when('workspace.signedModelsSince', '>', 0)
        .then(eb.lit(1))
        .else(eb.lit(0))
        .end()
        .as('isWorkspaceSignedOnly'),
    ])
    .where('repo.ownerId', '=', param('ownerId'))
    .where('repo.kind', '=', 'model')
    .where('repo.deletedAt', 'is', null)
    .where('repo.nameKey', '>', param('after'))
    .orderBy('repo.nameKey')
    .limit(param('limit')),
)

/** A page of the models of an owner, by name, with what was found of the signature of each head. */
export async function selectHeads(db: Db, ownerId: string, after: string, limit: number): Promise<HeadRow[]> {
  return await headsOf.run(db.list, { ownerId, after, limit })
}
