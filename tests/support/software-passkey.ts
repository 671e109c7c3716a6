/** A passkey in software, which answers as a browser and its authenticator would, and can be made to answer as no honest one does. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Lies {
  readonly origin?: string
  readonly relyingParty?: string
  readonly counter?: number
  readonly challenge?: string
  readonly userHandle?: string
  /** No finger, face or PIN was asked for. */
  readonly unverified?: boolean
}

interface Options {
  readonly challenge: string
  readonly rpId?: string
  readonly rp?: { readonly id?: string }
  readonly user?: { readonly id: string }
}

export class SoftwarePasskey {
  readonly id = randomBytes(16)
  counter = 0
  userHandle = ''
  readonly #origin: string
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

  constructor(origin: string) {
    this.#origin = origin
    this.#keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  }

  /** What `navigator.credentials.create` would give, as JSON. */
  create(options: Options, lies: Lies = {}): string {
    this.userHandle = options.user?.id ?? ''
    const clientData = this.#clientData('webauthn.create', options, lies)
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' })
    const key = cbor(
      new Map<number, unknown>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x ?? '', 'base64url')],
        [-3, Buffer.from(y ?? '', 'base64url')],
      ]),
    )
    const length = Buffer.alloc(2)
    length.writeUInt16BE(this.id.length)
    const attested = Buffer.concat([Buffer.alloc(16), length, this.id, key])
    const authData = Buffer.concat([this.#head(options, lies, 0x41), attested])
    const attestationObject = cbor(
      new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    )
    return JSON.stringify({
      ...this.#names(),
      response: {
        clientDataJSON: clientData.toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      },
    })
  }

  /** What `navigator.credentials.get` would give, as JSON. */
  get(options: Options, lies: Lies = {}): string {
    this.counter++
    const clientData = this.#clientData('webauthn.get', options, lies)
    const authData = this.#head(options, lies, 0x01)
    const signed = Buffer.concat([authData, createHash('sha256').update(clientData).digest()])
    return JSON.stringify({
      ...this.#names(),
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: sign('sha256', signed, this.#keys.privateKey).toString('base64url'),
        userHandle: lies.userHandle ?? this.userHandle,
      },
    })
  }

  #names() {
    const id = this.id.toString('base64url')
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {} }
  }

  #clientData(type: string, options: Options, lies: Lies): Buffer {
    const challenge = lies.challenge ?? options.challenge
    return Buffer.from(JSON.stringify({ type, challenge, origin: lies.origin ?? this.#origin, crossOrigin: false }))
  }

  #head(options: Options, lies: Lies, flags: number): Buffer {
    const relyingParty = lies.relyingParty ?? options.rpId ?? options.rp?.id ?? ''
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(lies.counter ?? this.counter)
    const verified = lies.unverified ? 0 : 0x04
    return Buffer.concat([createHash('sha256').update(relyingParty).digest(), Buffer.from([flags | verified]), counter])
  }
}

/** As much of CBOR (RFC 8949) as an attestation is made of. */
function cbor(value: unknown): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([name, each]) => [cbor(name), cbor(each)])])
  throw new TypeError('This is not written as CBOR here.')
}

function head(major: number, size: number): Buffer {
  if (size < 24) return Buffer.from([(major << 5) | size])
  if (size < 256) return Buffer.from([(major << 5) | 24, size])
  return Buffer.from([(major << 5) | 25, size >> 8, size & 255])
}
