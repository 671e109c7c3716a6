/** The interface of access as code: it reads and compares, and changes nothing. */
import { readText } from '../../access/body.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { exportAccess, mostBytes, planAccess, writeDocument } from './service.ts'

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
      'What would have to change for the organization to be as this file (YAML or JSON, up to 1 MiB) says, and names in it that nobody has. Nothing is changed. See access-as-code.md',
    answers: {
      200: '`changes` and `unknown`',
      413: 'The file is larger than 1 MiB',
      422: 'The file is not of the format; the line is told',
    },
    handle: async ({ hub, allowed, request }) =>
      json(await planAccess(hub, allowed.resource, await readText(request, mostBytes)), 200, headers),
  }),
]
