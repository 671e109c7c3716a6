/** Whom a command names: somebody with an account that is active. */
import { HoldfastError } from '../domain/errors.ts'
import { getUserByName } from '../features/accounts/service.ts'
import type { Hub } from '../hub.ts'

/** Throws `user_not_found` or `account_deactivated`. */
export async function getActiveUser(hub: Hub, name: string): Promise<{ id: string; name: string }> {
  const user = await getUserByName(hub, name)
  if (user.state !== 'active') throw new HoldfastError('account_deactivated')
  return { id: user.id, name: user.name }
}
