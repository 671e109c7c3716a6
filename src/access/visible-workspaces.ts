/** Which workspaces a viewer may know of, for what is said about repos that lie in them: many at once, by the policy's own rule. */
import type { OrganizationFacts, PartFacts } from '../domain/facts.ts'
import { noStanding, plainOrganization } from '../domain/facts.ts'
import { decide } from '../domain/policy.ts'
import type { Db } from '../platform/db/database.ts'
import type { Viewer } from './restriction.ts'
import { type Holdings, loadHoldings } from './viewer-reach.ts'

/** Name by id, of those among `ids` that `resource_group.read` allows. */
export async function visibleWorkspaces(
  db: Db,
  viewer: Viewer,
  ids: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids)]
  if (wanted.length === 0 || viewer.principal.kind === 'anonymous') return new Map()
  const [holdings, workspaces] = await Promise.all([loadHoldings(db, viewer, now), workspacesById(db, wanted)])
  const seen = workspaces.filter(
    (workspace) => decide('resource_group.read', factsOf(viewer, workspace, holdings)).allow,
  )
  return new Map(seen.map(({ id, name }) => [id, name]))
}

async function workspacesById(db: Db, ids: readonly string[]): Promise<PartFacts[]> {
  const rows = await db.list
    .selectFrom('workspace')
    .innerJoin('namespace', 'namespace.id', 'workspace.organizationId')
    .select(['workspace.id', 'workspace.name', 'namespace.id as organizationId', 'namespace.name as organizationName'])
    .where('workspace.id', 'in', ids)
    .execute()
  return rows.map(({ id, name, organizationId, organizationName }) => {
    const organization: OrganizationFacts = plainOrganization({ id: organizationId, name: organizationName })
    return { id, name, organization }
  })
}

/** Organizations that keep the viewer out for want of a second factor have no place among the holdings. */
function factsOf(viewer: Viewer, workspace: PartFacts, holdings: Holdings) {
  const { id, organization } = workspace
  const listed = [holdings.permissions.get(organization.id), holdings.permissions.get(id)]
  return {
    ...viewer,
    resource: { on: 'workspace', workspace } as const,
    standing: {
      ...noStanding,
      organizationRole: holdings.roles.get(organization.id) ?? null,
      workspaceRole: holdings.roles.get(id) ?? null,
      tokenGrants: listed.flatMap((permissions) =>
        permissions === undefined ? [] : (JSON.parse(permissions) as string[]),
      ),
    },
  }
}
