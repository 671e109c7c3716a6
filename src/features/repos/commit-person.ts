/** How an account stands in commits that the hub makes for it. */
import { commitIdentity } from '../../domain/commit-identity.ts'
import type { Principal } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { Person } from '../../platform/git/commit.ts'

export function commitPerson(hub: Pick<Hub, 'clock' | 'config'>, principal: Principal): Person {
  return { ...commitIdentity(principal, new URL(hub.config.publicUrl).hostname), at: hub.clock.now() }
}
