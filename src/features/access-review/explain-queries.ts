/** Who and which token a question is about. Each finds only what is of the organization that is asked in. */
import { roleAt } from '../../access/role-at.ts'
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
