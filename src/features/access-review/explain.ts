/**
 * "Why was I denied?": walks the chain for the caller, for one of the caller's tokens, or, for administrators, for somebody of their
 * organization. The rows are of the policy itself (`domain/explain.ts`). It tells nothing that the real request would not: not to who asks
 * about a thing that they do not see, and not about what whoever is asked about does not see.
 */
import { type ExplainedFacts, type HurdleResult, loadFactsAbout } from '../../access/explain-facts.ts'
import { findMovedRepo } from '../../access/find-moved.ts'
import type { Target } from '../../access/load-facts.ts'
import { callerKey, type RateLimiter, rateLimiter, refuseOver } from '../../access/rate-limit.ts'
import { tokenPaceOf } from '../../access/token-pace.ts'
import { namedFor } from '../../domain/entity.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { denialOf, type ExplainCheck, type ExplainRow, explain } from '../../domain/explain.ts'
import { explainLimits } from '../../domain/explain-limits.ts'
import { accountOf, type Credential, type Facts } from '../../domain/facts.ts'
import { type Action, permissionRow } from '../../domain/permissions.ts'
import { canSee, decide, refusal } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { reachesOrganization } from '../organization-tokens/service.ts'
import { contentRows } from './content-rows.ts'
import { findParty, findTokenOwner, findUser, isMachineOf } from './explain-queries.ts'
import { organizationIn } from './parse-resource.ts'
import type { Asker, Question } from './question.ts'
import { type NamedSource, nameSources } from './role-sources.ts'

export interface ExplainedRow extends Omit<ExplainRow, 'denial' | 'check' | 'sources'> {
  /** Of the row `role`. */
  readonly sources?: readonly NamedSource[]
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
  readonly assumes: readonly Assumed[]
}

export type Assumed =
  | 'inside its networks'
  | 'from one of its programs'
  | 'within its requests a minute'
  | 'within its bytes a day'
  | 'content that is handed out'
  | 'commits that are signed as the policy asks'

/** What who asks is told beside the decision. */
interface Told {
  /** How the token was used: of one's own, and of those of the organization's service accounts. */
  readonly usage: boolean
  /** What the program would call itself; undefined: not known. */
  readonly userAgent: string | null | undefined
  /** What is judged on the content: where the asker would get there too. */
  readonly content: boolean
  /** Where the token would be sent from is not looked at. */
  readonly anyNetwork?: true
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
  if (isAboutSelf(asker.facts, question)) {
    // The request at hand is of the program that it names, unless another is asked about.
    const told = { usage: true, userAgent: question.program ?? asker.request.origin.userAgent, content: true }
    return await answer(hub, asker, question, ownHurdles(place.facts), place.facts, told)
  }
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
    const own = { kind: 'token', id: tokenId } as const
    const { ip } = asker.request.origin
    const found = await loadFactsAbout(hub.db, own, place.target, hub.clock.now(), ip)
    const told = { usage: true, userAgent: question.program ?? undefined, content: true }
    return await about(hub, asker, question, found, told)
  }
  const organizationId = await asAdministrator(hub, asker, place.target)
  if (isHiddenFrom(question.action, place.facts)) return notThere(question, place.facts)
  if (ownerId === null || organizationId === null) throw new HoldfastError('not_found')
  const isMachine = await isMachineOf(hub.db, organizationId, ownerId)
  if (!isMachine && !(await reachesOrganization(hub, organizationId, tokenId))) throw new HoldfastError('not_found')
  // Where somebody works from is not told: the answer is for a request from inside.
  const found = await loadFactsAbout(hub.db, { kind: 'token', id: tokenId }, place.target, hub.clock.now())
  const told = { usage: isMachine, userAgent: question.program ?? undefined, anyNetwork: true } as const
  return await about(hub, asker, question, found, { ...told, content: reaches(question, place.facts) })
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
  const found = await loadFactsAbout(hub.db, { kind: 'account', id }, place.target, hub.clock.now())
  return await about(hub, asker, question, found, {
    usage: false,
    userAgent: undefined,
    content: reaches(question, place.facts),
  })
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

/** Whether the asker would get to the same file, or the same push: only then is told what is judged there. */
function reaches(question: Question, facts: Facts): boolean {
  return decide(question.action, atPath(question, facts)).allow
}

const atPath = ({ path }: Question, facts: Facts): Facts => (path === null ? facts : { ...facts, path })

async function about(
  hub: Hub,
  asker: Asker,
  question: Question,
  found: ExplainedFacts,
  told: Told,
): Promise<Explanation> {
  return await answer(hub, asker, question, found.hurdles, found.facts, told)
}

async function answer(
  hub: Hub,
  asker: Asker,
  question: Question,
  hurdles: readonly HurdleResult[],
  found: Facts | null,
  told: Told,
): Promise<Explanation> {
  const facts = found === null ? null : atPath(question, found)
  const passedOn = hurdles.map(({ check, fault }): ExplainedRow => {
    if (fault === null)
      return { check, fault, need: null, have: facts === null ? null : (haveOf[check]?.(facts) ?? null) }
    return { check, fault, need: fault.denied?.need ?? null, have: fault.denied?.have ?? null }
  })
  if (facts === null) {
    return {
      question,
      subject: null,
      rows: passedOn,
      refusal: faultIn(passedOn),
      assumes: assumed(question, null, told),
    }
  }
  const { principal, credential } = facts
  const minute = told.usage && credential?.kind === 'token' ? tokenPaceOf(hub).look(credential) : undefined
  // How many uses a member's token has left is for its owner; that it has none is what the request is refused with.
  const limits = explainLimits(credential, { userAgent: told.userAgent, minute }).map((row) =>
    row.check === 'uses' && !told.usage ? { ...row, have: null } : row,
  )
  const decided = explain(question.action, facts)
  const rows = await Promise.all(
    decided.map(async ({ denial, sources, ...row }): Promise<ExplainedRow> => {
      const named = sources === undefined ? {} : { sources: await nameSources(hub, asker, facts, sources) }
      return { ...row, ...named, fault: denial === null ? null : refusal(denial, facts) }
    }),
  )
  // The policy has the last word: an explanation that strayed from it would be a fault of ours, not an answer.
  const decision = decide(question.action, facts)
  if (decision.allow !== (denialOf(decided) === null))
    throw new Error(`The rows of ${question.action} are not the decision.`)
  const content = told.content ? await contentRows(hub, question, facts, told.usage) : []
  // What refuses a token before anything is looked up names no resource.
  const named = [...rows, ...content].map((row) => ({ ...row, fault: row.fault?.about(namedFor(facts)) ?? null }))
  const all = [...passedOn, ...limits, ...named]
  return {
    question,
    subject: { principal, credential },
    rows: all,
    refusal: faultIn(all),
    assumes: [...assumed(question, credential, told), ...unsaid(all)],
  }
}

/** Where a policy asks for signed commits, and it was not told what the push brings. */
function unsaid(rows: readonly ExplainedRow[]): Assumed[] {
  const isOpen = rows.some(({ check, have }) => check === 'signing' && have === null)
  return isOpen ? ['commits that are signed as the policy asks'] : []
}

function assumed({ action, path }: Question, credential: Credential | null, told: Told): Assumed[] {
  const assumes: Assumed[] = told.anyNetwork === true ? ['inside its networks'] : []
  if (credential?.kind === 'token') {
    const { programs, requestsPerMinute, bytesPerDay } = credential.limits
    if (programs.length > 0 && told.userAgent === undefined) assumes.push('from one of its programs')
    if (requestsPerMinute !== null && !told.usage) assumes.push('within its requests a minute')
    if (bytesPerDay !== null && path !== null && !told.usage) assumes.push('within its bytes a day')
  }
  if (action === 'repo.content.read' && !told.content) assumes.push('content that is handed out')
  if (action === 'repo.push' && !told.content) assumes.push('commits that are signed as the policy asks')
  return assumes
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
  const kinds = { read: 'a read', write: 'a write', fineGrained: 'a fine-grained', inherit: 'an inheriting' } as const
  return `${kinds[credential.role]} token, …${credential.last4}`
}

function articled(on: string): string {
  if (on === 'self') return 'oneself ("self")'
  if (on === 'instance') return 'the hub ("instance")'
  return /^[aeio]/.test(on) ? `an ${on}` : `a ${on}`
}
