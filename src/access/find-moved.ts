/** Where a repo is now that used to be at an address: through its own old names and its owner's. Asked only after a miss. */
import type { RepoKind } from '../domain/facts.ts'
import { nameKey } from '../domain/names.ts'
import type { Db } from '../platform/db/database.ts'
import { prepared } from '../platform/db/prepared.ts'

interface OwnerRow {
  id: string
}

interface RepoRow {
  id: string
  ownerName: string
  name: string
}

const ownerByName = prepared<{ key: string }, OwnerRow>((q, param) =>
  q
    .selectFrom('namespace')
    .select('id')
    .where('nameKey', '=', param('key'))
    .union(q.selectFrom('retiredName').select('namespaceId as id').where('nameKey', '=', param('key'))),
)

const repoByName = prepared<{ ownerId: string; kind: string; key: string }, RepoRow>((q, param) =>
  q
    .selectFrom('repo')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .select(['repo.id', 'namespace.name as ownerName', 'repo.name'])
    .where('repo.ownerId', '=', param('ownerId'))
    .where('repo.kind', '=', param('kind') as never)
    .where('repo.nameKey', '=', param('key'))
    .where('repo.deletedAt', 'is', null),
)

const repoByOldName = prepared<{ ownerId: string; kind: string; key: string }, RepoRow>((q, param) =>
  q
    .selectFrom('repoRedirect')
    .innerJoin('repo', 'repo.id', 'repoRedirect.repoId')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .select(['repo.id', 'namespace.name as ownerName', 'repo.name'])
    .where('repoRedirect.ownerId', '=', param('ownerId'))
    .where('repoRedirect.kind', '=', param('kind') as never)
    .where('repoRedirect.nameKey', '=', param('key'))
    .where('repo.deletedAt', 'is', null),
)

/** Null where nothing was ever there, or it is gone. Says nothing about who may see it: the caller decides that (REP-3). */
export async function findMovedRepo(
  db: Db,
  kind: RepoKind,
  namespace: string,
  name: string,
): Promise<{ id: string; namespace: string; name: string } | null> {
  const owner = await ownerByName.first(db.read, { key: nameKey(namespace) })
  if (owner === null) return null
  const key = { ownerId: owner.id, kind, key: nameKey(name) }
  const repo = (await repoByName.first(db.read, key)) ?? (await repoByOldName.first(db.read, key))
  return repo === null ? null : { id: repo.id, namespace: repo.ownerName, name: repo.name }
}

const renamedOwner = prepared<{ key: string }, { name: string }>((q, param) =>
  q
    .selectFrom('retiredName')
    .innerJoin('namespace', 'namespace.id', 'retiredName.namespaceId')
    .select('namespace.name')
    .where('retiredName.nameKey', '=', param('key')),
)

/** What an organization is called now that gave this name up. Null where nobody did, or they are gone. Names are no secret. */
export async function findRenamedOwner(db: Db, name: string): Promise<string | null> {
  return (await renamedOwner.first(db.read, { key: nameKey(name) }))?.name ?? null
}
