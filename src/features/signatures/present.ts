/** The JSON of a verification (GPG-9, GPG-11, GPG-13). */
import type { Verification } from './verifications.ts'

export function presentVerification(one: Verification): object {
  return {
    status: one.status,
    verified: one.status === 'verified',
    reason: one.reason,
    signer: one.signer === null ? null : { type: one.signer.kind, name: one.signer.name },
    key: one.key === null ? null : { type: one.key.kind, id: one.key.id },
    verifiedAt: one.verifiedAt === null ? null : new Date(one.verifiedAt).toISOString(),
    ...(one.isHub ? { hub: true, actor: one.actor } : {}),
  }
}
