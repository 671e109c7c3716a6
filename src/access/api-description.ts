/** Describes every route that is served, from the routes themselves: as OpenAPI for machines and as a table for people. */
import { z } from 'zod'
import { type Action, permissionRow } from '../domain/permissions.ts'
import type { Route } from './route.ts'
import { expand } from './route-table.ts'

interface Operation {
  readonly summary: string
  readonly tags: string[]
  readonly parameters: unknown[]
  readonly requestBody?: unknown
  readonly responses: Record<string, unknown>
  readonly security: unknown[]
}

/** OpenAPI 3.1. Pages are left out; what has no summary is one. */
export function openApi(routes: readonly Route[], options: { url: string; version: string }): unknown {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    if (route.definition.summary === undefined) continue
    for (const { path } of expand(route.path)) {
      const template = toTemplate(path)
      const item = paths[template] ?? {}
      item[route.method.toLowerCase()] = operationOf(route, path)
      paths[template] = item
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version: options.version, description: 'The Hub API as this instance serves it.' },
    servers: [{ url: options.url }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An access token: hf_...' },
        basic: { type: 'http', scheme: 'basic', description: 'Any user name, an access token as the password' },
        session: { type: 'apiKey', in: 'cookie', name: 'token' },
      },
    },
  }
}

function operationOf(route: Route, path: string): Operation {
  const { definition } = route
  const answers = definition.answers ?? { 200: 'Done' }
  return {
    summary: definition.summary ?? '',
    tags: [route.surface],
    parameters: [...pathParameters(path), ...queryParameters(definition.query)],
    ...(definition.body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: schemaOf(definition.body) } } } }),
    responses: Object.fromEntries(Object.entries(answers).map(([status, description]) => [status, { description }])),
    security: securityOf(route),
  }
}

function securityOf(route: Route): unknown[] {
  const { action } = route.definition
  if (typeof action === 'function') return [{ token: [] }, { basic: [] }]
  const row = permissionRow(action as Action)
  const signedIn = row.token === 'session' ? [{ session: [] }] : [{ token: [] }, { basic: [] }, { session: [] }]
  return row.least === 'anyone' || row.openWherePublic === true ? [{}, ...signedIn] : signedIn
}

function toTemplate(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}')
}

function pathParameters(path: string): unknown[] {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1])
  if (path.endsWith('*')) names.push('rest')
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function queryParameters(schema: z.ZodType | undefined): unknown[] {
  const described = schema === undefined ? null : schemaOf(schema)
  const { properties, required } = (described ?? {}) as { properties?: Record<string, unknown>; required?: string[] }
  return Object.entries(properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: required?.includes(name) ?? false,
    schema: property,
  }))
}

function schemaOf(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
}

/** A route that is described, for pages about the API. */
export interface Described {
  readonly method: string
  /** As the route has it: `:name`, `{kinds}`, `{prefix}`. */
  readonly path: string
  readonly summary: string
  /** Null where the request decides. */
  readonly action: Action | null
  /** JSON Schema of the query and of the body; null for none. */
  readonly query: unknown
  readonly body: unknown
  /** Status to sentence. */
  readonly answers: Readonly<Record<string, string>>
}

export function describedRoutes(routes: readonly Route[]): Described[] {
  return routes.flatMap(({ method, path, definition }) => {
    const { summary, action, query, body, answers } = definition
    if (summary === undefined) return []
    return {
      method,
      path,
      summary,
      action: typeof action === 'function' ? null : action,
      query: query === undefined ? null : schemaOf(query),
      body: body === undefined ? null : schemaOf(body),
      answers: answers ?? { 200: 'Done' },
    }
  })
}

/**
 * The same as a page of Markdown, for scripts/generate-docs.mjs.
 * @public
 */
export function apiReference(routes: readonly Route[]): string {
  const rows = routes
    .filter((route) => route.definition.summary !== undefined)
    .map((route) => {
      const action = typeof route.definition.action === 'string' ? `\`${route.definition.action}\`` : 'by request'
      return `| \`${route.method}\` | \`${route.path}\` | ${route.definition.summary} | ${action} |`
    })
    .sort()
  return [
    '# API',
    '',
    'Every address that this hub serves to programs, with the action of docs/permissions.md that it needs. `{kinds}` is `models`, `datasets` or `spaces`; `{prefix}` is empty, `datasets/` or `spaces/`. The same as OpenAPI: `/.well-known/openapi.json`.',
    '',
    '| method | address | what it does | action |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
