/** The SQL of a rename and of the end of an organization: what hangs on it, in few statements whatever its size. */
import { type SqlBool, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'

/** The addresses of its repos, with the name that it has by now; search follows by its triggers. Gives how many. */
export async function renameRepos(tx: Tx, organizationId: string, name: string): Promise<number> {
  const beginning = `${name}/`
  const result = await tx
    .updateTable('repo')
    .set((e) => ({
      fullName: sql<string>`${beginning} || ${e.ref('repo.name')}`,
      fullNameKey: sql<string>`${beginning.toLowerCase()} || ${e.ref('repo.nameKey')}`,
    }))
    .where('ownerId', '=', organizationId)
    .where('deletedAt', 'is', null)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

export interface LivingRepo {
  readonly id: string
  readonly kind: 'model' | 'dataset' | 'space'
  readonly nameKey: string
  readonly fullName: string
}

/** In the order of kind and name, from the one after `after` on. */
export async function selectRepos(
  tx: Tx,
  ownerId: string,
  after: Pick<LivingRepo, 'kind' | 'nameKey'> | null,
  limit: number,
): Promise<LivingRepo[]> {
  return await tx
    .selectFrom('repo')
    .select(['id', 'kind', 'nameKey', 'fullName'])
    .where('ownerId', '=', ownerId)
    .where('deletedAt', 'is', null)
    .where(sql<SqlBool>`("kind", "nameKey") > (${after?.kind ?? ''}, ${after?.nameKey ?? ''})`)
    .orderBy('kind')
    .orderBy('nameKey')
    .limit(limit)
    .execute()
}

/** Out of reach at once. What was about them alone has to be gone before: afterwards no index leads from the owner to them. */
export async function markReposDeleted(tx: Tx, ids: readonly string[], now: number): Promise<void> {
  if (ids.length > 0) await tx.updateTable('repo').set({ deletedAt: now }).where('id', 'in', ids).execute()
}

/** Roles of anybody on the organization, its workspaces and its repos, and those of its service accounts and groups. */
export async function deleteAllGrants(tx: Tx, organizationId: string): Promise<void> {
  const id = sql`${organizationId}`
  const repos = sql`(select "id" from "repo" where "ownerId" = ${id} and "deletedAt" is null)`
  const workspaces = sql`(select "id" from "workspace" where "organizationId" = ${id})`
  const machines = sql`(select "id" from "serviceAccount" where "organizationId" = ${id})`
  const groups = sql`(select "id" from "memberGroup" where "organizationId" = ${id})`
  await sql`delete from "roleGrant" where "targetId" in ${repos}`.execute(tx)
  await sql`delete from "roleGrant" where "targetId" in ${workspaces}`.execute(tx)
  await sql`delete from "roleGrant" where "principalId" in ${machines}`.execute(tx)
  await sql`delete from "roleGrant" where "principalId" in ${groups}`.execute(tx)
  await sql`delete from "roleGrant" where "targetId" = ${id}`.execute(tx)
  await sql`delete from "accessRequest" where "principalId" in ${machines}`.execute(tx)
  await sql`delete from "accessRequest" where "repoId" in ${repos}`.execute(tx)
  await sql`delete from "tokenGrant" where "entityId" in ${repos}`.execute(tx)
  await sql`delete from "tokenGrant" where "entityId" in ${workspaces}`.execute(tx)
  await sql`delete from "tokenGrant" where "entityId" = ${id}`.execute(tx)
  await sql`delete from "repoRedirect" where "repoId" in ${repos}`.execute(tx)
}

/** Tokens of its service accounts, with what they list (SA-35), and its own (OAT-2). Gives how many of the first. */
export async function deleteMachineTokens(tx: Tx, organizationId: string): Promise<number> {
  await tx.deleteFrom('formerTokenValue').where('ownerId', '=', organizationId).execute()
  await tx.deleteFrom('accessToken').where('ownerId', '=', organizationId).execute()
  await tx
    .deleteFrom('formerTokenValue')
    .where('ownerId', 'in', (q) =>
      q
        .selectFrom('serviceAccount')
        .select('serviceAccount.id')
        .where('serviceAccount.organizationId', '=', organizationId),
    )
    .execute()
  const rows = await tx
    .deleteFrom('accessToken')
    .where('ownerId', 'in', (q) =>
      q
        .selectFrom('serviceAccount')
        .select('serviceAccount.id')
        .where('serviceAccount.organizationId', '=', organizationId),
    )
    .returning('id')
    .execute()
  return rows.length
}

/** The row itself; service accounts, groups, workspaces and invitations go with it. */
export async function deleteOrganizationRow(tx: Tx, organizationId: string): Promise<void> {
  await tx.deleteFrom('organization').where('id', '=', organizationId).execute()
}

export interface Belongings {
  readonly repos: number
  readonly serviceAccounts: number
  readonly groups: number
  readonly workspaces: number
}

/** What the page says before it is deleted. */
export async function countBelongings(on: Tx | Db['list'], organizationId: string): Promise<Belongings> {
  const count = async (table: 'serviceAccount' | 'memberGroup' | 'workspace'): Promise<number> => {
    const row = await on
      .selectFrom(table)
      .select((q) => q.fn.countAll<number>().as('count'))
      .where('organizationId', '=', organizationId)
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  }
  const repos = await on
    .selectFrom('repo')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('ownerId', '=', organizationId)
    .where('deletedAt', 'is', null)
    .executeTakeFirst()
  return {
    repos: Number(repos?.count ?? 0),
    serviceAccounts: await count('serviceAccount'),
    groups: await count('memberGroup'),
    workspaces: await count('workspace'),
  }
}
