/** What an application may ask for, by the Hub's names, and what its access token lists for it. */
import { HoldfastError } from '../../domain/errors.ts'
import type { TokenPermission } from '../../domain/token-permissions.ts'

interface Scope {
  /** Completes "The application will be able to ..." */
  readonly may: string
  /** What its access token lists on the person's namespace and on each organization that was ticked. */
  readonly permissions: readonly TokenPermission[]
}

export const scopes = {
  openid: { may: 'know who you are on this hub', permissions: [] },
  profile: { may: 'see your name and your public profile', permissions: [] },
  email: { may: 'see your e-mail address', permissions: [] },
  'read-repos': { may: 'read your repositories, private ones too', permissions: ['repo.content.read'] },
  'gated-repos': { may: 'read the gated repositories that you were let in to', permissions: [] },
  'write-repos': {
    may: 'read, write, create and delete your repositories',
    permissions: ['repo.content.read', 'repo.write'],
  },
  'manage-repos': {
    may: 'change the settings of your repositories',
    permissions: ['repo.content.read', 'repo.write', 'repo.settings.write'],
  },
  'inference-api': { may: 'call inference providers in your name', permissions: ['inference.serverless.write'] },
} as const satisfies Readonly<Record<string, Scope>>

export type ScopeName = keyof typeof scopes
export const scopeNames = Object.keys(scopes) as readonly ScopeName[]

const isScope = (name: string): name is ScopeName => Object.hasOwn(scopes, name)

/** Each once, in one order; unknown names are dropped: for what stands in the database. */
export function scopesOf(text: string): ScopeName[] {
  const named = text.split(' ')
  return scopeNames.filter((name) => named.includes(name))
}

/** Absent: everything that the application registered. Throws `oauth_scope_refused` for what is not among that. */
export function askedScopes(text: string | undefined, registered: readonly ScopeName[]): ScopeName[] {
  const named = (text ?? '').split(' ').filter((name) => name !== '')
  if (named.length === 0) return [...registered]
  const stray = named.find((name) => !isScope(name) || !registered.includes(name))
  if (stray !== undefined) {
    const scope = stray.replace(/[^\x21-\x7e]/g, '?').slice(0, 60)
    throw new HoldfastError('oauth_scope_refused', { scope, known: registered.join(' ') })
  }
  return registered.filter((name) => named.includes(name))
}

/** Whether an organization that is ticked changes anything. */
export function reachesRepos(asked: readonly ScopeName[]): boolean {
  return permissionsOf(asked).length > 0
}

export function permissionsOf(asked: readonly ScopeName[]): TokenPermission[] {
  return [...new Set(asked.flatMap((name): readonly TokenPermission[] => scopes[name].permissions))].sort()
}
