/** The JSON of model signatures. */
import type { ModelSignature } from './state.ts'
import type { TrustedKey } from './trusted-keys.ts'

export function presentTrustedKey({ id, kind, name, fingerprint, pem, createdAt }: TrustedKey): object {
  return { id, type: kind, name, fingerprint, key: pem, createdAt: new Date(createdAt).toISOString() }
}

/** In short, for repo info. */
export function presentBrief({ status, reason, file, key, signer }: ModelSignature): object {
  return { status, verified: status === 'verified', reason, file, key: presentKey(key), signer }
}

export function presentModelSignature(commit: string, signature: ModelSignature): object {
  const { detail, report, checkedAt } = signature
  const { name, rootDigest, hash, files, changed, missing, extra, uncovered, links } = report
  return {
    commit,
    ...presentBrief(signature),
    message: detail,
    model: name === null ? null : { name, rootDigest: rootDigest === null ? null : { sha256: rootDigest } },
    hash,
    files: { signed: files, changed, missing, extra, uncovered, links },
    checkedAt: checkedAt === null ? null : new Date(checkedAt).toISOString(),
  }
}

function presentKey(key: ModelSignature['key']): object | null {
  return key === null ? null : { type: key.kind, id: key.id, name: key.name, fingerprint: key.fingerprint }
}
