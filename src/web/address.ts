/* Addresses inside the hub, written once: every segment is percent-encoded here, and a link that came from a person
   is followed only when it leads somewhere over http, https or mail. */

export type RepoKind = 'model' | 'dataset' | 'space'
export type RepoAddress = { kind: RepoKind; namespace: string; name: string }

const kindPrefix: Readonly<Record<RepoKind, string>> = { model: '', dataset: '/datasets', space: '/spaces' }

export const listPath: Readonly<Record<RepoKind, string>> = { model: '/models', dataset: '/datasets', space: '/spaces' }

export const newRepoPath: Readonly<Record<RepoKind, string>> = {
  model: '/new',
  dataset: '/new-dataset',
  space: '/new-space',
}

export function repoId(repo: RepoAddress): string {
  return `${repo.namespace}/${repo.name}`
}

/** `/acme/m1`, `/datasets/acme/d1`, `/spaces/acme/s1`; with `rest` already encoded. */
export function repoPath(repo: RepoAddress, rest = ''): string {
  return `${kindPrefix[repo.kind]}/${encodeURIComponent(repo.namespace)}/${encodeURIComponent(repo.name)}${rest}`
}

/** An address at a revision. A revision keeps its slashes encoded, since the path begins after it. */
export function revisionPath(
  repo: RepoAddress,
  view: 'tree' | 'blob' | 'raw' | 'resolve' | 'commits',
  revision: string,
  path = '',
): string {
  return repoPath(repo, `/${view}/${encodeURIComponent(revision)}${path === '' ? '' : `/${encodePath(path)}`}`)
}

export function commitPath(repo: RepoAddress, commit: string): string {
  return repoPath(repo, `/commit/${encodeURIComponent(commit)}`)
}

export function namespacePath(name: string): string {
  return `/${encodeURIComponent(name)}`
}

export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** `path?a=b`, without the entries that are empty. */
export function withQuery(path: string, query: Readonly<Record<string, string | null | undefined>>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value) search.set(key, value)
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

/** A link that a person typed: null when it is not http, https or mailto (`javascript:` runs code where we stand). */
export function outwardHref(link: string): string | null {
  const url = URL.canParse(link) ? new URL(link) : null
  return url && ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null
}
