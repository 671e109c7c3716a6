/**
 * Where routes are found. Paths are matched as they were sent, still encoded, so that `%2F` inside a revision or a file name is never
 * taken for a separator; each segment is decoded once, afterwards.
 */
import findMyWay from 'find-my-way'
import type { RepoKind } from '../domain/facts.ts'
import { decodeSegment } from '../domain/names.ts'
import type { Method, Params, Route } from './route.ts'

interface Mounted {
  readonly route: Route
  readonly kind: RepoKind
  /** Index of each named segment in the path. */
  readonly segments: ReadonlyMap<string, number>
  /** Index of the first segment that `*` stands for. */
  readonly tailStart: number
}

export interface Match {
  readonly route: Route
  readonly params: Params
  /** The path with namespace and name replaced, for a repo that has moved. Null where the route has none. */
  moved(namespace: string, name: string): string | null
  /** The path with the organization's name replaced. Null where the path does not name it. */
  renamed(from: string, to: string): string | null
}

export interface RouteTable {
  find(method: string, path: string): Match | null
  /** Methods that the address takes, for a 405. */
  methodsAt(path: string): Method[]
  /** First segments of all paths: names that no user or organization may have. */
  readonly firstSegments: ReadonlySet<string>
  readonly routes: readonly Route[]
}

const kinds: readonly RepoKind[] = ['model', 'dataset', 'space']
const methods: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

export function routeTable(routes: readonly Route[]): RouteTable {
  const router = findMyWay({ maxParamLength: 4_000, ignoreTrailingSlash: true, caseSensitive: true })
  const firstSegments = new Set<string>()
  const explicitHeads = new Set(routes.filter((route) => route.method === 'HEAD').map((route) => route.path))
  for (const route of routes) {
    for (const { path, kind } of expand(route.path)) {
      const mounted = mount(route, path, kind)
      const first = path.split('/')[1]
      if (first && !first.startsWith(':') && first !== '*') firstSegments.add(first.toLowerCase())
      const answersHead = route.method === 'GET' && !explicitHeads.has(route.path)
      router.on(answersHead ? ['GET', 'HEAD'] : [route.method], path, () => undefined, mounted)
    }
  }
  const find = (method: string, path: string): Match | null => {
    // Anything else is not a method of ours; find-my-way throws on unknown ones.
    if (!methods.includes(method as Method)) return null
    const found = router.find(method as Method, path)
    if (found === null || isShadowed(found.store as Mounted, path)) return null
    return matchOf(found.store as Mounted, path)
  }
  /** Nobody can have the name `api`: `/api/x` is no page of a repo, and is answered as what it is. */
  const isShadowed = ({ segments }: Mounted, path: string): boolean =>
    segments.get('namespace') === 0 && firstSegments.has((path.split('/')[1] ?? '').toLowerCase())
  return {
    find,
    methodsAt: (path) => methods.filter((method) => find(method, path) !== null),
    firstSegments,
    routes,
  }
}

/** `{kinds}` and `{prefix}` stand for three literal paths each: literals are found fastest and cannot be mistaken. */
export function expand(path: string): { path: string; kind: RepoKind }[] {
  if (path.includes('{kinds}')) return kinds.map((kind) => ({ kind, path: path.replace('{kinds}', `${kind}s`) }))
  if (path.includes('{prefix}')) {
    return kinds.map((kind) => ({ kind, path: path.replace('{prefix}', kind === 'model' ? '' : `${kind}s/`) }))
  }
  return [{ path, kind: 'model' }]
}

function mount(route: Route, path: string, kind: RepoKind): Mounted {
  const parts = path.split('/').slice(1)
  const segments = new Map<string, number>()
  parts.forEach((part, index) => {
    if (part.startsWith(':')) segments.set(part.slice(1), index)
  })
  const star = parts.indexOf('*')
  return { route, kind, segments, tailStart: star === -1 ? parts.length : star }
}

function matchOf(mounted: Mounted, path: string): Match {
  const sent = path.split('/').slice(1)
  if (sent.length > 1 && sent.at(-1) === '') sent.pop()
  const params: Params = {
    kind: mounted.kind,
    tail: sent.slice(mounted.tailStart),
    get: (name) => {
      const index = mounted.segments.get(name)
      if (index === undefined) throw new Error(`The path of this route has no segment "${name}".`)
      return decodeSegment(sent[index] ?? '')
    },
  }
  return {
    route: mounted.route,
    params,
    moved: (namespace, name) => {
      const at = mounted.segments.get('namespace')
      const nameAt = mounted.segments.get('name')
      if (at === undefined || nameAt === undefined) return null
      const replaced = [...sent]
      replaced[at] = encodeURIComponent(namespace)
      replaced[nameAt] = encodeURIComponent(name) + (/\.git$/i.test(sent[nameAt] ?? '') ? '.git' : '')
      return `/${replaced.join('/')}`
    },
    renamed: (from, to) => {
      const isIt = (index: number): boolean => decodeSegment(sent[index] ?? '').toLowerCase() === from.toLowerCase()
      const at = [...mounted.segments.values()].find(isIt)
      return at === undefined ? null : `/${sent.with(at, encodeURIComponent(to)).join('/')}`
    },
  }
}
