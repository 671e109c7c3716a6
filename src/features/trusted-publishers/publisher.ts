/** What a trusted publisher is, and what it may say. */
import { HoldfastError } from '../../domain/errors.ts'
import type { RunFacts } from '../../domain/facts.ts'
import { type ClaimRules, rulesFault } from '../../domain/publisher.ts'
import type { Hub } from '../../hub.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import type { PublisherRow } from './queries.ts'

export interface Publisher {
  readonly id: string
  readonly issuer: string
  readonly audience: string
  /** It named no audience, and takes what is meant for this hub. */
  readonly isDefaultAudience: boolean
  readonly claims: ClaimRules
  readonly createdBy: { readonly id: string; readonly name: string; readonly isActive: boolean } | null
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly lastRun: RunFacts | null
}

export function publisherOfRow(hub: Hub, row: PublisherRow): Publisher {
  return {
    id: row.id,
    issuer: row.issuer,
    audience: row.audience ?? hub.config.publicUrl,
    isDefaultAudience: row.audience === null,
    claims: JSON.parse(row.claims) as ClaimRules,
    createdBy:
      row.createdBy === null
        ? null
        : { id: row.createdBy, name: row.creatorName ?? '', isActive: row.creatorState === 'active' },
    createdAt: row.createdAt,
    lastUsedAt: row.lastUsedAt,
    lastRun: row.lastRun === null ? null : (JSON.parse(row.lastRun) as RunFacts),
  }
}

export interface NewPublisher {
  readonly issuer: string
  /** Absent, null or empty: the public address of this hub. */
  readonly audience?: string | null | undefined
  readonly claims: Readonly<Record<string, string | readonly string[]>>
}

export interface ParsedPublisher {
  readonly issuer: string
  readonly audience: string | null
  readonly claims: ClaimRules
}

/** Throws `invalid_input`. Nothing is asked of the issuer. */
export function parsePublisher(hub: Hub, input: NewPublisher): ParsedPublisher {
  const issuer = parseIssuer(hub, input.issuer.trim())
  const audience = input.audience?.trim() || null
  if (audience !== null && (audience.length > 300 || /[\p{Cc}]/u.test(audience)))
    throw refused('audience', 'An audience has at most 300 characters.')
  const claims = Object.fromEntries(
    Object.entries(input.claims)
      .map(([name, values]) => [name.trim(), [...new Set([values].flat().map((value) => value.trim()))]] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const fault = rulesFault(issuer, claims)
  if (fault !== null) throw refused('claims', fault)
  return { issuer, audience: audience === hub.config.publicUrl ? null : audience, claims }
}

/** As it will stand in ID tokens, letter for letter: a slash at its end counts. */
function parseIssuer(hub: Hub, issuer: string): string {
  if (issuer === '') throw refused('issuer', 'Name the issuer of the ID tokens: the address in their claim "iss".')
  if (issuer.length > 300 || /[\s\p{Cc}?#]/u.test(issuer))
    throw refused('issuer', 'An issuer is an address of at most 300 characters, without "?" and "#".')
  try {
    hub.outbound.judge(issuer)
  } catch (error) {
    if (error instanceof OutboundRefusal) throw refused('issuer', error.reason)
    throw error
  }
  return issuer
}

function refused(field: string, reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason, field })
}
