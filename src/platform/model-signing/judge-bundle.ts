/** Whether somebody who is trusted signed, and what. Computation alone: large bundles are judged in a thread. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type Bundle, parseBundle } from './bundle.ts'
import { readCertificate } from './certificate.ts'
import { findTrusted } from './certificate-chain.ts'
import { inTotoType, preAuthEncoding } from './envelope.ts'
import { BundleFault, type ModelSignatureReason } from './fault.ts'
import { type Manifest, parseManifest } from './manifest.ts'

/** A key or a certificate that counts. */
export interface Trusted {
  readonly id: string
  readonly kind: 'key' | 'certificate'
  readonly pem: string
}

export type JudgedBundle =
  | {
      readonly by: string
      /** The subject of the certificate that signed. */
      readonly signer: string | null
      readonly manifest: Manifest
    }
  | { readonly reason: ModelSignatureReason; readonly detail: string; readonly signer: string | null }

/** `at`: when the signature came, in milliseconds since 1970. */
export function judgeBundle(bytes: Uint8Array, trusted: readonly Trusted[], at: number): JudgedBundle {
  let signer: string | null = null
  try {
    const bundle = parseBundle(bytes)
    // Before the signature: what nobody could read is told as that, whoever signed it.
    const manifest = parseManifest(bundle.payload)
    signer = bundle.by.kind === 'certificate' ? bundle.by.signer.subject : bundle.by.hint
    const { id, key } = findKey(bundle, trusted, at)
    if (!fits(key, bundle)) throw new BundleFault('bad_signature', 'The signature does not fit what it signs.')
    return { by: id, signer: bundle.by.kind === 'certificate' ? signer : null, manifest }
  } catch (error) {
    if (!(error instanceof BundleFault)) throw error
    return { reason: error.reason, detail: error.message, signer }
  }
}

/** SHA-256 of a public key in PEM: how signature files name it. */
export function keyFingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'pem', type: 'spki' }))
    .digest('hex')
}

/** SHA-2 as long as the curve; null for keys that the format does not know. */
export function hashOfKey(key: KeyObject): string | null {
  if (key.asymmetricKeyType !== 'ec') return null
  return hashes[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? null
}

const hashes: Readonly<Record<string, string>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' }

function findKey(bundle: Bundle, trusted: readonly Trusted[], at: number): { id: string; key: KeyObject } {
  const { by } = bundle
  if (by.kind === 'certificate') {
    const anchors = trusted
      .filter(({ kind }) => kind === 'certificate')
      .flatMap(({ id, pem }) => {
        const certificate = readCertificate(Buffer.from(pem))
        return certificate === null ? [] : [{ id, certificate }]
      })
    const chain = findTrusted(by.signer, by.between, anchors, at)
    if ('fault' in chain) throw new BundleFault(chain.fault, chain.detail)
    return { id: chain.trusted, key: by.signer.x509.publicKey }
  }
  const keys = trusted.filter(({ kind }) => kind === 'key').map(({ id, pem }) => ({ id, key: createPublicKey(pem) }))
  const found =
    by.hint === null
      ? keys.find(({ key }) => fits(key, bundle))
      : keys.find(({ key }) => keyFingerprint(key) === by.hint)
  if (found === undefined) throw new BundleFault('unknown_key', 'It was signed with a key that is not trusted.')
  return found
}

function fits(key: KeyObject, { payload, signature }: Bundle): boolean {
  const hash = hashOfKey(key)
  if (hash === null) return false
  return verify(hash, preAuthEncoding(inTotoType, payload), key, signature)
}
