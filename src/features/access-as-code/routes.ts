/** The interface of access as code: an organization as a file, what differs from one, and the way from the one to the other. */
import { z } from 'zod'
import { readText } from '../../access/body.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { applyAccess, callerOf, exportAccess, mostBytes, planAccess, writeDocument } from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('org') }) as const
const headers = { 'cache-control': 'no-store', vary: 'accept' }

export const accessAsCodeRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:org/access',
    surface: 'api',
    action: 'org.access_file.read',
    target,
    summary:
      'Settings, token policy, members, groups, workspaces and service accounts as one YAML file, sorted; JSON where Accept asks for it. Lasting roles only. See access-as-code.md',
    answers: { 200: 'The file', 413: 'The organization is larger than a file can be' },
    handle: async ({ hub, allowed, request }): Promise<Reply> => {
      const document = await exportAccess(hub, allowed.resource)
      if (/\bapplication\/json\b/.test(request.header('accept') ?? '')) return json(document, 200, headers)
      return {
        kind: 'body',
        status: 200,
        type: 'application/yaml; charset=utf-8',
        body: writeDocument(document),
        headers,
      }
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:org/access/plan',
    surface: 'api',
    action: 'org.access_file.read',
    target,
    summary:
      'What would have to change for the organization to be as this file (YAML or JSON, up to 1 MiB) says, and names in it that nobody has. `problems`: what the caller would be refused, by line; `digest`: for `apply`. Nothing is changed. See access-as-code.md',
    answers: {
      200: '`changes`, `unknown`, `problems`, `warnings` and `digest`',
      413: 'The file is larger than 1 MiB',
      422: 'The file is not of the format; the line is told',
    },
    handle: async ({ hub, allowed, request }) => {
      const source = await readText(request, mostBytes)
      return json(await planAccess(hub, allowed.resource, source, callerOf(allowed, request.origin)), 200, headers)
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:org/access/apply',
    surface: 'api',
    action: 'org.access_file.apply',
    target,
    query: z.object({
      digest: z.string().regex(/^[0-9a-f]{64}$/, 'The digest that the plan of this file answered.'),
      leaveAdministration: z.enum(['true', 'false']).default('false'),
    }),
    summary:
      'Makes the organization as this file says, whole or not at all. `digest`: of the plan that was seen; `leaveAdministration=true` where the caller means to lose the role admin by it. See access-as-code.md',
    answers: {
      200: '`changes`: what was made',
      412: 'The access was changed since that plan: plan again. Nothing was changed',
      413: 'The file is larger than 1 MiB',
      422: 'The file is not of the format, changes too much at once, or has `problems`, each with its line. Nothing was changed',
    },
    handle: async (call) => {
      const { hub, query, request } = call
      const source = await readText(request, mostBytes)
      // Whoever sends slowly may have lost the role meanwhile.
      const allowed = await call.reauthorize()
      const changes = await applyAccess(hub, allowed.resource, source, callerOf(allowed, request.origin), {
        digest: query.digest,
        leavesAdministration: query.leaveAdministration === 'true',
      })
      return json({ changes }, 200, headers)
    },
  }),
]
