/**
 * The only place where strings from outside become names, refs, revisions and paths. Everything is refused whole and early: a value that
 * passed here is safe in a query, in a git argument and in a file listing, though still never in a shell or a file path of the host.
 */
import { HoldfastError } from './errors.ts'
import type { RepoKind } from './facts.ts'

const namespacePattern = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?$/
const repoNamePattern = /^[\w.-]{1,96}$/
const hexPattern = /^[0-9a-f]{5,40}$/

/** Names that would hide a page or an endpoint; the route table adds its own first segments. */
const reserved = new Set(
  (
    'models datasets spaces api settings organizations oauth login logout join v1 cas new new-dataset new-space assets docs health search admin ' +
    'why papers collections buckets kernels invitations password-reset well-known favicon.ico robots.txt public private git lfs xet hub holdfast ' +
    'huggingface root administrator system support security anonymous deleted ghost service-accounts users user me none null undefined ' +
    'avatars metrics theme verify-email setup sign-in sign-up device'
  ).split(' '),
)

export const nameKey = (name: string): string => name.toLowerCase()

export function isReservedName(name: string, fromRoutes: ReadonlySet<string> = new Set()): boolean {
  const key = nameKey(name)
  return reserved.has(key) || fromRoutes.has(key)
}

/** A user's or organization's new name: 2 to 42 letters, digits and single hyphens, no hyphen at an end. Throws `invalid_name`. */
export function parseNewNamespace(value: string, fromRoutes?: ReadonlySet<string>): string {
  if (value.length < 2 || !namespacePattern.test(value) || value.includes('--')) {
    throw new HoldfastError('invalid_name', {
      reason: 'A name has 2 to 42 letters, digits and single hyphens, and neither begins nor ends with a hyphen.',
    })
  }
  // All digits or 24 hex digits would be taken for an id; the service-account pattern is theirs alone (SA-12).
  if (/^\d+$/.test(value) || /^[0-9a-f]{24}$/i.test(value) || /^sa-[0-9a-f]+$/i.test(value)) {
    throw new HoldfastError('invalid_name', { reason: `"${value}" looks like an id. Choose a name with a word in it.` })
  }
  if (isReservedName(value, fromRoutes)) throw new HoldfastError('name_taken', { name: value })
  return value
}

/** A repo's new name, by the rule that the Python client checks too. Throws `invalid_name`. */
export function parseNewRepoName(value: string): string {
  const fault = repoNameFault(value)
  if (fault !== null) throw new HoldfastError('invalid_name', { reason: fault })
  return value
}

function repoNameFault(value: string): string | null {
  if (!repoNamePattern.test(value)) return 'A repository name has 1 to 96 letters, digits, "-", "_" and ".".'
  if (value.includes('--') || value.includes('..')) return 'A repository name does not contain "--" or "..".'
  if (/^[-.]|[-.]$/.test(value)) return 'A repository name neither begins nor ends with "-" or ".".'
  if (/\.(git|ipynb|lock)$/i.test(value)) return 'A repository name does not end in ".git", ".ipynb" or ".lock".'
  return null
}

/** True if a repo could have this address at all; used before the database is asked. */
export function couldBeRepo(namespace: string, name: string): boolean {
  return namespacePattern.test(namespace) && repoNamePattern.test(name)
}

/** `ns/name`, or just `name` with `namespace: null`. Null if it is neither. */
export function parseRepoId(value: string): { namespace: string | null; name: string } | null {
  const parts = value.split('/')
  if (parts.length === 1 && parts[0]) return { namespace: null, name: parts[0] }
  if (parts.length === 2 && parts[0] && parts[1]) return { namespace: parts[0], name: parts[1] }
  return null
}

const kindOfPlural = { models: 'model', datasets: 'dataset', spaces: 'space' } as const

/** `models` to `model`, and so on; null for anything else. */
export function parseKindPlural(value: string): RepoKind | null {
  return Object.hasOwn(kindOfPlural, value) ? kindOfPlural[value as keyof typeof kindOfPlural] : null
}

export const pluralOfKind = (kind: RepoKind): 'models' | 'datasets' | 'spaces' => `${kind}s`

/** The web and git prefix of a kind: models have none. */
export const prefixOfKind = (kind: RepoKind): string => (kind === 'model' ? '' : `${kind}s/`)

/** `ns/name` with the prefix of its kind, as it stands in addresses. */
export const repoAddress = (kind: RepoKind, namespace: string, name: string): string =>
  `${prefixOfKind(kind)}${namespace}/${name}`

/**
 * Why a name cannot be that of a branch or a tag, or null if it can: git-check-ref-format(1), and no name that reads as something else.
 * `name` comes without `refs/heads/` or `refs/tags/`.
 */
export function refNameFault(name: string): string | null {
  if (name === '' || Buffer.byteLength(name) > 200) return 'it has between 1 and 200 bytes'
  if (/[\x00-\x20\x7f~^:?*[\\]/.test(name)) return 'it contains a space, a control character or one of ~ ^ : ? * [ \\'
  if (name.includes('..') || name.includes('@{')) return 'it contains ".." or "@{"'
  if (name.startsWith('-')) return 'it begins with a hyphen'
  if (name.startsWith('refs/')) return 'it begins with refs/'
  if (name === 'HEAD' || name === '@' || name === 'None') return 'that name is reserved'
  if (/^[0-9a-f]{40}$/.test(name)) return 'it reads as a commit id'
  for (const part of name.split('/')) {
    if (part === '') return 'it begins or ends with a slash, or has two in a row'
    if (part.startsWith('.') || part.endsWith('.') || part.endsWith('.lock'))
      return 'a part begins or ends with a dot, or ends in .lock'
  }
  return null
}

/** A new branch or tag name; throws `invalid_ref_name`. */
export function parseRefName(name: string): string {
  const fault = refNameFault(name)
  if (fault !== null) throw new HoldfastError('invalid_ref_name', { ref: name.slice(0, 100), reason: fault })
  return name
}

/** What a caller asked for as a revision: full ref, something to look up among branches, tags and commits, or the default branch. */
export type RevisionQuery =
  | { readonly by: 'head' }
  | { readonly by: 'ref'; readonly ref: string }
  | { readonly by: 'name'; readonly name: string; readonly couldBeCommit: boolean }

/** Reads a decoded revision. Never git's own revision language (`^`, `~`, `@{}`). Throws `revision_not_found`. */
export function parseRevision(value: string): RevisionQuery {
  if (value === 'HEAD') return { by: 'head' }
  const full = /^refs\/(heads|tags|pr|convert)\/(.+)$/.exec(value)
  if (full?.[1] !== undefined && full[2] !== undefined) {
    const ok = full[1] === 'pr' ? /^\d{1,9}$/.test(full[2]) : refNameFault(full[2]) === null
    if (!ok) throw revisionNotFound(value)
    return { by: 'ref', ref: value }
  }
  const couldBeCommit = hexPattern.test(value)
  if (!couldBeCommit && refNameFault(value) !== null) throw revisionNotFound(value)
  return { by: 'name', name: value, couldBeCommit }
}

export function revisionNotFound(value: string): HoldfastError {
  return new HoldfastError('revision_not_found', { revision: value.slice(0, 100) })
}

/**
 * Splits the tail of an address into revision and path. Segments are still percent-encoded. A revision is one segment (`refs%2Fpr%2F1`)
 * or, as the JS client sends it, three raw ones (`refs/pr/1`). Throws `bad_request` where an escape is broken.
 */
export function splitRevisionAndPath(rawSegments: readonly string[]): { revision: string; path: string } {
  const raw = rawSegments[0] === 'refs' && rawSegments.length >= 3 ? 3 : 1
  const revision = rawSegments.slice(0, raw).map(decodeSegment).join('/')
  const path = rawSegments.slice(raw).map(decodeSegment).join('/')
  return { revision, path }
}

/** Decodes once. Throws `bad_request` for a broken escape. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new HoldfastError('bad_request', { reason: 'The address has a broken percent escape.' })
  }
}

/**
 * Why a path cannot be stored in a repo, or null if it can. The same rule for pushes and API commits: what a clone on Linux, macOS or
 * Windows could turn into a write outside the working tree, or into git's own folder, is refused (CVE-2014-9390, CVE-2019-1353).
 */
export function pathFault(path: string): string | null {
  if (path === '') return 'it is empty'
  if (Buffer.byteLength(path) > 2_000) return 'it is longer than 2,000 bytes'
  if (path.startsWith('/')) return 'it is absolute'
  if (path.includes('\\')) return 'it contains a backslash'
  if (/[\x00-\x1f\x7f]/.test(path)) return 'it contains a control character'
  if (!path.isWellFormed() || path.includes('\ufffd')) return 'it is not valid UTF-8'
  for (const part of path.split('/')) {
    const fault = partFault(part)
    if (fault !== null) return fault
  }
  return null
}

function partFault(part: string): string | null {
  if (part === '') return 'it has an empty part'
  if (part === '.' || part === '..') return 'it contains "." or ".."'
  if (Buffer.byteLength(part) > 255) return 'a part is longer than 255 bytes'
  // Most names; nothing of this form folds to a name of git's.
  if (/^\w[\w.-]*$/.test(part)) return null
  // HFS+ ignores these code points, so `.g\u200cit` is `.git` there; NTFS ignores trailing dots, spaces and streams, and knows `git~1`.
  const folded = part
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '')
  if (folded === '.git' || folded === 'git~1') return "it would reach into git's own folder"
  return null
}

/** A path of a file in a repo; throws `unsafe_path`. */
export function parseRepoPath(path: string): string {
  const fault = pathFault(path)
  if (fault !== null) throw new HoldfastError('unsafe_path', { path: path.slice(0, 200), reason: fault })
  return path
}

/** True for the form of an e-mail address that we take: one @, no spaces, a dot in the domain or `localhost`. */
export function isEmailAddress(value: string): boolean {
  return (
    value.length <= 254 &&
    /^[^\s@<>"(),:;\\[\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value) &&
    !value.includes('..')
  )
}

/** The form in which addresses are compared: only the domain ignores case (behaviours.md, section 5). */
export function emailKey(address: string): string {
  const at = address.lastIndexOf('@')
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase()
}

/** The name that people give a group or a workspace: any words, on one line. Throws `invalid_input`. */
export function parseTitle(value: string, most: number): string {
  const title = value.normalize('NFC').trim().replace(/\s+/g, ' ')
  if (title === '' || [...title].length > most || /\p{C}/u.test(title)) {
    throw new HoldfastError('invalid_input', {
      reason: `A name has 1 to ${most} characters and no invisible ones.`,
      field: 'name',
    })
  }
  return title
}
