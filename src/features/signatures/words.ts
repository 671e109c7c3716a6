/** A verification in words, for badges and pages. */
import type { SignatureStatus } from '../../web/badge.tsx'
import type { Verification } from './verifications.ts'

export interface SignatureView {
  readonly status: SignatureStatus
  /** What a badge says when pointed at, and the page of a commit beside it. */
  readonly words: string
  readonly key: { readonly kind: string; readonly id: string } | null
  readonly verifiedAt: number | null
}

const reasons: Readonly<Record<string, string>> = {
  unknown_key: 'It is signed with a key that no account of this hub has.',
  bad_email: "The committer's address is not one of the key and its account.",
  unverified_email: "The committer's address is not verified by the account that the key belongs to.",
  expired_key: 'The key was not valid at the time of the commit.',
  revoked_key: 'The key was revoked.',
  bad_signature: 'The signature does not fit: the commit was changed after it was signed, or the signature has ended.',
  malformed: 'The signature, or the commit around it, cannot be read.',
}

export function signatureView(one: Verification): SignatureView {
  const { key, verifiedAt } = one
  if (one.isHub) {
    const actor = one.actor === null ? 'an account that is gone' : one.actor
    const words = `Made through the API or the website for ${actor}, and signed by this hub. Nobody's own key stands behind it.`
    return { status: 'hub', words, key, verifiedAt }
  }
  if (one.status === 'verified') {
    return { status: 'verified', words: `Signed by ${one.signer?.name ?? 'an account that is gone'}.`, key, verifiedAt }
  }
  const words = one.status === 'none' ? '' : (reasons[one.reason ?? ''] ?? 'The signature does not count.')
  return { status: one.status, words, key, verifiedAt }
}
