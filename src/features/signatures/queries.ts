/** The SQL of what was found about signed commits. */
import { type Expression, type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { CommitSignatureTable, Schema, SigningKeyTable } from '../../platform/db/schema.ts'

export type KeyRow = SigningKeyTable & { readonly keyId: string }

/** Keys by the ids that signatures name. */
export async function selectKeys(db: Db, keyIds: readonly string[]): Promise<KeyRow[]> {
  if (keyIds.length === 0) return []
  return await db.read
    .selectFrom('signingKeyPart')
    .innerJoin('signingKey', 'signingKey.id', 'signingKeyPart.signingKeyId')
    .selectAll('signingKey')
    .select('signingKeyPart.keyId')
    .where('signingKeyPart.keyId', 'in', keyIds)
    .execute()
}

export interface AddressRow {
  readonly addressKey: string
  readonly userId: string
  readonly verifiedAt: number | null
}

/** Who claims these addresses; at most one of them has verified each. */
export async function selectAddresses(db: Db, addressKeys: readonly string[]): Promise<AddressRow[]> {
  if (addressKeys.length === 0) return []
  return await db.read
    .selectFrom('email')
    .select(['addressKey', 'userId', 'verifiedAt'])
    .where('addressKey', 'in', addressKeys)
    .execute()
}

/** With whether its key is still there, and compromised, and what its signer is called. */
export type PinnedRow = CommitSignatureTable & {
  readonly keyKind: 'gpg' | 'ssh' | null
  readonly keyIsCompromised: number | null
  readonly userName: string | null
  readonly machineName: string | null
}

/** Each page of commits asks this: one text, whatever their number, so that it is built once. */
const pinned = prepared<{ repoId: string; commits: string }, PinnedRow>((q, param) =>
  q
    .selectFrom('commitSignature')
    .leftJoin('signingKey', 'signingKey.id', 'commitSignature.signingKeyId')
    .leftJoin('namespace', 'namespace.id', 'commitSignature.signerId')
    .leftJoin('serviceAccount', 'serviceAccount.id', 'commitSignature.signerId')
    .selectAll('commitSignature')
    .select(['signingKey.kind as keyKind', 'signingKey.isCompromised as keyIsCompromised'])
    .select(['namespace.name as userName', 'serviceAccount.name as machineName'])
    .where('commitSignature.repoId', '=', param('repoId'))
    .where('commitSignature.commit', 'in', listed(q, param('commits'))),
)

function listed(q: Kysely<Schema>, json: Expression<string>): RawBuilder<string> {
  return q.getExecutor().adapter instanceof PostgresAdapter
    ? sql<string>`(select jsonb_array_elements_text(${json}::jsonb))`
    : sql<string>`(select value from json_each(${json}))`
}

export async function selectPinned(db: Db, repoId: string, commits: readonly string[]): Promise<PinnedRow[]> {
  if (commits.length === 0) return []
  return await pinned.run(db.read, { repoId, commits: JSON.stringify(commits) })
}

/** Keeps what was found first: a verdict is pinned (GPG-6). */
export async function insertPinned(tx: Tx, rows: readonly CommitSignatureTable[]): Promise<void> {
  if (rows.length === 0) return
  await tx
    .insertInto('commitSignature')
    .values([...rows])
    .onConflict((conflict) => conflict.columns(['repoId', 'commit']).doNothing())
    .execute()
}

export async function replacePinned(tx: Tx, row: CommitSignatureTable): Promise<void> {
  const { repoId, commit, ...found } = row
  await tx.updateTable('commitSignature').set(found).where('repoId', '=', repoId).where('commit', '=', commit).execute()
}

export interface Concerned {
  readonly repoId: string
  readonly commit: string
  readonly status: string
  readonly signingKeyId: string | null
  readonly keyIsThere: string | null
}

/** A page of the commits that a key or an address concerns, in order. */
export async function selectConcerned(
  db: Db,
  by: { readonly keyId: string } | { readonly email: string },
  after: { readonly repoId: string; readonly commit: string },
  limit: number,
): Promise<Concerned[]> {
  const of = db.list
    .selectFrom('commitSignature')
    .leftJoin('signingKey', 'signingKey.id', 'commitSignature.signingKeyId')
    .select(['commitSignature.repoId', 'commitSignature.commit', 'commitSignature.status'])
    .select(['commitSignature.signingKeyId', 'signingKey.id as keyIsThere'])
    .where((q) =>
      q.or([
        q('commitSignature.repoId', '>', after.repoId),
        q.and([q('commitSignature.repoId', '=', after.repoId), q('commitSignature.commit', '>', after.commit)]),
      ]),
    )
    .orderBy('commitSignature.repoId')
    .orderBy('commitSignature.commit')
    .limit(limit)
  const chosen =
    'keyId' in by ? of.where('commitSignature.keyId', '=', by.keyId) : of.where('commitSignature.email', '=', by.email)
  return await chosen.execute()
}

export async function selectNames(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const [people, machines] = await Promise.all([
    db.read.selectFrom('namespace').select(['id', 'name']).where('id', 'in', ids).execute(),
    db.read.selectFrom('serviceAccount').select(['id', 'name']).where('id', 'in', ids).execute(),
  ])
  return new Map([...people, ...machines].map(({ id, name }) => [id, name]))
}
