/**
 * Asking for access, and taking that back. Whoever asks agrees to the text of the card as it is at that moment, and the text is kept. For a
 * service account, which cannot agree to anything, an administrator of its organization does (REP-8).
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import type { AccessStatus, Facts, RepoFacts } from '../../domain/facts.ts'
import { bypassesGate } from '../../domain/gate.ts'
import { type Allowed, describeResource, effectiveRole } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { findRepoWithCard } from '../repos/service.ts'
import { countAttempt } from '../sessions/service.ts'
import { tellRequest } from './notices.ts'
import { addressToShare, deleteRequest, type Entrant, findRequest, insertRequest, keepTerms } from './queries.ts'
import { answersOf, hashOfTerms, type Terms, termsOf } from './terms.ts'

/** For whom somebody asks: for themselves, or for a service account of an organization that they administer. */
export type Asker =
  | { readonly kind: 'self' }
  | { readonly kind: 'machine'; readonly machine: Entrant; readonly proof: Allowed<'org.service_account.ask_access'> }

type Asking = Allowed<'repo.access.ask'>

/** What is asked of those who want to pass the gate, as the card says it at this moment. */
export async function loadTerms(hub: Hub, repo: RepoFacts): Promise<Terms> {
  return termsOf((await findRepoWithCard(hub, repo.id))?.cardData ?? null, repo.kind)
}

/**
 * `body`: the answers by the names of their fields, and `_terms`, the version that was read, where the form sends it. Throws `not_gated`,
 * `access_not_needed`, `access_state`, `access_ask_rejected`, `gate_terms_changed`, `gate_answer_missing` and
 * `too_many_attempts`.
 */
export async function askForAccess(
  hub: Hub,
  allowed: Asking,
  facts: Facts,
  origin: Origin,
  input: { readonly asker: Asker; readonly body: Readonly<Record<string, unknown>> },
): Promise<AccessStatus> {
  const { resource: repo, principal } = allowed
  if (principal.kind !== 'user') throw new Error('Only a person agrees to terms.')
  const { asker, body } = input
  const who: Entrant =
    asker.kind === 'machine'
      ? asker.machine
      : { id: principal.id, kind: 'user', name: principal.name, fullname: principal.fullname, organization: null }
  const resource = describeResource({ on: 'repo', kind: repo.kind, repo })
  if (repo.gated === false) throw new HoldfastError('not_gated', { resource })
  if (asker.kind === 'self' && bypassesGate(facts, repo, effectiveRole(facts, repo))) {
    throw new HoldfastError('access_not_needed', { who: who.name, resource })
  }
  refuseAgain(await findRequest(hub.db.read, repo.id, who.id), wordsFor(who), resource)
  const terms = await loadTerms(hub, repo)
  const termsHash = hashOfTerms(terms)
  if (typeof body._terms === 'string' && body._terms !== '' && body._terms !== termsHash) {
    throw new HoldfastError('gate_terms_changed')
  }
  const fields = answersOf(terms, body)
  // Each request writes to those who decide: who asks and withdraws again and again waits.
  await countAttempt(hub, [{ limit: 'access-request', about: `${repo.id} ${who.id}` }])
  const now = hub.clock.now()
  const status = repo.gated === 'auto' ? 'accepted' : 'pending'
  const email = await addressToShare(hub.db, principal.id)
  await settled(hub, async (tx) => {
    await keepTerms(tx, termsHash, JSON.stringify(terms), now)
    const isNew = await insertRequest(tx, {
      id: hub.clock.id(),
      repoId: repo.id,
      principalId: who.id,
      principalKind: who.kind,
      status,
      reason: null,
      fields: JSON.stringify(fields),
      email,
      termsHash,
      askedAt: now,
      askedBy: principal.id,
      grantedBy: null,
      reviewedAt: null,
      reviewedBy: null,
    })
    if (!isNew) {
      refuseAgain(await findRequest(tx, repo.id, who.id), wordsFor(who), resource)
      // Made and withdrawn again in between.
      return false
    }
    await record(hub, tx, allowed, origin, asker, 'repo.access.ask', { status, terms: termsHash })
    if (status === 'pending') await tellRequest(hub, tx, repo, wordsFor(who))
    return true
  })
  return status
}

/** Throws `access_request_missing`, and `access_ask_rejected`: a rejection does not go away by asking no more. */
export async function cancelRequest(hub: Hub, allowed: Asking, origin: Origin, asker: Asker): Promise<void> {
  const { resource: repo, principal } = allowed
  if (principal.kind !== 'user') throw new Error('Only a person agrees to terms.')
  const [id, who] =
    asker.kind === 'machine' ? [asker.machine.id, wordsFor(asker.machine)] : [principal.id, principal.name]
  const resource = describeResource({ on: 'repo', kind: repo.kind, repo })
  await settled(hub, async (tx) => {
    const request = await findRequest(tx, repo.id, id)
    if (request === null) throw new HoldfastError('access_request_missing', { who, resource })
    if (request.status === 'rejected') refuseAgain(request, who, resource)
    if (!(await deleteRequest(tx, { repoId: repo.id, principalId: id, from: request.status }))) return false
    await record(hub, tx, allowed, origin, asker, 'repo.access.cancel', { from: request.status })
    return true
  })
}

const mostTries = 5

/** `step` gives false, and has changed nothing, where somebody else was faster: what they left is looked at anew. */
export async function settled(hub: Hub, step: (tx: Tx) => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) if (await hub.transaction(step)) return
  throw new HoldfastError('busy')
}

function refuseAgain(
  request: { readonly status: AccessStatus; readonly reason: string | null } | null,
  who: string,
  resource: string,
): void {
  if (request === null) return
  const { status, reason } = request
  if (status !== 'rejected') throw new HoldfastError('access_state', { who, resource, status })
  throw new HoldfastError('access_ask_rejected', { resource, reason: reason === null ? '.' : `: ${reason}` })
}

/** Names a person or a service account in sentences and in the audit log. */
export function wordsFor(who: Entrant): string {
  if (who.organization === null) return who.name
  return `service account ${who.fullname ?? who.name} of ${who.organization.name}`
}

/** In the log of whose repo it is; for a service account in that of its organization too. */
async function record(
  hub: Hub,
  tx: Tx,
  allowed: Asking,
  origin: Origin,
  asker: Asker,
  action: 'repo.access.ask' | 'repo.access.cancel',
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const { resource: repo } = allowed
  const resource = { kind: repo.kind, id: repo.id, name: `${repo.owner.name}/${repo.name}` }
  const about: EventData =
    asker.kind === 'machine' ? { user: wordsFor(asker.machine), serviceAccountId: asker.machine.id } : {}
  await recordEvent(hub, tx, allowed, origin, { action, resource, ownerId: repo.owner.id, data: { ...about, ...data } })
  if (asker.kind === 'self' || asker.proof.resource.id === repo.owner.id) return
  await recordEvent(hub, tx, asker.proof, origin, {
    ...(action === 'repo.access.ask' ? {} : { action }),
    resource,
    ownerId: asker.proof.resource.id,
    data: { ...about, ...data },
  })
}
