/** By what a key ring is recognized without showing it. */
import type { KeyRing } from '../platform/crypto/key-ring.ts'

/** No token and no address ever contains this text. */
const text = 'holdfast backup: is this the same key ring?'

export function keyCheck(keys: KeyRing): string {
  return keys.mac('token-checksum', text).toString('hex')
}

/** Whether the ring has the key of which `check` was made, be it the newest or an older one. */
export function isSameRing(keys: KeyRing, check: string): boolean {
  return keys.verify('token-checksum', text, Buffer.from(check, 'hex'))
}
