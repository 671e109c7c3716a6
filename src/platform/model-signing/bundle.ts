/**
 * A signature file as OpenSSF Model Signing 1.0 has it: a Sigstore bundle (version 0.3) around a DSSE envelope. What the format leaves open is
 * ignored; what two readers could take differently is refused.
 */
import { z } from 'zod'
import { type Certificate, readCertificate } from './certificate.ts'
import { fromBase64, inTotoType } from './envelope.ts'
import { malformed, unsupported } from './fault.ts'
import { JsonFault, parseStrictJson } from './strict-json.ts'

export interface Bundle {
  readonly by: /** `hint`: SHA-256 of the public key in PEM; null in files of older signers. */
    | { readonly kind: 'key'; readonly hint: string | null }
    /** The signer's certificate first. */
    | { readonly kind: 'certificate'; readonly signer: Certificate; readonly between: readonly Certificate[] }
  readonly payload: Buffer
  readonly signature: Buffer
}

const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const mostCertificates = 10

const shape = z.object({
  mediaType: z.string(),
  verificationMaterial: z.object({
    publicKey: z.object({ hint: z.string().nullish() }).nullish(),
    x509CertificateChain: z
      .object({
        certificates: z
          .array(z.object({ rawBytes: z.string() }))
          .min(1)
          .max(mostCertificates),
      })
      .nullish(),
    certificate: z.object({ rawBytes: z.string() }).nullish(),
  }),
  dsseEnvelope: z.object({
    payload: z.string(),
    payloadType: z.string(),
    signatures: z.array(z.object({ sig: z.string() })),
  }),
})

/** Whether a file claims to be a Sigstore bundle at all: other `.sig` files are nobody's business here. */
export function looksLikeBundle(beginning: Uint8Array): boolean {
  return /^\s*\{/.test(Buffer.from(beginning).toString('latin1'))
}

/** Throws `BundleFault`. */
export function parseBundle(bytes: Uint8Array): Bundle {
  const found = shape.safeParse(parsed(bytes))
  if (!found.success) throw malformed('It is not a Sigstore bundle with a DSSE envelope.')
  const { mediaType: type, verificationMaterial: material, dsseEnvelope: envelope } = found.data
  if (type !== mediaType) {
    throw type.startsWith('application/vnd.dev.sigstore.bundle')
      ? unsupported('It is a Sigstore bundle of another version than 0.3.')
      : malformed('It is not a Sigstore bundle.')
  }
  if (envelope.payloadType !== inTotoType) throw malformed('What it signs is not an in-toto statement.')
  const [signature, ...more] = envelope.signatures
  if (signature === undefined || more.length > 0) throw malformed('It has not exactly one signature.')
  return { by: signerOf(material), payload: decoded(envelope.payload), signature: decoded(signature.sig) }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes)
  } catch (error) {
    throw error instanceof JsonFault ? malformed(`It cannot be read: ${error.message}.`) : error
  }
}

function signerOf({
  publicKey,
  x509CertificateChain: chain,
  certificate,
}: z.output<typeof shape>['verificationMaterial']): Bundle['by'] {
  const named = [publicKey, chain, certificate].filter((material) => material != null)
  if (named.length !== 1) throw malformed('It does not say by exactly one of key and certificate who signed.')
  if (certificate != null) {
    throw unsupported('It was signed keyless through Sigstore (Fulcio and Rekor), whose roots this hub does not have.')
  }
  if (chain != null) {
    const [signer, ...between] = chain.certificates.map(({ rawBytes }) => readCertificate(decoded(rawBytes)))
    if (signer == null || between.includes(null)) throw malformed('A certificate in it cannot be read.')
    return { kind: 'certificate', signer, between: between.filter((one) => one !== null) }
  }
  const hint = publicKey?.hint ?? null
  return { kind: 'key', hint: hint === '' ? null : hint }
}

function decoded(text: string): Buffer {
  const bytes = fromBase64(text)
  if (bytes === null) throw malformed('A field in it is not base64.')
  return bytes
}
