/**
 * Which bytes are held: no reader gets them, on no path, in no repo whose policy says so. The verdict stands at the content, so it holds wherever the same
 * bytes turn up. Scanners (a tier above) write the verdicts; here they are only read, right before bytes are sent.
 */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import { gitContent, type ScanPolicy, storedContent, stricterPolicy } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { listRefs, type Ref, readableRefs } from '../../platform/git/refs.ts'
import { type Admission, findRefused, judgeSets, reasonOf } from './admission.ts'
import {
  selectHeldOfRepo,
  selectListedHeads,
  selectPolicy,
  selectUnscannedOfRepo,
  selectVerdicts,
} from './quarantine-queries.ts'
import { findUnsigned, modelNotSigned, signatureGitHold, signatureHold } from './signed-only.ts'

export type Place = Pick<RepoFacts, 'id' | 'kind' | 'owner' | 'workspaceId'>

interface Policy {
  /** The stricter of what the instance and the organization say. */
  readonly scan: ScanPolicy
  /** Since when only signed models are handed out, by these keys; null: all are. */
  readonly signedSince: number | null
  /** Pickles that the organization does not admit are held. */
  readonly refusesPickles: boolean
  /** When what is admitted last changed. */
  readonly admissionAt: number
}

/** What an organization, the workspace and the instance say of what is handed out from a repo. */
export async function policyOf(hub: Hub, { kind, owner, workspaceId }: Place): Promise<Policy> {
  const own = owner.kind === 'organization' ? await selectPolicy(hub.db, owner.id, workspaceId) : null
  const scan = stricterPolicy(hub.config.scanPolicy, own?.scanPolicy ?? 'warn')
  const pickles = { refusesPickles: own?.pickleAdmission === 'refuse', admissionAt: own?.admissionAt ?? 0 }
  if (own === null || kind !== 'model') return { scan, signedSince: null, ...pickles }
  const since = Math.max(own.signedModelsSince, own.workspaceSince ?? 0)
  return { scan, signedSince: since === 0 ? null : Math.max(since, own.modelKeyRemovedAt), ...pickles }
}

/** What an organization says of what scanners find; what the hub says is not in it. */
export async function scanPolicyOfOwner(hub: Hub, { id }: { readonly id: string }): Promise<ScanPolicy> {
  return (await selectPolicy(hub.db, id, null))?.scanPolicy ?? 'warn'
}

/** What is done there about what scanners find. */
export async function scanPolicyOf(hub: Hub, repo: Place): Promise<ScanPolicy> {
  return (await policyOf(hub, repo)).scan
}

/** Of these contents, those that are held in this repo. Without `commit` they are asked for by their hash, whatever the revision. */
export async function findHeld(
  hub: Hub,
  repo: Place,
  contents: readonly string[],
  commit: string | null = null,
): Promise<ReadonlySet<string>> {
  if (contents.length === 0) return new Set()
  const policy = await policyOf(hub, repo)
  if (policy.signedSince !== null) {
    if (commit !== null && (await signatureHold(hub, repo, commit)) !== null) return new Set(contents)
    if (commit === null) {
      const unsigned = await findUnsigned(hub, repo, contents)
      return new Set([...unsigned, ...(await findBad(hub, repo, policy, contents))])
    }
  }
  return await findBad(hub, repo, policy, contents)
}

/** As `findHeld` asked by hash, with the refusal that each would get alone. */
export async function findHolds(
  hub: Hub,
  repo: Place,
  contents: readonly string[],
): Promise<Map<string, HoldfastError>> {
  const holds = new Map<string, HoldfastError>()
  if (contents.length === 0) return holds
  const policy = await policyOf(hub, repo)
  for (const content of await findBad(hub, repo, policy, contents))
    holds.set(content, new HoldfastError('content_held'))
  if (policy.signedSince === null) return holds
  for (const content of await findUnsigned(hub, repo, contents)) holds.set(content, modelNotSigned(unsignedEverywhere))
  return holds
}

/** Why nobody gets files of a revision from this repo, as a sentence: it is not signed as it must be. Null: they are handed out. */
export async function revisionHold(hub: Hub, repo: Place, commit: string): Promise<string | null> {
  return (await policyOf(hub, repo)).signedSince === null ? null : await signatureHold(hub, repo, commit)
}

/** Unsafe, not scanned yet where that counts, or not admitted. */
async function findBad(hub: Hub, repo: Place, policy: Policy, contents: readonly string[]): Promise<Set<string>> {
  const held = new Set<string>()
  if (policy.scan === 'warn' && !policy.refusesPickles) return held
  const known = new Map((await selectVerdicts(hub.db, [...new Set(contents)])).map((one) => [one.content, one]))
  const sets = [...new Set([...known.values()].flatMap(({ importSet }) => importSet ?? []))]
  const admissions = policy.refusesPickles
    ? await judgeSets(hub, repo.owner.id, 'refuse', sets)
    : new Map<string, Admission>()
  for (const content of contents) {
    const verdict = known.get(content)
    if (verdict?.isReleased === true) continue
    const isUnsafe = verdict?.level === 'unsafe' && policy.scan !== 'warn'
    const isUnscanned = verdict === undefined || !verdict.isScanned
    const isRefused = admissions.get(verdict?.importSet ?? '')?.isAdmitted === false
    if (isUnsafe || isRefused || (policy.scan === 'block_until_scanned' && isUnscanned)) held.add(content)
  }
  return held
}

/** Throws `content_held`, or `model_not_signed`. Without `commit` the content is asked for by its hash, whatever the revision. */
export async function refuseHeld(hub: Hub, repo: Place, content: string, commit: string | null = null): Promise<void> {
  const policy = await policyOf(hub, repo)
  if (policy.signedSince !== null) {
    const reason = commit === null ? await unsignedReason(hub, repo, content) : await signatureHold(hub, repo, commit)
    if (reason !== null) throw modelNotSigned(reason)
  }
  if ((await findBad(hub, repo, policy, [content])).size > 0) throw new HoldfastError('content_held')
}

/**
 * Throws `content_held`, or `model_not_signed`, where any file of a commit is held: for what hands out all of it at once, as a server that
 * answers for a model does. `contents` are those of the commit, asked for only where something in the history may be held.
 */
export async function refuseHeldCommit(
  hub: Hub,
  repo: Place,
  commit: string,
  contents: () => AsyncIterable<readonly string[]>,
): Promise<void> {
  const policy = await policyOf(hub, repo)
  const unsigned = policy.signedSince === null ? null : await signatureHold(hub, repo, commit)
  if (unsigned !== null) throw modelNotSigned(unsigned)
  if (!(await mayHold(hub, repo, policy))) return
  for await (const some of contents()) {
    if ((await findBad(hub, repo, policy, some)).size > 0) throw new HoldfastError('content_held')
  }
}

async function mayHold(hub: Hub, repo: Place, { scan, refusesPickles }: Policy): Promise<boolean> {
  if (scan === 'block_until_scanned') return true
  for (const kind of [gitContent(''), storedContent('')]) {
    if (scan !== 'warn' && (await selectHeldOfRepo(hub.db, repo.id, kind, 0)) !== null) return true
    if (refusesPickles && (await findRefused(hub, repo, kind, 0)) !== null) return true
  }
  return false
}

async function unsignedReason(hub: Hub, repo: Place, content: string): Promise<string | null> {
  const unsigned = await findUnsigned(hub, repo, [content])
  return unsigned.size > 0 ? unsignedEverywhere : null
}

const unsignedEverywhere = 'No revision that has this file is verified.'

/**
 * Why nobody may fetch from the repo with git, or null: a pack has every object of the history, so one that is held holds all of it. What is stored beside
 * git is refused file by file instead.
 */
export async function gitHold(hub: Hub, repo: Place, given?: readonly Ref[]): Promise<string | null> {
  const { scan, signedSince, refusesPickles } = await policyOf(hub, repo)
  const refs = async (): Promise<readonly Ref[]> => given ?? (await listRefs(hub.git, repo.id, readableRefs))
  const unsigned = signedSince === null ? null : await signatureGitHold(hub, repo, await refs())
  if (unsigned !== null) return unsigned
  if (scan !== 'warn') {
    const unsafe = await selectHeldOfRepo(hub.db, repo.id, gitContent(''), 0)
    if (unsafe !== null) return heldInHistory(`scanners found it unsafe (${unsafe})`)
  }
  if (refusesPickles) {
    const refused = await findRefused(hub, repo, gitContent(''), 0)
    if (refused !== null)
      return heldInHistory(`${repo.owner.name} does not admit it: ${reasonOf(refused.admission)} (${refused.content})`)
  }
  if (scan !== 'block_until_scanned') return null
  const isWaiting =
    (await selectUnscannedOfRepo(hub.db, repo.id, gitContent(''))) !== null ||
    !(await isListed(hub, repo.id, await refs()))
  return isWaiting
    ? 'Files of this repository have not been scanned yet, and nothing is handed out before. Try again in a moment.'
    : null
}

/** Whether what refs lead to is judged here, and nothing else that lies in the repository: a branch that is gone, a single object. */
export async function judgesRefsAlone(hub: Hub, repo: Place): Promise<boolean> {
  const { scan, signedSince } = await policyOf(hub, repo)
  return scan === 'block_until_scanned' || signedSince !== null
}

/** Why these objects, which a client asks git for by id, are not handed out there, or null: they are heads of branches or tags, all of them judged. */
export async function wantHold(hub: Hub, repo: Place, wants: readonly string[]): Promise<string | null> {
  const refs = await listRefs(hub.git, repo.id, readableRefs)
  const heads = new Set(refs.flatMap(({ oid, target }) => [oid, target]))
  const other = wants.find((want) => !heads.has(want))
  if (other !== undefined) {
    return `No branch or tag is at ${other.slice(0, 12)}, and only what they are at is looked at before it is handed out here. Fetch a branch or a tag, whole (without --filter).`
  }
  return await gitHold(hub, repo, refs)
}

function heldInHistory(why: string): string {
  return `A file in the history of this repository is held: ${why}. Every other file can be downloaded by itself. An administrator of this hub can release it.`
}

/** Whose policies count for a repo, as one word: it changes when the repo moves to another owner or workspace. */
export function placeOf({ owner, workspaceId }: Pick<Place, 'owner' | 'workspaceId'>): string {
  return `${owner.id}.${workspaceId ?? ''}`
}

/** A verdict has its time before it is written: an address that was given in between did not see it yet. */
const writingMs = 5_000

/**
 * Whether bytes that are stored beside git have become held since a time, or may have: the policy is stricter than it was then, or the repo lies
 * where others hold, whose policies may be older than the address. Addresses that were given before,
 * for nobody knows which file, no longer count.
 */
export async function isNewlyHeld(
  hub: Hub,
  repo: Place,
  given: { readonly at: number; readonly policy: ScanPolicy; readonly place: string },
): Promise<boolean> {
  const { scan, signedSince, refusesPickles, admissionAt } = await policyOf(hub, repo)
  if (given.place !== placeOf(repo)) return scan !== 'warn' || signedSince !== null || refusesPickles
  const since = given.at - writingMs
  if (signedSince !== null && signedSince >= given.at) return true
  if (refusesPickles) {
    // Another list is as good as another verdict on everything.
    const from = admissionAt >= given.at ? 0 : since
    if ((await findRefused(hub, repo, storedContent(''), from)) !== null) return true
  }
  if (scan === 'warn') return false
  if (stricterPolicy(scan, given.policy) !== given.policy) return true
  return (await selectHeldOfRepo(hub.db, repo.id, storedContent(''), since)) !== null
}

/** All that refs lead to has been written down for the scanners. */
async function isListed(hub: Hub, repoId: string, refs: readonly Ref[]): Promise<boolean> {
  const heads = await selectListedHeads(hub.db, repoId)
  const listed = new Set(heads === null ? [] : z.array(z.string()).parse(JSON.parse(heads)))
  return refs.every(({ target }) => listed.has(target))
}
