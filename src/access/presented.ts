/** What a request carries as its credential, before anything was looked up. */
import type { Credential } from '../domain/facts.ts'

/** The credential that stands behind a signed address; null for what anybody may do. */
export interface SignedCredential {
  readonly credential: { readonly kind: 'session' | 'token'; readonly id: string } | null
  /** A token that was refreshed after this moment (ms) no longer stands behind the address. */
  readonly issuedAt: number
}

/**
 * The `issuedAt` of what is signed for a credential. The value that a token had before it was refreshed signs as of then, so that what it began
 * ends with it and does not outlive the overlap.
 */
export function signingTime(credential: Credential | null, now: number): number {
  return credential?.kind === 'token' && credential.former !== null ? credential.former.replacedAt - 1 : now
}

export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'session'; readonly hash: string }
  | { readonly kind: 'token'; readonly hash: string; readonly isOurs?: () => boolean }
  | ({ readonly kind: 'signed' } & SignedCredential)
