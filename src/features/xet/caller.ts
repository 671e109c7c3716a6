/** Whose share of the threads a request takes. */

import { accountOf } from '../../domain/facts.ts'
import type { CasCall } from './cas-route.ts'

export function callerOf({ allowed }: Pick<CasCall, 'allowed'>): string {
  return accountOf(allowed.principal)?.id ?? allowed.resource.id
}
