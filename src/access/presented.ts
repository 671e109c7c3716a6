/** What a request carries as its credential, before anything was looked up. */

/** The credential that stands behind a signed address; null for what anybody may do. */
export interface SignedCredential {
  readonly credential: { readonly kind: 'session' | 'token'; readonly id: string } | null
  /** A token that was refreshed after this moment (ms) no longer stands behind the address. */
  readonly issuedAt: number
}

export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'session'; readonly hash: string }
  | { readonly kind: 'token'; readonly hash: string; readonly isOurs?: () => boolean }
  | ({ readonly kind: 'signed' } & SignedCredential)
