/** An administrator of the hub lets a content out of quarantine, with a reason, or takes that back (MAL-10). The verdict itself stays as it is. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { deleteRelease, insertRelease, renewFound, selectContents } from './scan-queries.ts'

const leastReason = 3
const mostReason = 2_000

/** Throws `invalid_input` for what says nothing. */
export function readReason(text: string): string {
  const reason = text.trim()
  if (reason.length >= leastReason && reason.length <= mostReason) return reason
  throw new HoldfastError('invalid_input', {
    reason: `Say why, in ${leastReason} to ${mostReason} characters.`,
    field: 'reason',
  })
}

/** Throws `not_found` for what was never scanned. What is released already stays so, under its first reason. */
export async function releaseContent(
  hub: Hub,
  allowed: Allowed<'scan.release'>,
  origin: Origin,
  { content, reason }: { readonly content: string; readonly reason: string },
): Promise<void> {
  const [row] = await selectContents(hub.db, [content])
  if (row === undefined) throw new HoldfastError('not_found')
  const releasedBy = allowed.principal.kind === 'user' ? allowed.principal.id : null
  const release = { content, reason, releasedAt: hub.clock.now(), releasedBy }
  await hub.transaction(async (tx) => {
    if (!(await insertRelease(tx, release))) return
    const resource = { kind: 'content', id: content, name: content }
    await recordEvent(hub, tx, allowed, origin, { resource, ownerId: null, data: { reason, level: row.level } })
  })
}

/** Throws `not_found` where it was not released. */
export async function withdrawRelease(
  hub: Hub,
  allowed: Allowed<'scan.release'>,
  origin: Origin,
  content: string,
): Promise<void> {
  await hub.transaction(async (tx) => {
    if (!(await deleteRelease(tx, content))) throw new HoldfastError('not_found')
    // Addresses that were given meanwhile end as if it had been found now.
    await renewFound(tx, content, hub.clock.now())
    const resource = { kind: 'content', id: content, name: content }
    await recordEvent(hub, tx, allowed, origin, { action: 'scan.hold', resource, ownerId: null })
  })
}
