/** What a client needs to speak Xet for a repo: a token, where to, and until when; in both forms in which clients read it (xet.md 1.1). */
import type { Headers } from '../../access/reply.ts'
import { makeXetToken, type XetMode } from '../../access/xet-token.ts'
import { pluralOfKind } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { casUrl } from './scope-address.ts'

/** Clients refresh up to a minute before the end. */
const lifetimeMs = 3_600_000

export interface XetConnection {
  readonly accessToken: string
  /** Unix seconds. */
  readonly exp: number
  /** Absolute, no slash at the end: clients put paths behind it, and keep their caches by it. */
  readonly casUrl: string
}

/** The mode is what was allowed. */
export function openConnection(
  hub: Hub,
  allowed: Allowed<'repo.content.read'> | Allowed<'repo.push'>,
  revision: string,
): XetConnection {
  const now = hub.clock.now()
  const exp = Math.floor((now + lifetimeMs) / 1000)
  const mode: XetMode = allowed.action === 'repo.push' ? 'write' : 'read'
  const { credential, resource } = allowed
  const accessToken = makeXetToken(hub.keys, {
    repoId: resource.id,
    mode,
    revision,
    credential,
    now,
    expiresAt: exp * 1000,
  })
  return { accessToken, exp, casUrl: casUrl(hub, resource) }
}

export function connectionHeaders(connection: XetConnection): Headers {
  return {
    'x-xet-cas-url': connection.casUrl,
    'x-xet-access-token': connection.accessToken,
    'x-xet-token-expiration': connection.exp,
  }
}

/** The address of the token route, absolute: what `Link: <...>; rel="xet-auth"` and LFS batch answers name. */
export function tokenAddress(
  hub: Hub,
  repo: Allowed<'repo.content.read'>['resource'],
  mode: XetMode,
  revision: string,
): string {
  const { publicUrl } = hub.config
  const base = `${publicUrl}/api/${pluralOfKind(repo.kind)}/${repo.owner.name}/${repo.name}`
  return `${base}/xet-${mode}-token/${encodeURIComponent(revision)}`
}
