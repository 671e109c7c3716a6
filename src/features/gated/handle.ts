/** Deciding about requests, and letting somebody in by hand. Each step starts from the state that was read: two who decide at once do not both. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { type AccessStatus, accountOf } from '../../domain/facts.ts'
import { isId } from '../../domain/ids.ts'
import { nameKey } from '../../domain/names.ts'
import { type Allowed, describeResource } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { settled, wordsFor } from './ask.ts'
import { tellDecision } from './notices.ts'
import {
  type Entrant,
  findAskerOf,
  findMachine,
  findPerson,
  findRequest,
  insertRequest,
  updateRequest,
} from './queries.ts'

type Deciding = Allowed<'repo.access.handle'>

/** Whose request: by its own id, by that of who asked, or by their name on the wire (`ada`, `sa-<id>`). */
export interface Named {
  readonly requestId?: string | undefined
  readonly userId?: string | undefined
  readonly user?: string | undefined
}

export interface Verdict {
  readonly status: AccessStatus
  /** Of a rejection; at most 200 characters. */
  readonly reason: string | null
}

export const mostReason = 200

/** Throws `access_user_missing`: the same for a name of nobody and of somebody whose account is not active. */
export async function findEntrant(hub: Hub, named: Named): Promise<Entrant> {
  const { userId, user } = named
  const machineId = userId ?? /^sa-([0-9a-f]{24})$/i.exec(user ?? '')?.[1]?.toLowerCase()
  const found =
    (userId === undefined
      ? await findPerson(hub.db, { key: nameKey(user ?? '') })
      : await findPerson(hub.db, { id: userId })) ??
    (machineId !== undefined && isId(machineId) ? await findMachine(hub.db, machineId) : null)
  if (found === null) throw new HoldfastError('access_user_missing', { who: (user ?? userId ?? '').slice(0, 100) })
  return found
}

/** Throws `not_gated`, `access_user_missing`, `access_request_missing` and `access_same_state`. */
export async function handleRequest(
  hub: Hub,
  allowed: Deciding,
  origin: Origin,
  named: Named,
  verdict: Verdict,
): Promise<void> {
  const { resource: repo } = allowed
  const resource = requireGate(allowed)
  const who = await findEntrant(
    hub,
    named.requestId === undefined ? named : await askerOf(hub, allowed, named.requestId),
  )
  const reason = verdict.status === 'rejected' ? cleanReason(verdict.reason) : null
  await settled(hub, async (tx) => {
    const request = await findRequest(tx, repo.id, who.id)
    if (request === null) throw new HoldfastError('access_request_missing', { who: wordsFor(who), resource })
    const from = request.status
    if (from === verdict.status) throw new HoldfastError('access_same_state', { who: wordsFor(who), status: from })
    const change = { status: verdict.status, reason, reviewedAt: hub.clock.now(), reviewedBy: actorOf(allowed) }
    if (!(await updateRequest(tx, { repoId: repo.id, principalId: who.id, from }, change))) return false
    await record(hub, tx, allowed, origin, who, null, {
      from,
      to: verdict.status,
      ...(reason === null ? {} : { reason }),
    })
    if (verdict.status === 'pending') return true
    const userId = who.kind === 'user' ? who.id : request.askedBy
    await tellDecision(hub, tx, repo, { userId, who: wordsFor(who), status: verdict.status, reason })
    return true
  })
}

async function askerOf(hub: Hub, { resource: repo }: Deciding, requestId: string): Promise<Named> {
  const userId = await findAskerOf(hub.db, repo.id, requestId)
  if (userId !== null) return { userId }
  const resource = describeResource({ on: 'repo', kind: repo.kind, repo })
  throw new HoldfastError('access_request_missing', { who: 'Nobody of that request', resource })
}

export type BatchOutcome = Named & { readonly ok: boolean; readonly error?: 'user_not_found' | 'request_not_found' }

/** One verdict about many, each on its own; what fails is said and stops nothing. */
export async function handleRequests(
  hub: Hub,
  allowed: Deciding,
  origin: Origin,
  requests: readonly Named[],
  verdict: Verdict,
): Promise<BatchOutcome[]> {
  requireGate(allowed)
  const outcomes: BatchOutcome[] = []
  for (const named of requests) {
    try {
      await handleRequest(hub, allowed, origin, named, verdict)
      outcomes.push({ ...named, ok: true })
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      const known = failures[error.code]
      if (known === undefined) throw error
      outcomes.push({ ...named, ok: false, error: known })
    }
  }
  return outcomes
}

const failures: Readonly<Partial<Record<HoldfastError['code'], BatchOutcome['error']>>> = {
  access_user_missing: 'user_not_found',
  access_request_missing: 'request_not_found',
  // There is none that could still become so.
  access_same_state: 'request_not_found',
}

/** Whether they asked or not. Throws `not_gated`, `access_user_missing` and `access_granted_already`. */
export async function grantAccess(hub: Hub, allowed: Deciding, origin: Origin, named: Named): Promise<Entrant> {
  const { resource: repo } = allowed
  const resource = requireGate(allowed)
  const who = await findEntrant(hub, named)
  const now = hub.clock.now()
  const by = actorOf(allowed)
  await settled(hub, async (tx) => {
    const request = await findRequest(tx, repo.id, who.id)
    if (request?.status === 'accepted')
      throw new HoldfastError('access_granted_already', { who: wordsFor(who), resource })
    const isDone =
      request === null
        ? await insertRequest(tx, {
            id: hub.clock.id(),
            repoId: repo.id,
            principalId: who.id,
            principalKind: who.kind,
            status: 'accepted',
            reason: null,
            fields: null,
            email: null,
            termsHash: null,
            askedAt: now,
            askedBy: by,
            grantedBy: by,
            reviewedAt: now,
            reviewedBy: by,
          })
        : await updateRequest(
            tx,
            { repoId: repo.id, principalId: who.id, from: request.status },
            { status: 'accepted', reason: null, reviewedAt: now, reviewedBy: by, grantedBy: by },
          )
    if (!isDone) return false
    await record(hub, tx, allowed, origin, who, 'repo.access.grant', { from: request?.status ?? 'none' })
    const userId = who.kind === 'user' ? who.id : (request?.askedBy ?? null)
    if (userId !== null) {
      await tellDecision(hub, tx, repo, { userId, who: wordsFor(who), status: 'accepted', reason: null })
    }
    return true
  })
  return who
}

/** What the repo is called in messages. */
function requireGate({ resource: repo }: Deciding): string {
  const resource = describeResource({ on: 'repo', kind: repo.kind, repo })
  if (repo.gated === false) throw new HoldfastError('not_gated', { resource })
  return resource
}

function cleanReason(reason: string | null): string | null {
  const text = (reason ?? '').replace(/\s+/g, ' ').trim()
  if (text.length > mostReason || /\p{Cc}/u.test(text)) {
    throw new HoldfastError('invalid_input', {
      reason: `A reason has at most ${mostReason} characters.`,
      field: 'reason',
    })
  }
  return text === '' ? null : text
}

function actorOf({ principal }: Deciding): string {
  const account = accountOf(principal)
  if (account === null) throw new Error('Somebody decides about a request.')
  return account.id
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Deciding,
  origin: Origin,
  who: Entrant,
  action: string | null,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const { resource: repo } = allowed
  await recordEvent(hub, tx, allowed, origin, {
    ...(action === null ? {} : { action }),
    resource: { kind: repo.kind, id: repo.id, name: `${repo.owner.name}/${repo.name}` },
    ownerId: repo.owner.id,
    data: { user: wordsFor(who), userId: who.id, ...data },
  })
}
