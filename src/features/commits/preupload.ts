/**
 * What a client asks before it uploads: which files go to large-file storage, which are ignored, and what is there already, so that
 * nothing is sent that has not changed. Many files, one look into the repository.
 */
import { attributesFileLimit } from '../../domain/git-attributes.ts'
import { parseGitIgnore } from '../../domain/git-ignore.ts'
import { parseRepoPath, revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { readObjects } from '../../platform/git/objects.ts'
import { readRefs } from '../../platform/git/refs.ts'
import { entriesAt } from '../../platform/git/tree.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { listEntries } from '../files/service.ts'
import { attributesReader, type ReadTexts, readAttributes } from './attributes.ts'
import { branchRef } from './branch.ts'
import { isBinary } from './sample.ts'

export interface FileToUpload {
  readonly path: string
  readonly size: number
  /** The first bytes, 512 at most. */
  readonly sample: Buffer
}

export interface PreuploadInput {
  readonly revision: string
  readonly files: readonly FileToUpload[]
  /** In place of what stands at the root of the branch. */
  readonly gitAttributes: string | undefined
  readonly gitIgnore: string | undefined
}

export interface PlannedFile {
  readonly path: string
  readonly isLarge: boolean
  readonly isIgnored: boolean
  /** SHA-256 of a large file, git's id of another; null where there is none yet. */
  readonly oid: string | null
}

export interface UploadPlan {
  /** Head of the branch; null for `main` of an empty repo. */
  readonly commit: string | null
  readonly files: readonly PlannedFile[]
}

/** Whatever attributes say: git reads these itself. */
const alwaysRegular = /(?:^|\/)\.git(?:attributes|ignore|modules)$/
/** Bytes of attributes that are read for one request, from the root down. */
const textsLimit = 2 * attributesFileLimit

/** Throws `revision_not_found` where there is no such branch, and `unsafe_path`. */
export async function planUpload(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  reading: Allowed<'repo.read'>,
  input: PreuploadInput,
): Promise<UploadPlan> {
  const repoId = allowed.resource.id
  const ref = branchRef(input.revision)
  const commit = (await readRefs(hub.git, repoId, [ref]))[0] ?? null
  if (commit === null && ref !== 'refs/heads/main') throw revisionNotFound(input.revision)
  const paths = input.files.map((file) => parseRepoPath(file.path))
  const attributes = await readAttributes(textReader(hub, repoId, commit), paths, input.gitAttributes)
  const ignored = input.gitIgnore ?? (await textReader(hub, repoId, commit)(['.gitignore'])).get('.gitignore')
  const ignore = parseGitIgnore(ignored ?? '')
  const known = new Map(
    commit === null ? [] : (await listEntries(hub, reading, commit, paths)).map((entry) => [entry.path, entry]),
  )
  const files: PlannedFile[] = []
  const giveTurn = turnGiver()
  for (const file of input.files) {
    await giveTurn()
    const entry = known.get(file.path)
    files.push({
      path: file.path,
      isLarge: isLarge(file, attributes.filterOf(file.path), hub.config.maxRegularFile),
      isIgnored: ignore.isIgnored(file.path),
      oid: entry?.type === 'file' ? (entry.lfs?.sha256 ?? entry.oid) : null,
    })
  }
  return { commit, files }
}

/**
 * Whether a file goes to large-file storage, by the rules of the repo at the commit (null: it has none yet), for files that come one after the
 * other. Made once for a request: what was read of attributes for one file holds for the next.
 */
export function largeFileRule(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  commit: string | null,
): (file: FileToUpload) => Promise<boolean> {
  const attributesFor = attributesReader(textReader(hub, allowed.resource.id, commit))
  return async (file) => {
    const attributes = await attributesFor([file.path])
    return isLarge(file, attributes.filterOf(file.path), hub.config.maxRegularFile)
  }
}

function isLarge(file: FileToUpload, filter: string | boolean | null, limit: number): boolean {
  if (file.size === 0 || alwaysRegular.test(file.path)) return false
  if (file.size > limit || filter === 'lfs') return true
  // `-filter` is a word of its own: whoever writes it wants the file in git.
  return filter !== false && isBinary(file.sample, file.sample.length < file.size)
}

/** Texts of the commit, `textsLimit` of them over all that one reader is asked for. */
function textReader(hub: Hub, repoId: string, commit: string | null): ReadTexts {
  let total = 0
  return async (paths) => {
    if (commit === null) return new Map()
    const found = (await entriesAt(hub.git, repoId, commit, paths))
      .filter((entry) => entry !== null)
      // Git does not follow a symbolic link here either.
      .filter(({ type, mode, size }) => type === 'blob' && mode !== '120000' && size <= attributesFileLimit)
      .filter(({ size }) => {
        total += size
        return total <= textsLimit
      })
    const objects = await readObjects(
      hub.git,
      repoId,
      found.map((entry) => entry.oid),
      attributesFileLimit,
    )
    return new Map(found.map((entry, index) => [entry.path, objects[index]?.bytes.toString('utf8') ?? '']))
  }
}
