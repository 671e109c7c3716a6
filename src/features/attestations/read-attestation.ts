/** Reads an attestation and checks its signature. Needs no hub: a file and the public keys of the hub that it is to be from. */
import { z } from 'zod'
import type { PublicKey } from '../../platform/crypto/signing-key.ts'
import { fromBase64, inTotoType, preAuthEncoding, statementType } from '../../platform/model-signing/envelope.ts'
import { isPlainPath } from '../../platform/model-signing/manifest.ts'
import { JsonFault, parseStrictJson } from '../../platform/model-signing/strict-json.ts'
import { predicateType } from './statement.ts'

/** Says in one sentence why an attestation does not count. */
export class AttestationFault extends Error {
  override readonly name = 'AttestationFault'
}

export interface AttestedFile {
  readonly path: string
  readonly sha256: string
  readonly size: number
  /** The worst that scanners found, in the Hub's words. */
  readonly scan: string
}

export interface Attestation {
  readonly keyId: string
  readonly hub: string
  readonly madeAt: string
  readonly kind: string
  readonly name: string
  readonly commit: string
  readonly modelSignature: string
  readonly files: readonly AttestedFile[]
  /** Links and files without bytes: not part of what is vouched for. */
  readonly left: readonly string[]
}

const envelopeShape = z.object({
  payloadType: z.string(),
  payload: z.string(),
  signatures: z
    .array(z.object({ sig: z.string(), keyid: z.string().nullish() }))
    .min(1)
    .max(10),
})
const fileShape = z.object({
  name: z.string(),
  digest: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  annotations: z.object({ size: z.number().int().min(0), scan: z.object({ status: z.string() }) }),
})
const statementShape = z.object({
  _type: z.literal(statementType),
  subject: z.tuple([z.object({ name: z.string(), digest: z.object({ gitCommit: z.string() }) })], fileShape),
  predicateType: z.literal(predicateType),
  predicate: z.object({
    hub: z.object({ url: z.string() }),
    madeAt: z.string(),
    repository: z.object({ kind: z.string(), name: z.string(), commit: z.string() }),
    modelSignature: z.object({ status: z.string() }),
    unavailable: z.array(z.string()),
    links: z.array(z.string()),
  }),
})

/** Throws `AttestationFault`. */
export function readAttestation(bytes: Buffer, keys: readonly PublicKey[]): Attestation {
  const envelope = parsed(envelopeShape, bytes, 'It is not a DSSE envelope.')
  const payload = fromBase64(envelope.payload)
  if (payload === null || envelope.payloadType !== inTotoType)
    throw new AttestationFault('It is not an in-toto statement.')
  const signed = preAuthEncoding(inTotoType, payload)
  // Whatever an envelope says of keys: what counts is which of the given ones fits.
  const key = keys.find((one) =>
    envelope.signatures.some(({ sig }) => {
      const signature = fromBase64(sig)
      return signature !== null && one.verifyBytes(signed, signature)
    }),
  )
  if (key === undefined) throw new AttestationFault('It was not signed with one of these keys, or was changed since.')
  const statement = parsed(statementShape, payload, 'It is not an attestation of a revision as this version knows it.')
  const { subject, predicate } = statement
  const [repo, ...files] = subject
  const { repository } = predicate
  if (repo.digest.gitCommit !== repository.commit) throw new AttestationFault('It is about two commits at once.')
  const paths = new Set(files.map(({ name }) => name))
  if (paths.size !== files.length || files.some(({ name }) => !isPlainPath(name)))
    throw new AttestationFault('It names a file twice, or one outside of the repository.')
  return {
    keyId: key.id,
    hub: predicate.hub.url,
    madeAt: predicate.madeAt,
    kind: repository.kind,
    name: repository.name,
    commit: repository.commit,
    modelSignature: predicate.modelSignature.status,
    files: files.map(({ name, digest, annotations }) => ({
      path: name,
      sha256: digest.sha256,
      size: annotations.size,
      scan: annotations.scan.status,
    })),
    left: [...predicate.unavailable, ...predicate.links],
  }
}

function parsed<T>(shape: z.ZodType<T>, bytes: Buffer, otherwise: string): T {
  try {
    const found = shape.safeParse(parseStrictJson(bytes))
    if (found.success) return found.data
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    throw new AttestationFault(`It cannot be read: ${error.message}.`)
  }
  throw new AttestationFault(otherwise)
}
