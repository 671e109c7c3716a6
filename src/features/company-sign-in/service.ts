/**
 * Signing in through the company's OpenID provider. Who somebody is is the pair of issuer and subject, never an address: an account is
 * connected by who is signed in to it, or, where the administrator of the hub trusts the provider with it, by an address that both have verified.
 */
import { randomBytes } from 'node:crypto'
import type { CompanyConfig } from '../../config.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { emailKey } from '../../domain/names.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import type { CompanyIdentityTable } from '../../platform/db/schema.ts'
import { createCompanyUser, enqueueMail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { beginSecondStep } from '../second-factors/service.ts'
import { holdUser, refreshSession, startSession } from '../sessions/service.ts'
import type { CompanyAnswer } from './ask.ts'
import { hasSecondFactor, isOfDomain, labelOf, nameCandidates, readEmail, readFullname, readGroups } from './claims.ts'
import { companyOf } from './provider.ts'
import {
  type CompanyPerson,
  deleteIdentity,
  findByIdentity,
  findByVerifiedEmail,
  hasAnotherWay,
  insertIdentity,
  listIdentities,
  touchIdentity,
} from './queries.ts'
import { syncGroups } from './sync.ts'

export type SignedIn =
  | {
      readonly done: true
      readonly cookie: string
      readonly name: string
      readonly isNew: boolean
      readonly notices: readonly string[]
    }
  /** The value of the cookie with which the second step goes on. */
  | { readonly done: false; readonly pending: string }

interface Arrived {
  readonly user: CompanyPerson
  readonly isNew: boolean
}

/**
 * Throws `company_account_unknown`, `company_account_exists`, `company_email_needed`, `account_deactivated`, and `company_sign_in_refused` for a
 * new account where the provider names no address.
 */
export async function signInWithCompany(
  hub: Hub,
  allowed: Allowed<'session.create'>,
  origin: Origin,
  answer: CompanyAnswer,
): Promise<SignedIn> {
  const company = companyOf(hub)
  const { claims } = answer
  requireDomain(company, answer)
  const groups = readGroups(claims, company.groupsClaim)
  const hasFactor = hasSecondFactor(claims, company.secondFactor)
  const made = await withFreeName(answer, company, (name) =>
    hub.transaction(async (tx) => {
      const { user, isNew } = await arrive(hub, tx, allowed, origin, company, answer, name)
      if (user.state !== 'active') throw new HoldfastError('account_deactivated')
      const label = labelOf(claims, company.usernameClaim, answer.subject)
      await touchIdentity(tx, answer.issuer, answer.subject, label, hub.clock.now())
      const notices = await syncGroups(hub, tx, origin, user, groups)
      const current = await holdUser(tx, user.id)
      if (current?.state !== 'active') throw new HoldfastError('account_deactivated')
      if (current.secondFactorAt !== null && !hasFactor) return { waits: { id: user.id, ...current }, name: user.name }
      const method = hasFactor ? 'company with its second factor' : 'company'
      const person = { ...user, passwordHash: current.passwordHash }
      const cookie = await startSession(hub, tx, allowed, origin, person, method)
      return { waits: null, cookie, name: user.name, isNew, notices }
    }),
  )
  if (groups.fault !== null) {
    hub.log.info(
      { user: made.name, fault: groups.fault },
      "The groups of somebody's sign-in are not complete: nothing is taken away",
    )
  }
  if (made.waits !== null) return { done: false, pending: await beginSecondStep(hub, made.waits, 'company') }
  return { done: true, cookie: made.cookie, name: made.name, isNew: made.isNew, notices: made.notices }
}

/** Tries names for a new account until one is free; also anew where two sign-ins of one new person come at once. */
async function withFreeName<T>(
  answer: CompanyAnswer,
  company: CompanyConfig,
  run: (name: string) => Promise<T>,
): Promise<T> {
  const names = nameCandidates(answer.claims, company.usernameClaim, randomBytes(4).toString('hex'))
  let last: unknown = null
  for (const name of names) {
    try {
      return await run(name)
    } catch (error) {
      const isName = error instanceof HoldfastError && (error.code === 'name_taken' || error.code === 'invalid_name')
      if (!isName && !isUniqueViolation(error)) throw error
      last = error
    }
  }
  throw last
}

/** The account of this person: the connected one, one with the same verified address, or a new one with the name `name`. */
async function arrive(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  company: CompanyConfig,
  answer: CompanyAnswer,
  name: string,
): Promise<Arrived> {
  const known = await findByIdentity(tx, answer.issuer, answer.subject)
  if (known !== null) return { user: known, isNew: false }
  const email = readEmail(answer.claims)
  if (company.trustsEmail && email?.isVerified) {
    const owner = await findByVerifiedEmail(tx, emailKey(email.address))
    if (owner !== null) {
      // Whoever can write addresses at the provider does not become administrator of the hub by it.
      if (owner.isAdmin === 1) throw new HoldfastError('company_account_exists', { company: company.name })
      if (owner.state !== 'active') throw new HoldfastError('account_deactivated')
      await connect(hub, tx, allowed, origin, company, answer, owner, 'email')
      return { user: owner, isNew: false }
    }
  }
  if (!company.mayJoin) throw new HoldfastError('company_account_unknown', { company: company.name })
  if (email === null) {
    const reason = 'it names no e-mail address of yours, which an account needs'
    throw new HoldfastError('company_sign_in_refused', { company: company.name, reason })
  }
  const made = await createCompanyUser(hub, tx, allowed, origin, {
    name,
    fullname: readFullname(answer.claims),
    email: email.address,
    isVerified: email.isVerified,
  })
  const user: CompanyPerson = { ...made, state: 'active', isAdmin: 0 }
  await connect(hub, tx, allowed, origin, company, answer, user, 'join')
  return { user, isNew: true }
}

async function connect(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  company: CompanyConfig,
  answer: CompanyAnswer,
  user: { readonly id: string; readonly name: string },
  by: 'email' | 'join' | 'session',
): Promise<void> {
  const now = hub.clock.now()
  const row: CompanyIdentityTable = {
    issuer: answer.issuer,
    subject: answer.subject,
    userId: user.id,
    label: labelOf(answer.claims, company.usernameClaim, answer.subject),
    createdAt: now,
    lastUsedAt: now,
  }
  if (!(await insertIdentity(tx, row))) {
    const code = by === 'session' ? 'company_identity_taken' : 'company_account_exists'
    throw new HoldfastError(code, { company: company.name })
  }
  await recordEvent(hub, tx, allowed, origin, {
    action: 'account.company.connect',
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data: { issuer: answer.issuer, as: row.label, by },
  })
  // Of a new way into an account its owner hears, as of a new second factor.
  if (by !== 'join') await enqueueMail(hub, tx, { kind: 'second-factor', userId: user.id, change: 'company-connected' })
}

/** Throws `company_identity_taken` where either side is connected already, or `company_email_needed`. */
export async function connectOwnAccount(
  hub: Hub,
  allowed: Allowed<'account.company.update'>,
  origin: Origin,
  answer: CompanyAnswer,
): Promise<void> {
  const company = companyOf(hub)
  requireDomain(company, answer)
  const user = person(allowed)
  await hub.transaction((tx) => connect(hub, tx, allowed, origin, company, answer, user, 'session'))
}

/** What groups gave stays until the next sign-in through the company. Throws `not_found`, or `company_only_way`. */
export async function disconnectOwnAccount(
  hub: Hub,
  allowed: Allowed<'account.company.update'>,
  origin: Origin,
  issuer: string,
): Promise<void> {
  const user = person(allowed)
  const { company } = hub.config
  await hub.transaction(async (tx) => {
    const held = await holdUser(tx, user.id)
    const isCurrent = (await listIdentities(tx, user.id)).some(
      (row) => row.issuer === issuer && isOfCompany(company, row),
    )
    const isShutOut = company?.isOnly === true && held?.isAdmin !== 1
    if (isCurrent && (isShutOut || !(await hasAnotherWay(tx, user.id)))) throw new HoldfastError('company_only_way')
    const label = await deleteIdentity(tx, user.id, issuer)
    if (label === null) throw new HoldfastError('not_found')
    await enqueueMail(hub, tx, { kind: 'second-factor', userId: user.id, change: 'company-disconnected' })
    await recordEvent(hub, tx, allowed, origin, {
      action: 'account.company.disconnect',
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { issuer, as: label },
    })
  })
}

export interface Connection {
  readonly issuer: string
  readonly label: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  /** Of the provider that the hub is set up with now; others sign nobody in. */
  readonly isCurrent: boolean
}

export async function listConnections(hub: Hub, allowed: Allowed<'account.company.read'>): Promise<Connection[]> {
  const rows = await listIdentities(hub.db.read, person(allowed).id)
  return rows.map((row) => ({
    issuer: row.issuer,
    label: row.label,
    createdAt: row.createdAt,
    lastUsedAt: row.lastUsedAt,
    isCurrent: isOfCompany(hub.config.company, row),
  }))
}

/** The session counts as begun just now. Throws `company_identity_other`, or `company_not_recent` where a second factor is asked for. */
export async function confirmWithCompany(
  hub: Hub,
  allowed: Allowed<'session.refresh'>,
  origin: Origin,
  answer: CompanyAnswer,
): Promise<void> {
  const company = companyOf(hub)
  const user = person(allowed)
  await hub.transaction(async (tx) => {
    const known = await findByIdentity(tx, answer.issuer, answer.subject)
    if (known?.id !== user.id) throw new HoldfastError('company_identity_other', { company: company.name })
    const held = await holdUser(tx, user.id)
    // As with a password: who has a second factor confirms with that.
    const isEnough = held?.secondFactorAt === null || hasSecondFactor(answer.claims, company.secondFactor)
    if (!isEnough) throw new HoldfastError('company_not_recent', { company: company.name })
    await refreshSession(hub, tx, allowed)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { method: 'company' },
    })
  })
}

function requireDomain(company: CompanyConfig, answer: CompanyAnswer): void {
  if (isOfDomain(readEmail(answer.claims), company.emailDomains)) return
  throw new HoldfastError('company_email_needed', { company: company.name })
}

/** Issuers are compared as addresses: with or without a slash at the end. */
function isOfCompany(company: CompanyConfig | null, row: { readonly issuer: string }): boolean {
  return company !== null && new URL(company.issuer).href === URL.parse(row.issuer)?.href
}

function person(allowed: Allowed<Action>): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('Only a person signs in through a company.')
  return allowed.principal
}
