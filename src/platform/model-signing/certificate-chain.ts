/** From the certificate that signed to one that is trusted. Node checks single signatures; which certificate may vouch for which is decided here. */
import type { Certificate } from './certificate.ts'

export type Chain =
  | { readonly trusted: string }
  | { readonly fault: 'unknown_key' | 'bad_certificate' | 'expired_certificate'; readonly detail: string }

/** Authorities between the signer and what is trusted. */
const mostAuthorities = 8

/**
 * The id of the trusted certificate that the chain ends at. As the reference client does it, authorities count as of the moment from which the
 * signer's certificate holds; that one itself must hold at `at`, when the signature came.
 */
export function findTrusted(
  signer: Certificate,
  between: readonly Certificate[],
  trusted: readonly { readonly id: string; readonly certificate: Certificate }[],
  at: number,
): Chain {
  if (!maySign(signer)) return bad('The certificate that signed is not made for signing.')
  if (at < signer.from || at > signer.to)
    return { fault: 'expired_certificate', detail: 'The certificate that signed did not hold when the signature came.' }
  const direct = trusted.find(({ certificate }) => certificate.fingerprint === signer.fingerprint)
  if (direct !== undefined) return { trusted: direct.id }
  let last = signer
  let fault: Chain = { fault: 'unknown_key', detail: 'Its certificates do not lead to one that is trusted.' }
  const left = [...between]
  for (let depth = 0; depth <= mostAuthorities; depth++) {
    const weak = weakness(last)
    if (weak !== null) return weak
    const anchor = trusted.find(({ certificate }) => issued(certificate, last))
    if (anchor !== undefined) {
      const wrong = authorityFault(anchor.certificate, depth, signer.from)
      if (wrong === null) return { trusted: anchor.id }
      fault = wrong
    }
    const next = left.findIndex((certificate) => issued(certificate, last))
    const [found] = next < 0 ? [] : left.splice(next, 1)
    if (found === undefined) return fault
    const wrong = authorityFault(found, depth, signer.from)
    if (wrong !== null) return wrong
    last = found
  }
  return bad('The chain of certificates is too long.')
}

function issued(authority: Certificate, certificate: Certificate): boolean {
  return certificate.x509.checkIssued(authority.x509) && certificate.x509.verify(authority.x509.publicKey)
}

/** `below`: authorities that stand between it and the signer. */
function authorityFault(authority: Certificate, below: number, at: number): Chain | null {
  const { isAuthority, usage, pathLength } = authority
  if (!isAuthority || usage?.signsCertificates === false)
    return bad(`${named(authority)} may not vouch for other certificates.`)
  if (pathLength !== null && below > pathLength) return bad(`${named(authority)} may not vouch for authorities.`)
  if (at < authority.from || at > authority.to)
    return {
      fault: 'expired_certificate',
      detail: `${named(authority)} did not hold when the signer's certificate was made.`,
    }
  return authority.unknownExtension === null
    ? null
    : bad(`${named(authority)} has an extension that is not understood here (${authority.unknownExtension}).`)
}

function weakness(certificate: Certificate): Chain | null {
  if (!certificate.hasStrongSignature) return bad(`${named(certificate)} was signed in a way that no longer counts.`)
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.x509.publicKey
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < 2_048)
    return bad(`${named(certificate)} has a key that is too short.`)
  return certificate.unknownExtension === null
    ? null
    : bad(`${named(certificate)} has an extension that is not understood here (${certificate.unknownExtension}).`)
}

/** As the reference client has it: either of the two ways to say so. */
function maySign({ usage, isForCodeSigning }: Certificate): boolean {
  return usage?.digitalSignature === true || isForCodeSigning
}

function named({ subject }: Certificate): string {
  return `The certificate of ${subject.slice(0, 120)}`
}

function bad(detail: string): Chain {
  return { fault: 'bad_certificate', detail }
}
