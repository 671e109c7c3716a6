/** Whose share of the threads a request takes. */
import type { CasCall } from './cas-route.ts'

export function callerOf({ allowed }: Pick<CasCall, 'allowed'>): string {
  return allowed.principal.kind === 'user' ? allowed.principal.id : allowed.resource.id
}
