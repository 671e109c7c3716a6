/**
 * Writes facts into the audit log, in the transaction of the change that they tell of. There is no chain column: a sealer orders and
 * signs committed events afterwards. No secret is ever part of an event.
 */
import type { EventData, Origin } from '../../domain/event.ts'
import { accountOf, type Credential, type Principal } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import { withoutTokens } from '../../domain/token.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { EventTable } from '../../platform/db/schema.ts'
import { insertEvent, insertEventOnce, insertEvents } from './queries.ts'

export type { ChainSummary, Fault, FaultKind, KnownSeal } from './chain-check.ts'
export { presentEvents } from './list-events.ts'
export { canonicalEvent, hashEvent, isCheckpointDue, noHash, type Unsigned } from './seal-format.ts'
export { type Sealer, sealNow, startSealer } from './sealer.ts'
export {
  auditPublicKeys,
  exportLog,
  glanceAtLog,
  type LogReport,
  parseAuditKeys,
  verifyLog,
  verifyLogFile,
} from './verify.ts'

export interface EventInput {
  /** Defaults to the action that was allowed. */
  readonly action?: string
  readonly resource: { readonly kind: string; readonly id: string | null; readonly name: string | null }
  /** The user or organization that the resource belongs to. */
  readonly ownerId: string | null
  readonly data?: EventData
}

/** The actor and the credential come from `allowed`: an event cannot be written in somebody else's name. */
export async function recordEvent(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  input: EventInput,
): Promise<void> {
  await insertEvent(tx, describeEvent(hub, allowed, origin, input))
}

/** Many at once, for an act that ends many things. */
export async function recordEvents(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  inputs: readonly EventInput[],
): Promise<void> {
  const atOnce = 500
  for (let at = 0; at < inputs.length; at += atOnce) {
    await insertEvents(
      tx,
      inputs.slice(at, at + atOnce).map((input) => describeEvent(hub, allowed, origin, input)),
    )
  }
}

/** The event as it would be written now; for a change that is settled later, perhaps by another process (`writeEventOnce`). */
export function describeEvent(hub: Hub, allowed: Allowed<Action>, origin: Origin, input: EventInput): EventTable {
  const { principal, credential } = allowed
  return {
    id: hub.clock.id(),
    at: hub.clock.now(),
    action: input.action ?? allowed.action,
    actorKind: principal.kind,
    actorId: accountOf(principal)?.id ?? null,
    actorName: actorName(principal),
    credentialKind: credential?.kind ?? null,
    credentialId: credential?.id ?? null,
    credentialLast4: credential?.kind === 'token' ? credential.last4 : null,
    resourceKind: input.resource.kind,
    resourceId: input.resource.id,
    resourceName: withoutTokens(input.resource.name),
    ownerId: input.ownerId,
    ip: origin.ip,
    userAgent: withoutTokens(origin.userAgent),
    requestId: withoutTokens(origin.requestId),
    data: withoutTokens(JSON.stringify({ ...input.data, ...runOf(credential), ...derivedFrom(credential) })),
  }
}

/** Which run of automation it was, where one holds the token. */
function runOf(credential: Credential | null): EventData {
  if (credential?.kind !== 'token' || credential.publisher === undefined) return {}
  const { id, run } = credential.publisher
  return { publisher: { id, issuer: run.issuer, claims: run.claims } }
}

/** Of what a child token does, the log names the token that it came from. */
function derivedFrom(credential: Credential | null): EventData {
  return credential?.kind === 'token' && credential.parent !== null ? { parentToken: credential.parent.id } : {}
}

/** A service account under the name that people gave it (SA-8). */
function actorName(principal: Principal): string {
  switch (principal.kind) {
    case 'user':
    case 'organization':
      return principal.name
    case 'service-account':
      return principal.fullname
    case 'system':
      return principal.reason
    case 'anonymous':
      return 'anonymous'
  }
}

/** Writes a described event unless it was written before. */
export async function writeEventOnce(tx: Tx, event: EventTable): Promise<void> {
  await insertEventOnce(tx, event)
}
