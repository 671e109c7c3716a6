/** Why a signature does not count, in the words of the field (GPG-5). */
export const signatureReasons = [
  'unknown_key',
  'bad_email',
  'unverified_email',
  'expired_key',
  'revoked_key',
  'bad_signature',
  'malformed',
] as const

export type SignatureReason = (typeof signatureReasons)[number]
