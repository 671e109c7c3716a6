/**
 * Another name for an organization. Everything that is bound to it is bound to its id: roles, tokens, repos. The old name is nobody's from then
 * on, and old addresses lead to the new ones. One transaction, so that nobody ever sees half of it; its statements run beside the event loop.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import { renameRepos } from './ending-queries.ts'
import { renameBearer } from './namespaces.ts'

/** A hundred thousand repos take some seconds, mostly for the search index. */
const timeLimitMs = 180_000

/**
 * `confirm`: the present name, typed. Gives the new name. Throws `invalid_input` (with `field`), `invalid_name` or `name_taken`.
 */
export async function renameOrganization(
  hub: Hub,
  allowed: Allowed<'org.rename'>,
  origin: Origin,
  input: { readonly name: string; readonly confirm: string },
): Promise<string> {
  const organization = allowed.resource
  refuseUnconfirmed(organization.name, input.confirm)
  const now = hub.clock.now()
  try {
    return await hub.db.transaction(
      async (tx) => {
        const { from, to } = await renameBearer(tx, hub.db.dialect, organization.id, input.name.trim(), now)
        if (from === to) return to
        const repos = await renameRepos(tx, organization.id, to)
        await recordEvent(hub, tx, allowed, origin, {
          resource: { kind: 'organization', id: organization.id, name: to },
          ownerId: organization.id,
          data: { from, to, repos },
        })
        return to
      },
      { timeLimitMs },
    )
  } catch (error) {
    // Somebody took the name in between.
    if (isUniqueViolation(error)) throw new HoldfastError('name_taken', { name: input.name })
    throw error
  }
}

/** Throws `invalid_input` unless the name was typed, capitals and all. */
export function refuseUnconfirmed(name: string, typed: string): void {
  if (typed.trim() === name) return
  throw new HoldfastError('invalid_input', { reason: `Type ${name} to confirm.`, field: 'confirm' })
}
