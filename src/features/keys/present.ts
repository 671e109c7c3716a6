/** The JSON of signing keys. */
import type { SigningKey } from './service.ts'

export function presentKey(key: SigningKey): object {
  const { details } = key
  return {
    id: key.id,
    type: key.kind,
    fingerprint: key.fingerprint,
    title: key.title,
    key: key.publicKey,
    createdAt: time(key.createdAt),
    keys: details.signers.map((signer) => ({
      id: signer.id,
      algorithm: signer.algorithm,
      createdAt: time(signer.createdAt),
      expiresAt: time(signer.expiresAt),
      revokedAt: time(signer.revokedAt),
    })),
    expiresAt: time(details.expiresAt),
    revokedAt: time(details.revokedAt),
    ...(key.kind === 'gpg'
      ? { userIds: details.userIds, emails: key.emails.map(({ address, match }) => ({ email: address, match })) }
      : {}),
  }
}

function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
