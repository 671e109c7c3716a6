/** What a child token may list: no more than its parent, judged by what permissions open and not by their names alone. */
import { type Action, type PermissionRow, permissions } from './permissions.ts'
import type { TokenPermission } from './token-permissions.ts'

const rows: readonly PermissionRow[] = Object.values(permissions)

/** The actions' rows that this permission opens. */
function opened(permission: string) {
  return rows.flatMap(({ token }) =>
    typeof token !== 'string' && token.fineGrained.some((name) => name === permission) ? [token] : [],
  )
}

/** True where whoever holds all of `held` on a thing can do there whatever `permission` opens: who may write reads as well. */
export function covers(held: readonly string[], permission: string): boolean {
  if (held.includes(permission)) return true
  const all = opened(permission)
  return all.length > 0 && all.every(({ fineGrained }) => fineGrained.some((name) => held.includes(name)))
}

/** True where it opens nothing that a classic read token could not do. */
export function isReading(permission: string): boolean {
  const all = opened(permission)
  return all.length > 0 && all.every(({ classic }) => classic === 'read')
}

/** Of the permissions that open an action, the one that opens the least; null where no token needs any, or none does. */
export function narrowestPermission(action: Action): TokenPermission | null {
  return narrowest.get(action) ?? null
}

const narrowest: ReadonlyMap<string, TokenPermission> = new Map(
  Object.entries(permissions).flatMap(([action, row]) => {
    const token: PermissionRow['token'] = row.token
    if (typeof token === 'string') return []
    const [least] = [...token.fineGrained].sort((a, b) => opened(a).length - opened(b).length)
    return least === undefined ? [] : [[action, least] as const]
  }),
)
