/**
 * "Why was I denied?": walks the chain for the caller, for one of the caller's tokens, or, for administrators, for somebody of their
 * organization. The rows are of the policy itself (`domain/explain.ts`). It tells nothing that the real request would not: not to who asks
 * about a thing that they do not see, and not about what whoever is asked about does not see.
 */
import { type ExplainedFacts, type HurdleResult, loadFactsAbout } from '../../access/explain-facts.ts'
import { findMovedRepo } from '../../access/find-moved.ts'
import type { Target } from '../../access/load-facts.ts'
import { callerKey, type RateLimiter, rateLimiter, refuseOver } from '../../access/rate-limit.ts'
import type { Call } from '../../access/route.ts'
import { namedFor } from '../../domain/entity.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { denialOf, type ExplainCheck, type ExplainRow, explain } from '../../domain/explain.ts'
import { accountOf, type Credential, type Facts } from '../../domain/facts.ts'
import { type Action, permissionRow } from '../../domain/permissions.ts'
import { canSee, decide, refusal } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { reachesOrganization } from '../organization-tokens/service.ts'
import { findParty, findTokenOwner, findUser, isMachineOf } from './explain-queries.ts'
import { organizationIn } from './parse-resource.ts'

export interface Question {
  readonly action: Action
  readonly target: Target
  /** A user name, `sa-ID` or the name of a service account; null: the caller. */
  readonly principal: string | null
  /** The id of a token; null: what the request carries. */
  readonly token: string | null
  /** The file of the repo that would be read: some tokens read some files alone. Null: none, or the whole repo. */
  readonly path: string | null
}

/** What of a request a question is answered with. */
export type Asker = Pick<Call<Action, unknown, unknown>, 'facts' | 'request' | 'factsAbout' | 'authorizeAlso'>

export interface ExplainedRow extends Omit<ExplainRow, 'denial' | 'check'> {
  readonly check: ExplainCheck
  /** Null where it passes. `denied` of it is null for what is hidden. */
  readonly fault: HoldfastError | null
}

export interface Explanation {
  readonly question: Question
  /** Who was asked about; null where nobody was looked at. */
  readonly subject: Pick<Facts, 'principal' | 'credential'> | null
  readonly rows: readonly ExplainedRow[]
  /** What the request would get; null: it is allowed. */
  readonly refusal: HoldfastError | null
  /** What cannot be known from here. */
  readonly assumes: readonly 'inside its networks'[]
}

/** Questions of one administrator about others in five minutes. */
const mostAboutOthers = 300
const limiters = new WeakMap<Hub, RateLimiter>()

/** Throws `invalid_input`, `user_not_found` and `not_found` (tokens), and the refusal of who may not ask about others. */
export async function explainAccess(hub: Hub, asker: Asker, question: Question): Promise<Explanation> {
  const { action, target, principal, token } = question
  if (permissionRow(action).on !== target.on) {
    throw new HoldfastError('invalid_input', {
      reason: `"${action}" is done to ${articled(permissionRow(action).on)}, not to ${articled(target.on)}.`,
      field: 'resource',
    })
  }
  if (principal !== null && token !== null) {
    throw new HoldfastError('invalid_input', { reason: 'Ask about a principal or about a token.', field: 'token' })
  }
  const place = await whereItIs(hub, asker, target)
  if (isAboutSelf(asker.facts, question)) return answer(question, ownHurdles(place.facts), place.facts)
  if (token !== null) return await explainToken(hub, asker, question, place, token)
  return await explainPrincipal(hub, asker, question, place, principal ?? '')
}

interface Place {
  readonly target: Target
  /** What the asker is to it. */
  readonly facts: Facts
}

/** A repo that has moved is asked about where it is now, by those who see it there. */
async function whereItIs(hub: Hub, asker: Asker, target: Target): Promise<Place> {
  const facts = await asker.factsAbout(target)
  if (target.on !== 'repo' || facts.resource.on !== 'repo' || facts.resource.repo !== null) return { target, facts }
  const moved = await findMovedRepo(hub.db, target.kind, target.namespace, target.name)
  if (moved === null) return { target, facts }
  const there = await asker.factsAbout({ on: 'repo-id', id: moved.id })
  const { resource } = there
  const isSeen = resource.on === 'repo' && resource.repo !== null && canSee(there, resource.repo)
  if (!isSeen) return { target, facts }
  return { target: { ...target, namespace: moved.namespace, name: moved.name }, facts: there }
}

function isAboutSelf({ principal, credential }: Facts, question: Question): boolean {
  if (question.token !== null) return credential?.kind === 'token' && credential.id === question.token
  return question.principal === null || question.principal.toLowerCase() === accountOf(principal)?.name.toLowerCase()
}

/** One's own are asked about in a session: another token would lend this one its eyes. */
async function explainToken(
  hub: Hub,
  asker: Asker,
  question: Question,
  place: Place,
  tokenId: string,
): Promise<Explanation> {
  const ownerId = await findTokenOwner(hub.db, tokenId)
  const isOwn = ownerId !== null && ownerId === accountOf(asker.facts.principal)?.id
  if (isOwn && asker.facts.credential?.kind === 'session') {
    return about(
      question,
      await loadFactsAbout(
        hub.db,
        { kind: 'token', id: tokenId },
        place.target,
        hub.clock.now(),
        asker.request.origin.ip,
      ),
    )
  }
  const organizationId = await asAdministrator(hub, asker, place.target)
  if (isHiddenFrom(question.action, place.facts)) return notThere(question, place.facts)
  const isTheirs =
    ownerId !== null &&
    organizationId !== null &&
    ((await isMachineOf(hub.db, organizationId, ownerId)) || (await reachesOrganization(hub, organizationId, tokenId)))
  if (!isTheirs) throw new HoldfastError('not_found')
  // Where somebody works from is not told: the answer is for a request from inside.
  const found = await loadFactsAbout(hub.db, { kind: 'token', id: tokenId }, place.target, hub.clock.now())
  return { ...about(question, found), assumes: ['inside its networks'] }
}

async function explainPrincipal(
  hub: Hub,
  asker: Asker,
  question: Question,
  place: Place,
  name: string,
): Promise<Explanation> {
  const organizationId = await asAdministrator(hub, asker, place.target)
  if (isHiddenFrom(question.action, place.facts)) return notThere(question, place.facts)
  const id =
    organizationId === null
      ? await findUser(hub.db, name)
      : await findParty(hub.db, organizationId, name, hub.clock.now())
  if (id === null) throw new HoldfastError('user_not_found')
  return about(question, await loadFactsAbout(hub.db, { kind: 'account', id }, place.target, hub.clock.now()))
}

/** Decided before anything in the organization is looked at. The id of the organization; null for the hub. */
async function asAdministrator(hub: Hub, asker: Asker, target: Target): Promise<string | null> {
  const limiter = limiters.get(hub) ?? rateLimiter(mostAboutOthers, hub.clock.now)
  limiters.set(hub, limiter)
  refuseOver(limiter.count(callerKey(accountOf(asker.facts.principal), asker.request.origin.ip)))
  const name = organizationIn(target)
  if (name !== null) return (await asker.authorizeAlso('org.access.read', { on: 'organization', name })).resource.id
  await asker.authorizeAlso('user.access.read', { on: 'instance' })
  return null
}

function isHiddenFrom(action: Action, facts: Facts): boolean {
  return explain(action, facts).some(({ denial }) => denial?.kind === 'hidden')
}

/** The same for what is not there and for what the asker does not see: nobody else is looked at. */
function notThere(question: Question, facts: Facts): Explanation {
  const fault = refusal({ kind: 'hidden' }, facts)
  const rows: ExplainedRow[] = [{ check: 'resource', fault, need: null, have: null }]
  return { question, subject: null, rows, refusal: fault, assumes: [] }
}

function about(question: Question, { hurdles, facts }: ExplainedFacts): Explanation {
  return answer(question, hurdles, facts)
}

function answer(question: Question, hurdles: readonly HurdleResult[], found: Facts | null): Explanation {
  const facts = found === null || question.path === null ? found : { ...found, path: question.path }
  const passedOn = hurdles.map(({ check, fault }): ExplainedRow => {
    if (fault === null)
      return { check, fault, need: null, have: facts === null ? null : (haveOf[check]?.(facts) ?? null) }
    return { check, fault, need: fault.denied?.need ?? null, have: fault.denied?.have ?? null }
  })
  if (facts === null) {
    return { question, subject: null, rows: passedOn, refusal: faultIn(passedOn), assumes: [] }
  }
  const decided = explain(question.action, facts)
  const rows = decided.map(({ denial, ...row }): ExplainedRow => {
    return { ...row, fault: denial === null ? null : refusal(denial, facts).about(namedFor(facts)) }
  })
  // The policy has the last word: an explanation that strayed from it would be a fault of ours, not an answer.
  const decision = decide(question.action, facts)
  if (decision.allow !== (denialOf(decided) === null))
    throw new Error(`The rows of ${question.action} are not the decision.`)
  const { principal, credential } = facts
  const all = [...passedOn, ...rows]
  return { question, subject: { principal, credential }, rows: all, refusal: faultIn(all), assumes: [] }
}

const faultIn = (rows: readonly ExplainedRow[]): HoldfastError | null =>
  rows.find(({ fault }) => fault !== null)?.fault ?? null

/** The request got this far, so its credential passed. */
function ownHurdles({ credential }: Facts): HurdleResult[] {
  const checks: HurdleResult['check'][] =
    credential?.kind === 'token' ? ['credential', 'account', 'expiry', 'network'] : ['credential']
  return checks.map((check) => ({ check, fault: null }))
}

const haveOf: Partial<Record<ExplainCheck, (facts: Facts) => string | null>> = {
  credential: ({ credential }) => credentialWords(credential),
  account: ({ principal }) => accountOf(principal)?.name ?? null,
  expiry: ({ credential }) => {
    if (credential?.kind !== 'token') return null
    return credential.expiresAt === null ? 'never' : new Date(credential.expiresAt).toISOString()
  },
}

function credentialWords(credential: Credential | null): string {
  if (credential === null) return 'none'
  if (credential.kind === 'session') return 'a session'
  return `a ${credential.role === 'fineGrained' ? 'fine-grained' : credential.role} token, …${credential.last4}`
}

function articled(on: string): string {
  if (on === 'self') return 'oneself ("self")'
  if (on === 'instance') return 'the hub ("instance")'
  return /^[aeio]/.test(on) ? `an ${on}` : `a ${on}`
}
