/** The evaluation results of a model at a commit, each with who vouches for it: the signature of the commit that last changed it (GPG-12). */
import type { Allowed } from '../../domain/policy.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { BoundedCache } from '../../platform/git/bounded-cache.ts'
import { type Commit, parseCommit } from '../../platform/git/commit.ts'
import type { GitStore } from '../../platform/git/git-store.ts'
import { readObject } from '../../platform/git/objects.ts'
import { pathVersions } from '../../platform/git/path-versions.ts'
import { listEntries, listFolder, type RepoEntry } from '../files/service.ts'
import { readCard, readYaml } from '../repos/service.ts'
import { type Verification, verificationsOf } from '../signatures/service.ts'
import { findHeld } from '../storage/service.ts'
import { attribute } from './attribute.ts'
import { resultsOfFile, resultsOfModelIndex, type StatedResult } from './results.ts'

export interface EvalResult extends StatedResult {
  /** `README.md` or `.eval_results/gpqa.yaml`. */
  readonly path: string
  /** That last changed it; null where its history is too long to say. */
  readonly commit: string | null
  readonly verification: Verification | null
}

const card = 'README.md'
const folder = '.eval_results'
const fileName = /^\.eval_results\/[\w.-]+\.ya?ml$/
const mostFiles = 50
/** Bytes of a file that is looked at. */
const fileLimit = 1_048_576
/** Commits that changed one file. */
const mostVersions = 200
const commitLimit = 1_048_576

export async function loadEvalResults(hub: Hub, allowed: Allowed<'repo.read'>, commit: string): Promise<EvalResult[]> {
  const files = await filesWithResults(hub, allowed, commit)
  const repoId = allowed.resource.id
  const found: Omit<EvalResult, 'verification'>[] = []
  for (const { path, oid } of files) {
    const results = (await statedIn(hub, repoId, path, oid)) ?? []
    if (results.length === 0) continue
    const origins = await originsOf(hub, repoId, commit, path)
    for (const result of results) found.push({ ...result, path, commit: origins.get(result.key) ?? null })
  }
  const verifications = await verified(hub, repoId, [...new Set(found.flatMap((one) => one.commit ?? []))])
  return found.map((one) => ({ ...one, verification: verifications.get(one.commit ?? '') ?? null }))
}

/** What is held is not read to anybody, in parts neither. */
async function filesWithResults(hub: Hub, allowed: Allowed<'repo.read'>, commit: string): Promise<RepoEntry[]> {
  const entries = await listEntries(hub, allowed, commit, [card, folder])
  const files = entries.filter(({ path, type }) => path === card && type === 'file')
  if (entries.some(({ path, type }) => path === folder && type === 'folder')) {
    const page = await listFolder(hub, allowed, commit, folder, { recursive: false, after: null, limit: mostFiles })
    files.push(...page.entries.filter(({ path, type }) => type === 'file' && fileName.test(path)))
  }
  const plain = files.filter(({ lfs, isSymlink, size }) => lfs === null && !isSymlink && size <= fileLimit)
  const held = await findHeld(hub, allowed.resource, plain.map(contentOf), commit)
  return plain.filter((entry) => !held.has(contentOf(entry)))
}

const stated = new BoundedCache<GitStore, readonly StatedResult[] | null>(500)

/** Null where it cannot be read whole. Remembered by the object, which never changes. */
async function statedIn(hub: Hub, repoId: string, path: string, oid: string): Promise<readonly StatedResult[] | null> {
  const isCard = path === card
  return await stated.get(hub.git, `${repoId} ${isCard ? 'card' : 'file'} ${oid}`, async () => {
    const text = (await readObject(hub.git, repoId, oid, fileLimit))?.bytes.toString('utf8') ?? ''
    if (!isCard) {
      const reading = await readYaml(text)
      return reading.kind === 'yaml' ? resultsOfFile(reading.value) : null
    }
    const reading = await readCard(text)
    if (reading.kind === 'broken') return null
    return reading.kind === 'card' ? resultsOfModelIndex(reading.data['model-index']) : []
  })
}

const origins = new BoundedCache<GitStore, ReadonlyMap<string, string | null>>(500)

async function originsOf(
  hub: Hub,
  repoId: string,
  commit: string,
  path: string,
): Promise<ReadonlyMap<string, string | null>> {
  return await origins.get(hub.git, `${repoId} ${commit} ${path}`, async () => {
    const history = await pathVersions(hub.git, repoId, commit, path, mostVersions)
    const blobs = new Map(history.versions.map((version) => [version.commit, version.blob]))
    return await attribute(history, async (version) => {
      const blob = blobs.get(version) ?? null
      if (blob === null) return new Set()
      const results = blob.size > fileLimit ? null : await statedIn(hub, repoId, path, blob.oid)
      return results === null ? null : new Set(results.map(({ key }) => key))
    })
  })
}

async function verified(hub: Hub, repoId: string, oids: readonly string[]): Promise<ReadonlyMap<string, Verification>> {
  const commits: Commit[] = []
  for (const oid of oids) {
    const object = await readObject(hub.git, repoId, oid, commitLimit)
    if (object !== null) commits.push(parseCommit(object.oid, object.bytes))
  }
  return await verificationsOf(hub, repoId, commits)
}
