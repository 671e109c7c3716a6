/**
 * A signing policy tried on what was pushed of late (SIG-1): whose pushes of the last days would have been refused by it, or warned about. Each
 * push is judged by its last commit, as the audit log has it; commits that the hub was asked to make are judged too where people must sign.
 */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { readObject } from '../../platform/git/objects.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { type Judged, judgeCommits } from './judge-commits.ts'
import { type PolicyTarget, readPolicies, type SigningLevel, shortfall, stricterLevel } from './policy.ts'
import { type PushRow, selectPushes } from './pushes-queries.ts'
import { selectPinned } from './queries.ts'

export const daysLookedBack = 30
/** Pushes that are looked at, the newest first. */
const mostPushes = 5_000
const page = 500
const dayMs = 86_400_000
/** A push this young may not have been judged by the job yet: it is looked at here. */
const youngMs = 10 * 60_000
const commitLimit = 1024 * 1024

export interface Pusher {
  readonly kind: 'user' | 'service-account' | 'organization'
  readonly id: string
  /** As the audit log has it. */
  readonly name: string
  /** In the time that is looked at. */
  readonly pushes: number
  readonly failing: number
  /** The last one that would not meet the policy. */
  readonly last: {
    readonly at: number
    readonly repo: string
    readonly ref: string
    readonly commit: string
    readonly reason: string
  }
}

export interface AffectedPushers {
  /** What the policy would do with such a push: `none` where it asks for nothing. */
  readonly effect: 'refuse' | 'warn' | 'none'
  readonly since: number
  readonly pushes: number
  readonly failing: number
  /** Who has pushes that would not meet it, most of them first. */
  readonly pushers: readonly Pusher[]
  /** False where there were too many pushes to look at all of them. */
  readonly isWhole: boolean
}

const moveShape = z.object({
  via: z.string().optional(),
  title: z.string().optional(),
  ref: z.string(),
  new: z.string().nullable(),
})

interface Push {
  readonly row: PushRow & { readonly repoId: string; readonly actorId: string }
  readonly kind: Pusher['kind']
  readonly ref: string
  readonly commit: string
  /** The hub made the commit. */
  readonly isApi: boolean
}

export async function affectedPushers(
  hub: Hub,
  target: PolicyTarget,
  wanted: { readonly level: SigningLevel; readonly humanSignatureOnly: boolean },
): Promise<AffectedPushers> {
  const { inherited } = await readPolicies(hub, target)
  const level = inherited === null ? wanted.level : stricterLevel(wanted.level, inherited.level)
  const humanOnly = wanted.humanSignatureOnly || inherited?.humanSignatureOnly === true
  const since = hub.clock.now() - daysLookedBack * dayMs
  const effect = humanOnly || level === 'signed' || level === 'verified' ? 'refuse' : level === 'warn' ? 'warn' : 'none'
  if (effect === 'none') return { effect, since, pushes: 0, failing: 0, pushers: [], isWhole: true }
  const of = 'organization' in target ? { ownerId: target.organization.id } : { repoId: target.repo.id }
  const tally = new PusherTally()
  for (let before: string | null = null, looked = 0; ; looked += page) {
    if (looked >= mostPushes) return { effect, since, ...tally.result(), isWhole: false }
    const rows: PushRow[] = await selectPushes(hub.db, of, since, before, page)
    await judgePage(hub, rows, { level, humanOnly }, tally)
    before = rows.at(-1)?.id ?? null
    if (before === null || rows.length < page) return { effect, since, ...tally.result(), isWhole: true }
  }
}

interface Asked {
  readonly level: SigningLevel
  readonly humanOnly: boolean
}

async function judgePage(hub: Hub, rows: readonly PushRow[], asked: Asked, tally: PusherTally): Promise<void> {
  const giveTurn = turnGiver()
  const pushes = rows.flatMap((row) => pushOf(row) ?? [])
  for (const [repoId, ofRepo] of Map.groupBy(pushes, ({ row }) => row.repoId)) {
    await giveTurn()
    const pinned = await verdictsOf(hub, repoId, ofRepo)
    for (const push of ofRepo) tally.add(push, shortfallOf(push, pinned.get(push.commit), asked))
  }
}

/** Null for what brings no commit: a ref that was deleted, or set by the hub to what was there. */
function pushOf(row: PushRow): Push | null {
  const { actorKind: kind, actorId, repoId } = row
  if (actorId === null || repoId === null || kind === 'system' || kind === 'anonymous') return null
  const { via, title, ref, new: commit } = moveShape.parse(JSON.parse(row.data))
  const isApi = via === 'api' && title !== undefined
  if (commit === null || (via !== 'git' && !isApi)) return null
  return { row: { ...row, actorId, repoId }, kind, ref, commit, isApi }
}

type Verdict = Pick<Judged, 'status'> & { readonly reason: string | null; readonly signerId: string | null }

const unsigned: Verdict = { status: 'none', reason: null, signerId: null }

/** By commit. A commit without an entry is unsigned. */
async function verdictsOf(hub: Hub, repoId: string, pushes: readonly Push[]): Promise<ReadonlyMap<string, Verdict>> {
  const commits = [...new Set(pushes.flatMap(({ isApi, commit }) => (isApi ? [] : [commit])))]
  const pinned = await selectPinned(hub.db, repoId, commits)
  const verdicts = new Map<string, Verdict>(
    pinned.map(({ commit, status, reason, signerId }) => [commit, { status, reason, signerId }]),
  )
  const young = pushes.filter(
    ({ row, isApi, commit }) => !isApi && !verdicts.has(commit) && row.at > hub.clock.now() - youngMs,
  )
  if (young.length === 0 || !(await hasRepository(hub.git, repoId))) return verdicts
  const found = []
  for (const { commit } of young) {
    const object = await readObject(hub.git, repoId, commit, commitLimit)
    if (object?.type === 'commit') found.push({ oid: commit, bytes: object.bytes })
  }
  for (const judged of await judgeCommits(hub, found))
    verdicts.set(judged.oid, { ...judged, signerId: judged.signer?.id ?? null })
  return verdicts
}

/** As half a sentence; null for a push that would be taken without a word. */
function shortfallOf({ row, kind, isApi }: Push, known: Verdict | undefined, asked: Asked): string | null {
  if (isApi) return asked.humanOnly ? 'it was made through the API or the website, and signed by this hub' : null
  const { level } = asked
  const verdict = known ?? unsigned
  const reason = shortfall(verdict, level === 'warn' ? 'verified' : level, true)
  if (reason !== null || kind !== 'service-account' || level === 'warn' || level === 'off') return reason
  const isOwn = verdict.status === 'verified' && verdict.signerId === row.actorId
  return isOwn || verdict.status === 'hub' ? null : 'it is not signed with a key of the service account'
}

class PusherTally {
  readonly #pushes = new Map<string, { readonly push: Push; readonly reason: string | null }>()

  /** The newest first. A commit counts once, for whoever brought it: a later push of it brought nothing. */
  add(push: Push, reason: string | null): void {
    this.#pushes.set(`${push.row.repoId} ${push.commit}`, { push, reason })
  }

  result(): Pick<AffectedPushers, 'pushes' | 'failing' | 'pushers'> {
    const byActor = Map.groupBy(this.#pushes.values(), ({ push }) => push.row.actorId)
    const pushers = [...byActor.values()].flatMap((ofOne) => pusherOf(ofOne) ?? [])
    pushers.sort((a, b) => b.failing - a.failing || (a.name < b.name ? -1 : 1))
    return { pushes: this.#pushes.size, failing: pushers.reduce((sum, { failing }) => sum + failing, 0), pushers }
  }
}

/** Null for who would not be stopped. */
function pusherOf(pushes: readonly { readonly push: Push; readonly reason: string | null }[]): Pusher | null {
  const failing = pushes.filter(({ reason }) => reason !== null)
  const [last] = failing.toSorted((a, b) => b.push.row.at - a.push.row.at)
  if (last?.reason == null) return null
  const { row, kind, ref, commit } = last.push
  return {
    kind,
    id: row.actorId,
    name: row.actorName,
    pushes: pushes.length,
    failing: failing.length,
    last: { at: row.at, repo: row.repoName ?? '', ref, commit, reason: last.reason },
  }
}
