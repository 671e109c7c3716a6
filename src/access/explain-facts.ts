/**
 * The facts of somebody else's question: what an account, or a token that is named by its id, would be to a thing. The same statement and the
 * same hurdles as for a request, told one by one in place of thrown, so that an explanation cannot say other than the request would.
 */
import { HoldfastError } from '../domain/errors.ts'
import type { Credential, Facts } from '../domain/facts.ts'
import { noLimits } from '../domain/token-limits.ts'
import type { Db } from '../platform/db/database.ts'
import {
  factsFrom,
  type Hurdle,
  holderOf,
  hurdles,
  isPast,
  machineOf,
  readRow,
  type Target,
  userOf,
} from './load-facts.ts'

/** `account`: a person in a fresh session, or a service account with a token that inherits. */
export type About = { readonly kind: 'account' | 'token'; readonly id: string }

export interface HurdleResult {
  readonly check: Hurdle['check']
  readonly fault: HoldfastError | null
}

export interface ExplainedFacts {
  /** The credential itself, in the order in which a request meets it. */
  readonly hurdles: readonly HurdleResult[]
  /** As if every hurdle were passed. Null where there is nobody to ask about: no such id, or an account that is not active. */
  readonly facts: Facts | null
}

/** `address`: from where the token would be sent; undefined leaves its networks out. */
export async function loadFactsAbout(
  db: Db,
  about: About,
  target: Target,
  now: number,
  address?: string | null,
): Promise<ExplainedFacts> {
  const by = { hash: '', credentialId: about.id, issuedAt: now, now }
  const row = await readRow(db, `${about.kind}-id`, target, by)
  if (about.kind === 'token') {
    const asked = { address: address ?? null, wasMadeHere: () => true }
    const met = hurdles.filter(({ check }) => check !== 'network' || address !== undefined)
    const viewer = holderOf(row)
    return {
      hurdles: met.map(({ check, faultOf }) => ({ check, fault: faultOf(row, now, asked) })),
      facts: viewer === null ? null : factsFrom('token', target, row, viewer),
    }
  }
  const principal = userOf(row) ?? machineOf(row)
  const inactive = new HoldfastError('invalid_credentials', {}, { denied: { code: 'owner_inactive' } })
  const results: HurdleResult[] = [{ check: 'account', fault: principal === null ? inactive : null }]
  if (row.machineId != null) {
    const expired = new HoldfastError('token_expired', {}, { denied: { code: 'token_expired' } })
    results.push({ check: 'expiry', fault: isPast(row.machineExpiresAt, now) ? expired : null })
  }
  if (principal === null) return { hurdles: results, facts: null }
  const credential: Credential =
    principal.kind === 'user' ? { kind: 'session', id: '', isFresh: true } : { ...inheriting, createdAt: now }
  return { hurdles: results, facts: factsFrom('account', target, row, { principal, credential }) }
}

/** A token of a service account that carries what its account may do. */
const inheriting = {
  kind: 'token',
  id: '',
  name: '',
  last4: '',
  role: 'inherit',
  canReadGatedRepos: false,
  globalPermissions: [],
  rotatedAt: null,
  expiresAt: null,
  networks: [],
  limits: noLimits,
  taken: null,
  former: null,
  parent: null,
  usesLeft: null,
} as const
