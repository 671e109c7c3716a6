/** An event on the wire, in the shape of the Hub's export; what that has no place for lies in its `data`. */
import type { EventData } from '../../domain/event.ts'
import { serviceAccountName } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { EventTable } from '../../platform/db/schema.ts'
import type { TokenBrief } from './list-queries.ts'
import { sentenceFor } from './sentences.ts'

/** An event with what is known today of those it names. */
export interface LogEntry {
  readonly event: EventTable
  readonly details: EventData
  /** A human sentence. */
  readonly message: string
  /** The number of the seal; null while it waits for one. */
  readonly seal: number | null
  /** The token that was used, if it is still there. */
  readonly token: TokenBrief | null
  /** Whoever did it has no account any more. */
  readonly isActorDeleted: boolean
}

/** What `data` of an event says; an event that was spoilt says nothing. */
export function detailsOf(event: Pick<EventTable, 'data'>): EventData {
  try {
    const value: unknown = JSON.parse(event.data)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EventData) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

export function messageOf(event: EventTable, details: EventData): string {
  const { action, resourceKind, resourceName, resourceId } = event
  return sentenceFor({ action, resourceKind, name: resourceName ?? resourceId ?? 'this hub', data: details })
}

/** The Hub's ids are 24 hex digits: whoever is no account has this one. */
const noId = '0'.repeat(24)

/**
 * The Hub knows users and its system as authors. A service account is shown as a user, under its own name (SA-8): a strict parser takes it, and
 * `data.actor` says what it is.
 */
export function presentEntry(hub: Hub, entry: LogEntry) {
  const { event, token } = entry
  const isAccount = event.actorKind === 'user' || event.actorKind === 'service-account'
  const username = usernameOf(event)
  return {
    _id: event.id,
    createdAt: new Date(event.at).toISOString(),
    type: event.action,
    message: entry.message,
    author: {
      _id: event.actorId ?? noId,
      user: event.actorName,
      avatarUrl: `${hub.config.publicUrl}/avatars/${encodeURIComponent(username)}.svg`,
      type: isAccount ? 'user' : 'system',
      ...(isAccount ? { deleted: entry.isActorDeleted } : {}),
    },
    ...(event.ip === null ? {} : { ip: event.ip }),
    ...(event.userAgent === null ? {} : { userAgent: event.userAgent }),
    ...(event.credentialKind !== 'token' || event.credentialId === null
      ? {}
      : {
          token: {
            type: 'access_token',
            id: event.credentialId,
            ...(token === null ? {} : { role: hubRole(token.role) }),
            ...(event.credentialLast4 === null ? {} : { last4: event.credentialLast4 }),
            deleted: token === null,
          },
        }),
    data: {
      actor: { kind: event.actorKind, id: event.actorId, name: username },
      resource: { kind: event.resourceKind, id: event.resourceId, name: event.resourceName },
      credential: event.credentialKind,
      requestId: event.requestId,
      seal: entry.seal,
      details: entry.details,
    },
  }
}

function usernameOf(event: EventTable): string {
  return event.actorKind === 'service-account' && event.actorId !== null
    ? serviceAccountName(event.actorId)
    : event.actorName
}

/** The Hub has no token that inherits what its account may do: the nearest that is never less is `write`. */
function hubRole(role: string): 'read' | 'write' | 'fineGrained' {
  return role === 'read' || role === 'fineGrained' ? role : 'write'
}
