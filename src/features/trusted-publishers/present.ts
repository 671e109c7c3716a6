/** Trusted publishers as JSON. */
import type { Publisher } from './publisher.ts'

export function presentPublisher(publisher: Publisher) {
  const { id, issuer, audience, claims, createdBy, createdAt, lastUsedAt, lastRun } = publisher
  return {
    id,
    issuer,
    audience,
    /** One value as text, several as a list: as they are sent. */
    claims: Object.fromEntries(
      Object.entries(claims).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
    ),
    createdBy: createdBy === null ? null : { name: createdBy.name, isActive: createdBy.isActive },
    createdAt: new Date(createdAt).toISOString(),
    lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
    lastRun,
  }
}
