/** The signing policy at work: on pushes in their quarantine, before any ref moves, and on commits that the hub is asked to make. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { parseCommit } from '../../platform/git/commit.ts'
import { reachedCommits } from '../../platform/git/reachable.ts'
import type { Push } from '../../platform/git/receive-pack.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { recordEvent } from '../audit/service.ts'
import type { CommitGate, PushJudgement } from '../ingest/service.ts'
import { type Judged, judgeCommits } from './judge-commits.ts'
import { readPolicies, type SigningLevel, shortfall } from './policy.ts'

/** So many are named; the rest is counted. */
const mostNamed = 200

export const signingGate: Omit<CommitGate, 'watch'> = { judgePush, mayCommit, mayPoint }

interface Offence {
  readonly commit: string
  readonly title: string
  readonly reason: string
}

async function judgePush(hub: Hub, allowed: Allowed<'repo.push'>, origin: Origin, push: Push): Promise<PushJudgement> {
  const repo = allowed.resource
  const { effective, place } = await readPolicies(hub, { repo })
  const { level, bypass } = effective
  const tips = push.moves.map(({ newOid }) => newOid).filter((oid) => oid !== zeroOid)
  if (level === 'off' || tips.length === 0) return { errors: [], remarks: [] }
  const { offences, count } = await findOffences(hub, allowed, tips, level, push.quarantine.environment())
  if (count === 0) return { errors: [], remarks: [] }
  const more = count - offences.length
  const lines = offences.map((offence) => new HoldfastError('commit_not_signed', { ...offence }))
  const rest = more === 0 ? [] : [`and ${more} more.`]
  if (bypass !== null) {
    await recordBypass(hub, allowed, origin, count)
    const until = new Date(bypass.until).toISOString()
    return { errors: [], remarks: [`The signing policy of ${place} is bypassed until ${until}: ${bypass.reason}`] }
  }
  if (level === 'warn') {
    const told = lines.map(({ message }) => `- ${message}`)
    return { errors: [], remarks: ['', `Warning: ${place} asks for signed commits.`, ...told, ...rest, ''] }
  }
  const summary = new HoldfastError('signature_required', { place, level })
  const counted = rest.map((reason) => new HoldfastError('push_rejected', { reason }))
  return { errors: [summary, ...lines, ...counted], remarks: [] }
}

/** Of the commits that no ref leads to yet (SIG-3): whatever was once here and is not reached any more is new again. */
async function findOffences(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  tips: readonly string[],
  level: SigningLevel,
  environment: Record<string, string> = {},
): Promise<{ offences: Offence[]; count: number }> {
  const offences: Offence[] = []
  let count = 0
  for await (const batch of reachedCommits(hub.git, allowed.resource.id, tips, 'refs', environment)) {
    const judged = await judgeCommits(hub, batch)
    for (const [index, one] of judged.entries()) {
      const reason =
        shortfall(one, level === 'warn' ? 'verified' : level, false) ?? machineShortfall(allowed, one, level)
      if (reason === null) continue
      count++
      if (offences.length >= mostNamed) continue
      const { title } = parseCommit(one.oid, batch[index]?.bytes ?? Buffer.alloc(0))
      offences.push({ commit: one.oid.slice(0, 12), title: printable(title), reason })
    }
  }
  return { offences, count }
}

/** A service account signs with its own key: a stolen token of it brings nothing that somebody else signed (SIG-5). */
function machineShortfall(allowed: Allowed<'repo.push'>, judged: Judged, level: SigningLevel): string | null {
  const { principal } = allowed
  if (principal.kind !== 'service-account' || level === 'warn') return null
  if (judged.status === 'verified' && judged.signer?.id === principal.id) return null
  return `it is not signed with a key of the service account ${principal.fullname}`
}

async function mayCommit(hub: Hub, allowed: Allowed<'repo.push'>): Promise<void> {
  const { effective, place } = await readPolicies(hub, { repo: allowed.resource })
  if (effective.humanSignatureOnly && effective.bypass === null) {
    throw new HoldfastError('human_signature_only', { place })
  }
}

/**
 * A commit that was here before the policy, and that no ref leads to any more, is new again: a branch made at it through the API brings it
 * back as a push would (SIG-3).
 */
async function mayPoint(hub: Hub, allowed: Allowed<'repo.push'>, origin: Origin, commit: string): Promise<void> {
  const { effective, place } = await readPolicies(hub, { repo: allowed.resource })
  const { level, bypass } = effective
  if (level === 'off' || level === 'warn') return
  const { offences, count } = await findOffences(hub, allowed, [commit], level)
  const [first] = offences
  if (first === undefined) return
  if (bypass === null) throw new HoldfastError('commit_not_signed_there', { place, count: String(count), ...first })
  await recordBypass(hub, allowed, origin, count)
}

async function recordBypass(hub: Hub, allowed: Allowed<'repo.push'>, origin: Origin, commits: number): Promise<void> {
  const { id, kind, owner, name } = allowed.resource
  await hub.transaction((tx) =>
    recordEvent(hub, tx, allowed, origin, {
      action: 'repo.signing_policy.bypassed',
      resource: { kind, id, name: `${owner.name}/${name}` },
      ownerId: owner.id,
      data: { commits },
    }),
  )
}

/** Titles go to terminals. */
function printable(title: string): string {
  return title.replace(/[\p{C}\u202a-\u202e\u2066-\u2069]/gu, '?').slice(0, 100)
}
