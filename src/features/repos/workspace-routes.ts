/** The workspace that a repo lies in, on the Hub's paths of resource groups. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { countRoles } from '../workspaces/service.ts'
import { placeRepo } from './place-repo.ts'

const target = ({ params }: Pick<Asked<unknown>, 'params'>) =>
  ({ on: 'repo', kind: params.kind, namespace: params.get('namespace'), name: params.get('name') }) as const

const workspaceId = z.string().max(100).nullable()

export const repoWorkspaceRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/resource-group',
    surface: 'api',
    action: 'repo.read',
    target,
    summary: 'The resource group that a repository lies in',
    answers: { 404: 'It lies in none, or in one that the caller does not see.' },
    handle: async ({ hub, allowed, authorizeAlso }) => {
      const { owner, workspaceId: id } = allowed.resource
      if (id === null) throw new HoldfastError('workspace_not_found')
      const reading = await authorizeAlso('resource_group.read', {
        on: 'workspace',
        organization: owner.name,
        id,
      }).catch((error: unknown) => {
        // Whatever stands in the way of seeing it, there is nothing to see.
        throw error instanceof HoldfastError ? new HoldfastError('workspace_not_found') : error
      })
      const { people, machines } = (await countRoles(hub.db, [id], hub.clock.now()))(id)
      return json({ id, name: reading.resource.name, numUsers: people + machines })
    },
  }),
  route({
    method: 'POST',
    path: '/api/{kinds}/:namespace/:name/resource-group',
    surface: 'api',
    action: 'repo.update_resource_group',
    target,
    body: z.object({
      resourceGroupId: workspaceId,
      /** Ours: where the caller believes it to be; null for none. */
      from: workspaceId.optional(),
    }),
    summary:
      'Moves a repository into a resource group of its organization, or with null out of any. As on the Hub, the call is its own confirmation; with "from" it is refused where the repository lies elsewhere',
    answers: { 404: 'No such repository, or no such resource group', 409: 'It does not lie where "from" says.' },
    handle: async ({ hub, allowed, body, request }) => {
      await placeRepo(hub, allowed, request.origin, { workspaceId: body.resourceGroupId, from: body.from })
      const { owner, name, kind, visibility } = allowed.resource
      return json({
        name: `${owner.name}/${name}`,
        type: kind,
        private: visibility !== 'public',
        addedBy: accountOf(allowed.principal)?.name ?? '',
      })
    },
  }),
]
