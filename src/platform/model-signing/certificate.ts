/** An X.509 certificate with what its extensions say, of which `node:crypto` tells only a part. */
import { X509Certificate } from 'node:crypto'
import { type DerElement, readDer, readOid, readSmallInteger } from './der.ts'

export interface Certificate {
  readonly x509: X509Certificate
  /** SHA-256 of its DER, in lowercase hex. */
  readonly fingerprint: string
  /** Its subject in one line. */
  readonly subject: string
  readonly from: number
  readonly to: number
  readonly isAuthority: boolean
  /** How many authorities may stand between it and the last certificate; null: any number. */
  readonly pathLength: number | null
  /** Null: the certificate does not say. */
  readonly usage: { readonly digitalSignature: boolean; readonly signsCertificates: boolean } | null
  readonly isForCodeSigning: boolean
  /** It has been signed with something that counts today. */
  readonly hasStrongSignature: boolean
  /** An extension that must be understood and is not. */
  readonly unknownExtension: string | null
}

const basicConstraints = '2.5.29.19'
const keyUsage = '2.5.29.15'
const extendedKeyUsage = '2.5.29.37'
/** Critical or not, they change nothing about who may sign. */
const harmless = ['2.5.29.14', '2.5.29.35', '2.5.29.17', '2.5.29.18', '2.5.29.31', '2.5.29.32', '1.3.6.1.5.5.7.1.1']
const codeSigning = '1.3.6.1.5.5.7.3.3'
const strongAlgorithms = [
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.3.101.112',
]

/** From DER or PEM; null where it is not one certificate. */
export function readCertificate(bytes: Buffer): Certificate | null {
  try {
    const x509 = new X509Certificate(bytes)
    const [whole] = readDer(x509.raw)
    const [body, algorithm] = readDer(whole?.content ?? Buffer.alloc(0))
    const extensions = readExtensions(body)
    const constraints = readDer(
      readDer(extensions.get(basicConstraints)?.value ?? Buffer.alloc(0))[0]?.content ?? empty,
    )
    const isAuthority = constraints[0]?.tag === 0x01 && constraints[0].content[0] !== 0
    const length = constraints.find(({ tag }) => tag === 0x02)
    const unknown = [...extensions].find(
      ([oid, { isCritical }]) =>
        isCritical && ![basicConstraints, keyUsage, extendedKeyUsage, ...harmless].includes(oid),
    )
    return {
      x509,
      fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject: x509.subject.split('\n').join(', '),
      from: Date.parse(x509.validFrom),
      to: Date.parse(x509.validTo),
      isAuthority,
      pathLength: isAuthority && length !== undefined ? readSmallInteger(length.content) : null,
      usage: usageOf(extensions.get(keyUsage)?.value),
      isForCodeSigning: purposesOf(extensions.get(extendedKeyUsage)?.value).includes(codeSigning),
      hasStrongSignature: strongAlgorithms.includes(readOid(readDer(algorithm?.content ?? empty)[0]?.content ?? empty)),
      unknownExtension: unknown?.[0] ?? null,
    }
  } catch {
    // Node's own errors and those of DER: either way it is no certificate that could be judged.
    return null
  }
}

const empty = Buffer.alloc(0)

interface Extension {
  readonly isCritical: boolean
  readonly value: Buffer
}

/** By identifier. Throws where one stands twice. */
function readExtensions(body: DerElement | undefined): Map<string, Extension> {
  const found = new Map<string, Extension>()
  const field = readDer(body?.content ?? empty).find(({ tag }) => tag === 0xa3)
  if (field === undefined) return found
  for (const { content } of readDer(readDer(field.content)[0]?.content ?? empty)) {
    const parts = readDer(content)
    const oid = readOid(parts[0]?.content ?? empty)
    const isCritical = parts[1]?.tag === 0x01 && parts[1].content[0] !== 0
    if (found.has(oid)) throw new RangeError('an extension that stands twice')
    found.set(oid, { isCritical, value: parts.at(-1)?.content ?? empty })
  }
  return found
}

function usageOf(value: Buffer | undefined): Certificate['usage'] {
  if (value === undefined) return null
  // A bit string: how many bits of the last octet do not count, then the bits from the left.
  const bits = readDer(value)[0]?.content[1] ?? 0
  return { digitalSignature: (bits & 0x80) !== 0, signsCertificates: (bits & 0x04) !== 0 }
}

function purposesOf(value: Buffer | undefined): string[] {
  if (value === undefined) return []
  return readDer(readDer(value)[0]?.content ?? empty).map(({ content }) => readOid(content))
}
