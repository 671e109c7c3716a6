/** Signs models as OpenSSF Model Signing 1.0 says, apart from the code under test, so that every field can be wrong on purpose. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface ModelSigner {
  readonly privateKey: KeyObject
  /** PEM. */
  readonly publicKey: string
  /** As signature files name it. */
  readonly hint: string
}

const hashes = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const

export function makeModelSigner(curve: keyof typeof hashes = 'P-256'): ModelSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  return { privateKey, publicKey: pem, hint: createHash('sha256').update(pem).digest('hex') }
}

export interface Resource {
  name: string
  algorithm: string
  digest: string
}

export interface Statement {
  _type: string
  subject: { name: string; digest: Record<string, string> }[]
  predicateType: string
  predicate: { resources: Resource[]; serialization: Record<string, unknown> }
}

export const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')

export function resourcesOf(files: Readonly<Record<string, string | Uint8Array>>): Resource[] {
  return Object.entries(files)
    .map(([name, content]) => ({ name, algorithm: 'sha256', digest: sha256(content) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

export function statementOf(resources: Resource[], serialization: Record<string, unknown> = {}): Statement {
  const root = createHash('sha256')
  for (const { digest } of resources) root.update(digest, 'hex')
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'a model', digest: { sha256: root.digest('hex') } }],
    predicateType: 'https://model_signing/signature/v1.0',
    predicate: {
      resources,
      serialization: {
        method: 'files',
        hash_type: 'sha256',
        allow_symlinks: false,
        ignore_paths: ['model.sig', '.git', '.gitattributes', '.github', '.gitignore'],
        ...serialization,
      },
    },
  }
}

/** `payload`: the statement, or a text to sign in its place. */
export function bundleOf(
  signer: ModelSigner,
  payload: Statement | string,
  material: object = { publicKey: { hint: signer.hint }, tlogEntries: [] },
) {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const payloadType = 'application/vnd.in-toto+json'
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `), bytes])
  const curve = signer.privateKey.asymmetricKeyDetails?.namedCurve
  const hash = curve === 'prime256v1' ? 'sha256' : curve === 'secp384r1' ? 'sha384' : 'sha512'
  const sig = sign(hash, encoded, signer.privateKey).toString('base64')
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: material as Record<string, unknown>,
    dsseEnvelope: { payload: bytes.toString('base64'), payloadType, signatures: [{ sig, keyid: '' }] },
  }
}

/** The text of a `model.sig` over these files. */
export function signModel(
  signer: ModelSigner,
  files: Readonly<Record<string, string | Uint8Array>>,
  serialization: Record<string, unknown> = {},
): string {
  return JSON.stringify(bundleOf(signer, statementOf(resourcesOf(files), serialization)))
}
