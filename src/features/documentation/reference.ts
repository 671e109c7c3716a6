/** The API reference: the operations of `access/api-description.ts` in groups, with their schemas as rows that a person reads. */
import { type Described, describedRoutes } from '../../access/api-description.ts'
import type { Route } from '../../access/route.ts'
import { permissionRow } from '../../domain/permissions.ts'
import { rowsOfSchema, type SchemaRow } from './schema-rows.ts'

export interface Operation {
  /** Unique on its page: a fragment of an address. */
  readonly id: string
  readonly method: string
  readonly path: string
  readonly summary: string
  /** A row of docs/permissions.md; null where the request decides. */
  readonly action: string | null
  /** Whether no token can do it. */
  readonly sessionOnly: boolean
  readonly query: readonly SchemaRow[]
  readonly body: readonly SchemaRow[]
  readonly answers: readonly { readonly status: string; readonly text: string }[]
}

export interface OperationGroup {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly operations: readonly Operation[]
}

interface Place {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly takes: RegExp
}

/** The first that takes a path has it. */
const places: readonly Place[] = [
  {
    name: 'service-accounts',
    title: 'Service accounts',
    about: 'Accounts of an organization for programs, and their tokens',
    takes: /^\/api\/organizations\/:\w+\/service-accounts/,
  },
  {
    name: 'groups-and-workspaces',
    title: 'Groups and workspaces',
    about: 'Several people under one name, and places where a role of its own counts',
    takes: /^\/api\/organizations\/:\w+\/(?:groups|workspaces|resource-groups)/,
  },
  {
    name: 'organizations',
    title: 'Organizations',
    about: 'Members, invitations, policies, audit log, access as code',
    takes: /^\/api\/organizations/,
  },
  {
    name: 'repositories',
    title: 'Repositories',
    about: 'Create, list, commit, branches, settings, access requests, scans',
    takes: /^\/api\/(?:\{kinds\}|repos|models|datasets|spaces|validate-yaml|models-tags|datasets-tags)/,
  },
  {
    name: 'files',
    title: 'Files, git and LFS',
    about: 'What clients read and push; addresses that they know by themselves',
    takes: /^\/(?:\{prefix\}|lfs)/,
  },
  { name: 'xet', title: 'Xet', about: 'Large files in chunks', takes: /^\/(?:cas\/|v1\/telemetry)/ },
  {
    name: 'inference',
    title: 'Inference',
    about: 'Models that answer: by the API of OpenAI, and the classic one',
    takes: /^\/(?:v1|models)\//,
  },
  {
    name: 'tokens',
    title: 'Tokens and access',
    about: 'Who am I, why was it refused, child tokens, leaked tokens',
    takes: /^\/api\/(?:access|tokens|credentials|whoami|settings\/(?:tokens|honey-tokens))/,
  },
  {
    name: 'you',
    title: 'You',
    about: 'Keys, repositories and storage of your account',
    takes: /^\/api\/(?:settings|users)|^\/avatars/,
  },
  {
    name: 'oauth',
    title: 'OAuth and OpenID Connect',
    about: 'Sign-in for other sites and programs, and for CI',
    takes: /^\/oauth|openid/,
  },
  { name: 'hub', title: 'This hub', about: 'Health, keys, quarantine, webhooks of the whole hub', takes: /^\// },
]

/** Every route that has a summary stands in exactly one group. */
export function operationGroups(routes: readonly Route[]): OperationGroup[] {
  const found = new Map<string, Operation[]>()
  for (const described of describedRoutes(routes)) {
    const place = places.find(({ takes }) => takes.test(described.path))
    if (place === undefined) continue
    const list = found.get(place.name) ?? []
    list.push(operationOf(described))
    found.set(place.name, list)
  }
  return places.map(({ name, title, about }) => ({
    name,
    title,
    about,
    operations: (found.get(name) ?? []).sort((a, b) => order(a).localeCompare(order(b))),
  }))
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

function order({ path, method }: Operation): string {
  return `${path} ${methods.indexOf(method)}`
}

function operationOf({ method, path, summary, action, query, body, answers }: Described): Operation {
  return {
    id: `${method.toLowerCase()}${path.replace(/[^\w]+/g, '-').replace(/-$/, '')}`,
    method,
    path,
    summary,
    action,
    sessionOnly: action !== null && permissionRow(action).token === 'session',
    query: rowsOfSchema(query),
    body: rowsOfSchema(body),
    answers: Object.entries(answers).map(([status, text]) => ({ status, text })),
  }
}
