/** The SQL behind the events of temporary roles that ended: what they were in, and whose they were. */
import type { Tx } from '../../platform/db/database.ts'
import type { GrantRow } from '../temporary-roles/service.ts'

interface Named {
  readonly id: string
  readonly name: string
}

/** The organization, and the workspace in it where the role was there; null for what is gone, and for a repo. */
export async function placeOfGrant(
  tx: Tx,
  { targetId, targetKind }: GrantRow,
): Promise<{ readonly organization: Named; readonly workspace: Named | null } | null> {
  if (targetKind === 'repo') return null
  const workspace =
    targetKind === 'workspace'
      ? await tx
          .selectFrom('workspace')
          .select(['id', 'name', 'organizationId'])
          .where('id', '=', targetId)
          .executeTakeFirst()
      : undefined
  if (targetKind === 'workspace' && workspace === undefined) return null
  const organization = await tx
    .selectFrom('namespace')
    .select(['id', 'name'])
    .where('id', '=', workspace?.organizationId ?? targetId)
    .executeTakeFirst()
  return organization === undefined ? null : { organization, workspace: workspace ?? null }
}

/** As events call them. */
export async function nameOfPrincipal(tx: Tx, { principalId, principalKind }: GrantRow): Promise<string> {
  const table = principalKind === 'user' ? 'namespace' : principalKind === 'group' ? 'memberGroup' : 'serviceAccount'
  const row = await tx.selectFrom(table).select('name').where('id', '=', principalId).executeTakeFirst()
  return row?.name ?? principalId
}
