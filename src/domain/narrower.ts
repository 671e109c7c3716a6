/** What a child token may list: no more than its parent, judged by what permissions open and not by their names alone. */
import { type PermissionRow, permissions } from './permissions.ts'

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
