/** The SQL behind whoami: the organizations of a person or a service account, with what it is there. */
import { roleAt } from '../../access/role-at.ts'
import { isRole, type Role, stronger } from '../../domain/role.ts'
import type { Db } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { Flag } from '../../platform/db/schema.ts'

export interface OrganizationOfRow {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
  readonly role: Role
  readonly secondFactorRequired: Flag
  readonly tokenPolicy: string
  readonly mostTokenDays: number | null
  /** What its administrators said of the token that asks. */
  readonly tokenVerdict: string | null
}

const organizations = prepared<
  { principalId: string; tokenId: string; now: number },
  Omit<OrganizationOfRow, 'role'> & { role: Role | null }
>((q, param) =>
  q
    .selectFrom('roleGrant')
    .innerJoin('organization', 'organization.id', 'roleGrant.targetId')
    .innerJoin('namespace', 'namespace.id', 'organization.id')
    .select(['organization.id', 'namespace.name', 'organization.fullname'])
    .select(roleAt('roleGrant', param('now')).as('role'))
    .leftJoin('organizationToken', (join) =>
      join
        .onRef('organizationToken.organizationId', '=', 'organization.id')
        .on('organizationToken.tokenId', '=', param('tokenId')),
    )
    .select(['organization.secondFactorRequired', 'organization.tokenPolicy', 'organization.mostTokenDays'])
    .select('organizationToken.verdict as tokenVerdict')
    .where('roleGrant.principalId', '=', param('principalId'))
    .where('roleGrant.targetKind', '=', 'organization')
    .orderBy('namespace.nameKey'),
)

/** `tokenId`: of the token that asks; empty where none does. */
export async function organizationsOf(
  db: Db,
  principalId: string,
  tokenId: string,
  now: number,
): Promise<OrganizationOfRow[]> {
  const rows = await organizations.run(db.read, { principalId, tokenId, now })
  return rows.flatMap(({ role, ...row }) => (role === null ? [] : { ...row, role }))
}

const consentOfToken = prepared<{ tokenId: string }, { scope: string; organizationIds: string }>((q, param) =>
  q.selectFrom('oauthGrant').select(['scope', 'organizationIds']).where('tokenId', '=', param('tokenId')),
)

/** What a person ticked for the application that has this token; null for a token that is no application's. */
export async function consentOf(
  db: Db,
  tokenId: string,
): Promise<{ readonly showsEmail: boolean; readonly organizationIds: readonly string[] } | null> {
  const row = await consentOfToken.first(db.read, { tokenId })
  if (row === null) return null
  return {
    showsEmail: row.scope.split(' ').includes('email'),
    organizationIds: JSON.parse(row.organizationIds) as string[],
  }
}

interface RoleRow {
  readonly id: string
  readonly name: string
  readonly organizationId: string
  readonly role: string | null
}

const directRoles = prepared<{ principalId: string; now: number }, RoleRow>((q, param) =>
  q
    .selectFrom('roleGrant')
    .innerJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['workspace.id', 'workspace.name', 'workspace.organizationId'])
    .select(roleAt('roleGrant', param('now')).as('role'))
    .where('roleGrant.principalId', '=', param('principalId')),
)

const rolesThroughGroups = prepared<{ principalId: string; now: number }, RoleRow>((q, param) =>
  q
    .selectFrom('groupMember')
    .innerJoin('roleGrant', 'roleGrant.principalId', 'groupMember.groupId')
    .innerJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['workspace.id', 'workspace.name', 'workspace.organizationId'])
    .select(roleAt('roleGrant', param('now')).as('role'))
    .where('groupMember.principalId', '=', param('principalId')),
)

export interface WorkspaceOf {
  readonly id: string
  readonly name: string
  readonly organizationId: string
  /** The highest of the direct one and those through groups (GRP-6). */
  readonly role: Role
}

export async function workspacesOf(db: Db, principalId: string, now: number): Promise<WorkspaceOf[]> {
  const [direct, throughGroups] = await Promise.all([
    directRoles.run(db.read, { principalId, now }),
    rolesThroughGroups.run(db.read, { principalId, now }),
  ])
  const byId = new Map<string, WorkspaceOf>()
  for (const { role, ...workspace } of [...direct, ...throughGroups]) {
    const highest = stronger(byId.get(workspace.id)?.role ?? null, role !== null && isRole(role) ? role : null)
    if (highest !== null) byId.set(workspace.id, { ...workspace, role: highest })
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
