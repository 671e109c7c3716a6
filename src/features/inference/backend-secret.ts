/** The key of a server: kept encrypted, and told to nobody but the server. */
import type { Hub } from '../../hub.ts'
import type { Backend } from './queries.ts'

/** What the server is told as its key. Throws where it was made with a key that this hub has no more. */
export function secretOf(hub: Hub, { id, secret }: Backend): string | null {
  return secret === null ? null : hub.keys.decrypt('backend-secret', secret, id)
}
