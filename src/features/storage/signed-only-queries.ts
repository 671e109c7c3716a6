/** The SQL of what is handed out where only signed models are. */
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

export interface SignatureState {
  readonly status: 'verified' | 'unverified' | 'none'
  readonly detail: string | null
  /** Who was trusted then. */
  readonly trust: string
  /** The key that verified it, if it is still trusted. */
  readonly trustedBy: string | null
}

const stateOfCommit = prepared<{ repoId: string; ownerId: string; commit: string }, SignatureState>((q, param) =>
  q
    .selectFrom('modelSignature')
    .leftJoin('trustedModelKey', (join) =>
      join
        .onRef('trustedModelKey.id', '=', 'modelSignature.keyId')
        .on('trustedModelKey.organizationId', '=', param('ownerId')),
    )
    .select(['modelSignature.status', 'modelSignature.detail', 'modelSignature.trust'])
    .select('trustedModelKey.id as trustedBy')
    .where('modelSignature.repoId', '=', param('repoId'))
    .where('modelSignature.commit', '=', param('commit')),
)

export async function selectSignatureState(
  db: Db,
  repo: { readonly id: string; readonly ownerId: string },
  commit: string,
): Promise<SignatureState | null> {
  return await stateOfCommit.first(db.read, { repoId: repo.id, ownerId: repo.ownerId, commit })
}

/** Of these commits, those that are verified by a key that is still trusted. */
export async function selectVerifiedCommits(
  db: Db,
  repo: { readonly id: string; readonly ownerId: string },
  commits: readonly string[],
): Promise<string[]> {
  const rows = await db.read
    .selectFrom('modelSignature')
    .innerJoin('trustedModelKey', 'trustedModelKey.id', 'modelSignature.keyId')
    .select('modelSignature.commit')
    .where('modelSignature.repoId', '=', repo.id)
    .where('modelSignature.commit', 'in', commits)
    .where('modelSignature.status', '=', 'verified')
    .where('trustedModelKey.organizationId', '=', repo.ownerId)
    .execute()
  return rows.map(({ commit }) => commit)
}

/** Of these contents, those that a verified revision of the repo has. */
export async function selectSignedContents(
  db: Db,
  repo: { readonly id: string; readonly ownerId: string },
  contents: readonly string[],
): Promise<string[]> {
  const rows = await db.read
    .selectFrom('signedContent')
    .innerJoin('modelSignature', (join) =>
      join
        .onRef('modelSignature.repoId', '=', 'signedContent.repoId')
        .onRef('modelSignature.commit', '=', 'signedContent.commit'),
    )
    .innerJoin('trustedModelKey', 'trustedModelKey.id', 'modelSignature.keyId')
    .select('signedContent.content')
    .distinct()
    .where('signedContent.repoId', '=', repo.id)
    .where('signedContent.content', 'in', contents)
    .where('modelSignature.status', '=', 'verified')
    .where('trustedModelKey.organizationId', '=', repo.ownerId)
    .execute()
  return rows.map(({ content }) => content)
}

const trustedIds = prepared<{ organizationId: string }, { id: string }>((q, param) =>
  q.selectFrom('trustedModelKey').select('id').where('organizationId', '=', param('organizationId')).orderBy('id'),
)

export async function selectTrustedIds(db: Db, organizationId: string): Promise<string[]> {
  return (await trustedIds.run(db.read, { organizationId })).map(({ id }) => id)
}
