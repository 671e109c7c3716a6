/** What a provider says of a person, read with care: providers say the same things in several ways, and people can write into some of them. */
import { isEmailAddress } from '../../domain/names.ts'

/** Claims by name, of an ID token and of the provider's answer about the person. */
export type Claims = Readonly<Record<string, unknown>>

export interface GroupClaim {
  readonly names: readonly string[]
  /** False where there may be more: then nobody loses anything. */
  readonly isComplete: boolean
  /** For the log, where it is not. */
  readonly fault: string | null
}

const mostGroups = 5_000
const longestGroup = 256

/** Entra ID leaves the list out for who is in too many groups, and says where it lies (`_claim_names`): it counts as not complete. */
export function readGroups(claims: Claims, name: string): GroupClaim {
  const value = claims[name]
  if (value === undefined) {
    const elsewhere = claims._claim_names
    const isElsewhere = typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, name)
    return incomplete([], isElsewhere ? `"${name}" is too long and was left out` : `there is no claim "${name}"`)
  }
  if (!Array.isArray(value)) return incomplete([], `"${name}" is not a list`)
  const entries: readonly unknown[] = value
  const names = entries.filter((entry): entry is string => typeof entry === 'string' && isGroupName(entry))
  const unique = [...new Set(names)]
  if (unique.length > mostGroups)
    return incomplete(unique.slice(0, mostGroups), `"${name}" has over ${mostGroups} groups`)
  if (names.length < entries.length) return incomplete(unique, `"${name}" has entries that are no names of groups`)
  return { names: unique, isComplete: true, fault: null }
}

export function isGroupName(text: string): boolean {
  return text !== '' && text.length <= longestGroup && !/\p{Cc}/u.test(text)
}

function incomplete(names: readonly string[], fault: string): GroupClaim {
  return { names, isComplete: false, fault }
}

export interface CompanyEmail {
  readonly address: string
  /** By the provider. Some write it as text. */
  readonly isVerified: boolean
}

export function readEmail(claims: Claims): CompanyEmail | null {
  const address = typeof claims.email === 'string' ? claims.email.trim() : ''
  if (!isEmailAddress(address)) return null
  return { address, isVerified: claims.email_verified === true || claims.email_verified === 'true' }
}

export function isOfDomain(email: CompanyEmail | null, domains: readonly string[]): boolean {
  if (domains.length === 0) return true
  if (email === null || !email.isVerified) return false
  return domains.includes(email.address.slice(email.address.lastIndexOf('@') + 1).toLowerCase())
}

/** Whether the provider says that one of `values` was how the person proved who they are (`amr`), or how well (`acr`). */
export function hasSecondFactor(claims: Claims, values: readonly string[]): boolean {
  const said: readonly unknown[] = [claims.acr, ...(Array.isArray(claims.amr) ? claims.amr : [])]
  return said.some((value) => typeof value === 'string' && values.includes(value))
}

/** How the provider calls the person, for showing: an address, else a name, else the bare subject. */
export function labelOf(claims: Claims, usernameClaim: string, subject: string): string {
  const named = [claims.email, claims[usernameClaim], claims.name].find(
    (value) => typeof value === 'string' && value !== '',
  )
  return String(named ?? subject)
    .replace(/\p{C}/gu, '')
    .slice(0, 200)
}

export function readFullname(claims: Claims): string | null {
  if (typeof claims.name !== 'string') return null
  const name = claims.name
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .replace(/\s+/g, ' ')
  return name === '' || name.length > 100 ? null : name
}

/**
 * Names for a new account, the best first: of the claim, else of the address, with numbers for where they are taken. What is no letter and no
 * digit becomes a hyphen. `random`: a few letters, for the last of them.
 */
export function nameCandidates(claims: Claims, usernameClaim: string, random: string): string[] {
  const texts = [claims[usernameClaim], claims.email].filter((value) => typeof value === 'string')
  const bases = texts.map((text) => baseOf(text)).filter((base) => base.length >= 2)
  const base = bases[0] ?? 'member'
  const numbered = [2, 3, 4, 5, 6, 7, 8, 9].map((number) => `${base}-${number}`)
  return [base, ...numbered, `${base}-${random}`]
}

function baseOf(text: string): string {
  return (text.split('@')[0] ?? '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 32)
    .replace(/^-+|-+$/g, '')
}
