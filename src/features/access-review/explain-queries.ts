/** Who and which token a question is about. Each finds only what is of the organization that is asked in. */
import { sql } from 'kysely'
import { endsAt, roleAt } from '../../access/role-at.ts'
import { nameKey } from '../../domain/names.ts'
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'

const tokenOwner = prepared<{ id: string }, { ownerId: string }>((q, param) =>
  q.selectFrom('accessToken').select('ownerId').where('id', '=', param('id')),
)

const memberByName = prepared<
  { organizationId: string; nameKey: string; now: number },
  { id: string; role: string | null }
>((q, param) =>
  q
    .selectFrom('namespace as n')
    .innerJoin('roleGrant as g', (join) =>
      join.onRef('g.principalId', '=', 'n.id').on('g.targetId', '=', param('organizationId')),
    )
    .select(['n.id', roleAt('g', param('now')).as('role')])
    .where('n.nameKey', '=', param('nameKey'))
    .where('n.kind', '=', 'user'),
)

const machineById = prepared<{ organizationId: string; id: string }, { id: string }>((q, param) =>
  q
    .selectFrom('serviceAccount')
    .select('id')
    .where('id', '=', param('id'))
    .where('organizationId', '=', param('organizationId')),
)

const machineByName = prepared<{ organizationId: string; nameKey: string }, { id: string }>((q, param) =>
  q
    .selectFrom('serviceAccount')
    .select('id')
    .where('organizationId', '=', param('organizationId'))
    .where('nameKey', '=', param('nameKey')),
)

const userByName = prepared<{ nameKey: string }, { id: string }>((q, param) =>
  q.selectFrom('namespace').select('id').where('nameKey', '=', param('nameKey')).where('kind', '=', 'user'),
)

export async function findTokenOwner(db: Db, id: string): Promise<string | null> {
  return (await tokenOwner.first(db.read, { id }))?.ownerId ?? null
}

export async function isMachineOf(db: Db, organizationId: string, id: string): Promise<boolean> {
  return (await machineById.first(db.read, { organizationId, id })) !== null
}

/** A member at that moment (ms) by user name, or a service account as `sa-ID` or by what people call it. */
export async function findParty(db: Db, organizationId: string, name: string, now: number): Promise<string | null> {
  const id = /^sa-([0-9a-f]{24})$/.exec(name)?.[1]
  if (id !== undefined) return (await machineById.first(db.read, { organizationId, id }))?.id ?? null
  const by = { organizationId, nameKey: nameKey(name) }
  const member = await memberByName.first(db.read, { ...by, now })
  if (member !== null && member.role !== null) return member.id
  return (await machineByName.first(db.read, by))?.id ?? null
}

export async function findUser(db: Db, name: string): Promise<string | null> {
  return (await userByName.first(db.read, { nameKey: nameKey(name) }))?.id ?? null
}

/** A grant that gives somebody a role: their own, or that of a group that they are in. */
export interface WayRow {
  readonly targetKind: 'organization' | 'workspace' | 'repo'
  readonly role: string
  /** When a role for a while ends; null for one that lasts. */
  readonly until: number | null
  readonly kind: 'given' | 'break_glass' | null
  /** Name of the workspace that it is in. */
  readonly place: string | null
  /** Name of the group; null for their own. */
  readonly group: string | null
}

type Row = Omit<WayRow, 'role'> & { readonly role: string | null }

const ownWays = prepared<
  { principalId: string; organizationId: string; workspaceId: string; repoId: string; now: number },
  Row
>((q, param) =>
  q
    .selectFrom('roleGrant as g')
    .leftJoin('workspace as w', 'w.id', 'g.targetId')
    .select(['g.targetKind', 'g.temporaryKind as kind', 'w.name as place'])
    .select([roleAt('g', param('now')).as('role'), endsAt('g', param('now')).as('until')])
    .select(sql<null>`null`.as('group'))
    .where('g.targetId', 'in', [param('organizationId'), param('workspaceId'), param('repoId')])
    .where('g.principalId', '=', param('principalId')),
)

/** So many groups are named. */
const mostGroups = 20

const groupWays = prepared<{ principalId: string; workspaceId: string; now: number }, Row>((q, param) =>
  q
    .selectFrom('groupMember as m')
    .innerJoin('roleGrant as g', (join) =>
      join.onRef('g.principalId', '=', 'm.groupId').on('g.targetId', '=', param('workspaceId')),
    )
    .innerJoin('memberGroup as mg', 'mg.id', 'm.groupId')
    .innerJoin('workspace as w', 'w.id', 'g.targetId')
    .select(['g.targetKind', 'g.temporaryKind as kind', 'w.name as place', 'mg.name as group'])
    .select([roleAt('g', param('now')).as('role'), endsAt('g', param('now')).as('until')])
    .where('m.principalId', '=', param('principalId'))
    .limit(mostGroups),
)

/** What gives them a role there at that moment (ms). */
export async function findWays(
  db: Db,
  principalId: string,
  at: { readonly organizationId: string; readonly workspaceId: string | null; readonly repoId: string | null },
  now: number,
): Promise<WayRow[]> {
  const { organizationId } = at
  const workspaceId = at.workspaceId ?? ''
  const own = await ownWays.run(db.read, { principalId, organizationId, workspaceId, repoId: at.repoId ?? '', now })
  const through = workspaceId === '' ? [] : await groupWays.run(db.read, { principalId, workspaceId, now })
  return [...own, ...through].flatMap((row) => (row.role === null ? [] : [{ ...row, role: row.role }]))
}
