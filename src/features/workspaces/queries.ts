/** The SQL of workspaces themselves. Who has a role in one: roster-queries.ts; what lies in one: content-queries.ts. */
import { type Insertable, type Selectable, sql } from 'kysely'
import { holdsAt, opensAt, roleAt } from '../../access/role-at.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { WorkspaceTable } from '../../platform/db/schema.ts'

export type WorkspaceRow = Selectable<WorkspaceTable>

/** False where the organization has a workspace of that name. */
export async function insertWorkspace(tx: Tx, row: Insertable<WorkspaceTable>): Promise<boolean> {
  const inserted = await tx
    .insertInto('workspace')
    .values(row)
    .onConflict((conflict) => conflict.columns(['organizationId', 'nameKey']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** As it is now. `update`: kept from whoever changes it, its roles or what lies in it; `share`: kept from being deleted. */
export async function selectLocked(
  tx: Tx,
  dialect: Db['dialect'],
  id: string,
  mode: 'share' | 'update',
): Promise<WorkspaceRow | null> {
  const query = tx.selectFrom('workspace').selectAll().where('id', '=', id)
  const locked = dialect === 'sqlite' ? query : mode === 'share' ? query.forShare() : query.forUpdate()
  return (await locked.executeTakeFirst()) ?? null
}

/** Holds the organization still against everybody who adds people to it, or changes their roles. */
export async function lockOrganization(tx: Tx, dialect: Db['dialect'], id: string): Promise<void> {
  if (dialect === 'sqlite') return
  await tx.selectFrom('organization').select('id').where('id', '=', id).forUpdate().execute()
}

export async function updateWorkspaceRow(
  tx: Tx,
  id: string,
  change: Partial<
    Pick<WorkspaceRow, 'name' | 'nameKey' | 'description' | 'autoJoin' | 'autoJoinRole' | 'signedModelsSince'>
  >,
): Promise<void> {
  await tx.updateTable('workspace').set(change).where('id', '=', id).execute()
}

/** With all roles in it and everything that tokens listed for it. Its repos must have left it. Returns how many roles there were. */
export async function deleteWorkspaceRows(tx: Tx, id: string): Promise<number> {
  const roles = await tx.deleteFrom('roleGrant').where('targetId', '=', id).executeTakeFirst()
  await tx.deleteFrom('tokenGrant').where('entityId', '=', id).execute()
  await tx.deleteFrom('workspace').where('id', '=', id).execute()
  return Number(roles.numDeletedRows)
}

const byId = prepared<{ id: string }, WorkspaceRow>((q, param) =>
  q.selectFrom('workspace').selectAll().where('id', '=', param('id')),
)

export async function findWorkspaceRow(db: Db, id: string): Promise<WorkspaceRow | null> {
  return await byId.first(db.read, { id })
}

type ListParams = { organizationId: string; after: string; limit: number }

const every = prepared<ListParams, WorkspaceRow>((q, param) =>
  q
    .selectFrom('workspace')
    .selectAll()
    .where('organizationId', '=', param('organizationId'))
    .where('nameKey', '>', param('after'))
    .orderBy('nameKey')
    .limit(param('limit')),
)

/**
 * Begins with what the one principal has a role in, of which there are few, whatever the number of workspaces: gathered first, since a planner
 * that knows nothing of the tables yet would ask for each workspace of the organization.
 */
async function ownOnes(
  db: Db,
  params: ListParams & { readonly principalId: string; readonly now: number },
): Promise<WorkspaceRow[]> {
  const { organizationId, principalId, after, limit, now } = params
  const { rows } = await sql<WorkspaceRow>`with "own" as materialized (
      select "g"."targetId" as "id" from "roleGrant" as "g"
        where "g"."principalId" = ${principalId} and "g"."targetKind" = 'workspace' and ${opensAt('g', now)}
      union select "gg"."targetId" from "groupMember" as "m" cross join "roleGrant" as "gg"
        where "m"."principalId" = ${principalId} and "gg"."principalId" = "m"."groupId"
          and "gg"."targetKind" = 'workspace' and ${opensAt('gg', now)}
    )
    select "w".* from "own" cross join "workspace" as "w"
    where "w"."id" = "own"."id" and "w"."organizationId" = ${organizationId} and "w"."nameKey" > ${after}
    order by "w"."nameKey" limit ${limit}`.execute(db.list)
  return rows
}

/** Those in which the principal has the role read or more, by name; all of them for null. `after`: the `nameKey` of the last one shown. */
export async function listWorkspaces(
  db: Db,
  organizationId: string,
  principalId: string | null,
  { now, ...page }: { readonly after: string; readonly limit: number; readonly now: number },
): Promise<WorkspaceRow[]> {
  return principalId === null
    ? await every.run(db.list, { organizationId, ...page })
    : await ownOnes(db, { organizationId, principalId, now, ...page })
}

/** Gives everybody of the organization whom the workspace takes in a role there, unless they have one. Returns how many got one. */
export async function insertAutoJoiners(
  tx: Tx,
  workspace: Pick<WorkspaceRow, 'id' | 'organizationId' | 'autoJoin' | 'autoJoinRole'>,
  now: number,
): Promise<number> {
  const result = await tx
    .insertInto('roleGrant')
    .columns(['targetId', 'targetKind', 'principalId', 'principalKind', 'role', 'createdAt', 'createdBy'])
    .expression((q) =>
      q
        .selectFrom('roleGrant as member')
        .select([
          sql<string>`cast(${workspace.id} as text)`.as('targetId'),
          sql.lit('workspace').as('targetKind'),
          'member.principalId',
          'member.principalKind',
          sql<string>`cast(${workspace.autoJoinRole} as text)`.as('role'),
          sql<number>`cast(${now} as bigint)`.as('createdAt'),
          sql<string | null>`cast(null as text)`.as('createdBy'),
        ])
        .where('member.targetId', '=', workspace.organizationId)
        // Never service accounts: whoever adds one to a workspace says so.
        .where('member.principalKind', '=', 'user')
        .$if(workspace.autoJoin === 'read_plus', (members) => members.where('member.role', '<>', 'no_access')),
    )
    .onConflict((conflict) => conflict.columns(['targetId', 'principalId']).doNothing())
    .executeTakeFirst()
  return Number(result.numInsertedOrUpdatedRows ?? 0)
}

/** One person into the workspaces of the organization that take in what they have become. Returns the names of those they joined. */
export async function insertIntoAutoJoin(
  tx: Tx,
  person: { readonly organizationId: string; readonly userId: string },
  scopes: readonly ('all' | 'read_plus')[],
  now: number,
): Promise<string[]> {
  const taking = await tx
    .selectFrom('workspace')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 'workspace.id').on('g.principalId', '=', person.userId),
    )
    .select(['workspace.id', 'workspace.name', 'workspace.autoJoinRole'])
    .where('workspace.organizationId', '=', person.organizationId)
    .where('workspace.autoJoin', 'in', scopes)
    .where('g.targetId', 'is', null)
    .orderBy('workspace.nameKey')
    .execute()
  for (let at = 0; at < taking.length; at += 500) {
    const rows = taking.slice(at, at + 500).map(({ id, autoJoinRole }) => ({
      targetId: id,
      targetKind: 'workspace' as const,
      principalId: person.userId,
      principalKind: 'user' as const,
      role: autoJoinRole ?? 'read',
      createdAt: now,
      createdBy: null,
    }))
    await tx
      .insertInto('roleGrant')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['targetId', 'principalId']).doNothing())
      .execute()
  }
  return taking.map(({ name }) => name)
}

export interface PlaceToCreate {
  readonly id: string
  readonly name: string
  readonly organization: string
}

/** Workspaces in which the principal may create repos: by a role there, direct or through a group, or by administering the organization. */
export async function listPlacesToCreate(
  db: Db,
  principalId: string,
  limit: number,
  now: number,
): Promise<PlaceToCreate[]> {
  const { rows } = await sql<PlaceToCreate>`select "w"."id", "w"."name", "n"."name" as "organization"
    from (
      select "g"."targetId" as "id" from "roleGrant" as "g"
        where "g"."principalId" = ${principalId} and "g"."targetKind" = 'workspace' and ${roleAt('g', now)} in ('contributor', 'write', 'admin')
      union select "gg"."targetId" from "groupMember" as "m" inner join "roleGrant" as "gg" on "gg"."principalId" = "m"."groupId"
        where "m"."principalId" = ${principalId} and "gg"."targetKind" = 'workspace' and ${roleAt('gg', now)} in ('contributor', 'write', 'admin')
      union select "aw"."id" from "roleGrant" as "a" inner join "workspace" as "aw" on "aw"."organizationId" = "a"."targetId"
        where "a"."principalId" = ${principalId} and "a"."targetKind" = 'organization' and ${roleAt('a', now)} = 'admin'
    ) as "places"
    cross join "workspace" as "w" cross join "namespace" as "n" cross join "roleGrant" as "o"
    where "w"."id" = "places"."id" and "n"."id" = "w"."organizationId"
      and "o"."targetId" = "w"."organizationId" and "o"."principalId" = ${principalId} and ${holdsAt('o', now)}
    order by "n"."nameKey", "w"."nameKey" limit ${limit}`.execute(db.list)
  return rows
}
