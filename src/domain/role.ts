/** Roles, from weakest to strongest. Compared only through `atLeast`, so the order is written down once. */
export const roles = ['no_access', 'read', 'contributor', 'write', 'admin'] as const
export type Role = (typeof roles)[number]

export function isRole(value: string): value is Role {
  return (roles as readonly string[]).includes(value)
}

/** True if `role` is `least` or stronger. No role at all (null) is weaker than every role. */
export function atLeast(role: Role | null, least: Role): boolean {
  return role !== null && roles.indexOf(role) >= roles.indexOf(least)
}

/** The stronger of two roles: sources of access add up, they never cancel each other. */
export function stronger(a: Role | null, b: Role | null): Role | null {
  if (a === null) return b
  if (b === null) return a
  return roles.indexOf(a) >= roles.indexOf(b) ? a : b
}

/** What a temporary role can be for whoever has this lasting one, from weakest to strongest. */
export function strongerThan(lasting: string | null): readonly Role[] {
  const weakest: Role = 'no_access'
  return roles.slice(Math.max(roles.indexOf(lasting !== null && isRole(lasting) ? lasting : weakest), 0) + 1)
}
