/**
 * Which bytes are held: no reader gets them, on no path, in no repo whose policy says so. The verdict stands at the content, so it holds wherever the same
 * bytes turn up. Scanners (a tier above) write the verdicts; here they are only read, right before bytes are sent.
 */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import { gitContent, type ScanPolicy, storedContent, stricterPolicy } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { listRefs } from '../../platform/git/refs.ts'
import {
  selectHeldOfRepo,
  selectListedHeads,
  selectPolicy,
  selectUnscannedOfRepo,
  selectVerdicts,
} from './quarantine-queries.ts'

type Place = Pick<RepoFacts, 'id' | 'owner'>

const refsOfReaders = ['refs/heads', 'refs/tags', 'refs/pr', 'refs/convert', 'refs/holdfast']

/** The stricter of what the instance and the organization say. */
export async function scanPolicyOf(hub: Hub, { owner }: Place): Promise<ScanPolicy> {
  const own = owner.kind === 'organization' ? await selectPolicy(hub.db, owner.id) : null
  return stricterPolicy(hub.config.scanPolicy, own ?? 'warn')
}

/** Of these contents, those that are held in this repo. */
export async function findHeld(hub: Hub, repo: Place, contents: readonly string[]): Promise<ReadonlySet<string>> {
  const held = new Set<string>()
  if (contents.length === 0) return held
  const policy = await scanPolicyOf(hub, repo)
  if (policy === 'warn') return held
  const known = new Map((await selectVerdicts(hub.db, [...new Set(contents)])).map((one) => [one.content, one]))
  for (const content of contents) {
    const verdict = known.get(content)
    if (verdict?.isReleased === true) continue
    const isUnscanned = verdict === undefined || !verdict.isScanned
    if (verdict?.level === 'unsafe' || (policy === 'block_until_scanned' && isUnscanned)) held.add(content)
  }
  return held
}

/** Throws `content_held`. */
export async function refuseHeld(hub: Hub, repo: Place, content: string): Promise<void> {
  if ((await findHeld(hub, repo, [content])).size > 0) throw new HoldfastError('content_held')
}

/**
 * Why nobody may fetch from the repo with git, or null: a pack has every object of the history, so one that is held holds all of it. What is stored beside
 * git is refused file by file instead.
 */
export async function gitHold(hub: Hub, repo: Place): Promise<string | null> {
  const policy = await scanPolicyOf(hub, repo)
  if (policy === 'warn') return null
  const unsafe = await selectHeldOfRepo(hub.db, repo.id, gitContent(''), 0)
  if (unsafe !== null) {
    return `A file in the history of this repository is held: scanners found it unsafe (${unsafe}). Every other file can be downloaded by itself. An administrator of this hub can release it.`
  }
  if (policy !== 'block_until_scanned') return null
  const isWaiting =
    (await selectUnscannedOfRepo(hub.db, repo.id, gitContent(''))) !== null || !(await isListed(hub, repo.id))
  return isWaiting
    ? 'Files of this repository have not been scanned yet, and nothing is handed out before. Try again in a moment.'
    : null
}

/**
 * Whether bytes that are stored beside git have become held since a time, or may have: the policy is stricter than it was then. Addresses that were given before,
 * for nobody knows which file, no longer count.
 */
export async function isNewlyHeld(
  hub: Hub,
  repo: Place,
  given: { readonly at: number; readonly policy: ScanPolicy },
): Promise<boolean> {
  const policy = await scanPolicyOf(hub, repo)
  if (policy === 'warn') return false
  if (stricterPolicy(policy, given.policy) !== given.policy) return true
  return (await selectHeldOfRepo(hub.db, repo.id, storedContent(''), given.at)) !== null
}

/** All that refs lead to has been written down for the scanners. */
async function isListed(hub: Hub, repoId: string): Promise<boolean> {
  const heads = await selectListedHeads(hub.db, repoId)
  const listed = new Set(heads === null ? [] : z.array(z.string()).parse(JSON.parse(heads)))
  const refs = await listRefs(hub.git, repoId, refsOfReaders)
  return refs.every(({ target }) => listed.has(target))
}
