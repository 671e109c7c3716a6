/* Addresses inside the hub, written once: every segment is percent-encoded here, so that no name, revision or path can
   become another address. Links out of the hub stand only in cards, whose sanitizer decides on them. */

export type RepoKind = 'model' | 'dataset' | 'space'
export type RepoAddress = { kind: RepoKind; namespace: string; name: string }

const kindPrefix: Readonly<Record<RepoKind, string>> = { model: '', dataset: '/datasets', space: '/spaces' }

export const listPath: Readonly<Record<RepoKind, string>> = { model: '/models', dataset: '/datasets', space: '/spaces' }

export const newRepoPath: Readonly<Record<RepoKind, string>> = {
  model: '/new',
  dataset: '/new-dataset',
  space: '/new-space',
}

/** Its README.md is the card of its owner, as on the Hub. */
export function ownerCardRepo(owner: string): RepoAddress {
  return { kind: 'space', namespace: owner, name: 'README' }
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
  view: 'tree' | 'blob' | 'raw' | 'resolve' | 'commits' | 'model-signature' | 'edit' | 'new' | 'upload' | 'delete',
  revision: string,
  path = '',
): string {
  return repoPath(repo, `/${view}/${encodeURIComponent(revision)}${path === '' ? '' : `/${encodePath(path)}`}`)
}

export function commitPath(repo: RepoAddress, commit: string): string {
  return repoPath(repo, `/commit/${encodeURIComponent(commit)}`)
}

/** From `base` to `head`: branches, tags or commits. */
export function comparePath(repo: RepoAddress, base: string, head: string): string {
  return repoPath(repo, `/compare/${encodeURIComponent(base)}...${encodeURIComponent(head)}`)
}

export function namespacePath(name: string): string {
  return `/${encodeURIComponent(name)}`
}

/** A page for administrators of the hub; `''` is the first one. */
export function hubSettingsPath(place: string): string {
  return place === '' ? '/admin' : `/admin/${place}`
}

/** A page of an organization's settings. */
export function organizationSettingsPath(organization: string, place: string): string {
  return `/organizations/${encodeURIComponent(organization)}/settings/${place}`
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

/** The page that shows every check of a decision. */
export const testAccessPath = '/settings/tokens/test'
