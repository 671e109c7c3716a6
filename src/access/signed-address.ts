/**
 * Addresses that carry their own authority, for clients that send no credential with the bytes of a large file. The signature covers
 * method, path and query as they are sent. What it grants is looked up afresh at each use through the id of the credential that asked
 * for it: an address of a revoked or refreshed token, or of a person who lost the repo, opens nothing (AUTH-5).
 */
import { HoldfastError } from '../domain/errors.ts'
import type { Credential } from '../domain/facts.ts'
import type { KeyRing } from '../platform/crypto/key-ring.ts'
import type { HttpRequest } from './http-request.ts'
import { type SignedCredential, signingTime } from './presented.ts'
import type { Method } from './route.ts'

export interface AddressToSign {
  readonly method: Method
  /** Begins with a slash; made of characters that no client encodes again. */
  readonly path: string
  /** Further parameters, of the same kind of characters. */
  readonly parameters: Readonly<Record<string, string | number>>
  readonly credential: Credential | null
  readonly now: number
  readonly lifetimeMs: number
}

const mark = '&signature='
const plain = /^[\w.~/-]*$/

/** Path and query; the caller puts the public address in front. */
export function signAddress(keys: KeyRing, address: AddressToSign): string {
  const { credential, now } = address
  const parameters = {
    ...address.parameters,
    credential: credential === null ? 'none' : `${credential.kind}.${credential.id}`,
    issued: signingTime(credential, now),
    expires: now + address.lifetimeMs,
  }
  const query = Object.entries(parameters).map(([name, value]) => {
    if (!plain.test(String(value))) throw new Error(`"${name}" of a signed address would be encoded by clients.`)
    return `${name}=${value}`
  })
  if (!plain.test(address.path)) throw new Error('The path of a signed address would be encoded by clients.')
  const text = `${address.path}?${query.join('&')}`
  return `${text}${mark}${keys.mac('signed-address', `${address.method} ${text}`).toString('hex')}`
}

/** What the address of a request grants. Throws `address_not_valid` unless this hub signed it and it has not expired. */
export function signedCredential(request: HttpRequest, keys: KeyRing, now: number): SignedCredential {
  const url = request.message.url ?? ''
  const at = url.lastIndexOf(mark)
  const given = url.slice(at + mark.length)
  if (at === -1 || !/^[0-9a-f]{64}$/.test(given)) throw new HoldfastError('address_not_valid')
  // What may be fetched may also be asked about.
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (!keys.verify('signed-address', `${method} ${url.slice(0, at)}`, Buffer.from(given, 'hex'))) {
    throw new HoldfastError('address_not_valid')
  }
  if (Number(request.query.get('expires')) <= now) throw new HoldfastError('address_not_valid')
  const [kind, id] = (request.query.get('credential') ?? '').split('.')
  const issuedAt = Number(request.query.get('issued'))
  if (kind === 'none') return { credential: null, issuedAt }
  if ((kind !== 'token' && kind !== 'session') || id === undefined) throw new HoldfastError('address_not_valid')
  return { credential: { kind, id }, issuedAt }
}
