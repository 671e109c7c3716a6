/**
 * The hub signs the commits that it makes for people (GPG-11): an Ed25519 key of the key ring, as an SSH signature, which everybody's
 * `git verify-commit` can check with the public half.
 */
import { createPublicKey } from 'node:crypto'
import type { Hub } from '../../hub.ts'
import { makeSshSignature } from '../../platform/signatures/ssh-signature.ts'
import { sshString } from '../../platform/signatures/ssh-wire.ts'

type Keys = Pick<Hub, 'keys'>

/** Gets the bytes of a commit object and gives an armoured signature: for `CommitStage.finish`. */
export function signAsHub(hub: Keys): (payload: Buffer) => Promise<string> {
  return async (payload) => {
    const [key] = hub.keys.signingKeys('commit-signature')
    return makeSshSignature(blobOf(key.pem), payload, (bytes) => key.signBytes(bytes))
  }
}

/** The public keys in SSH's form, newest first: older ones signed what is there. */
export function hubKeyBlobs(hub: Keys): Buffer[] {
  const keys = hub.keys.signingKeys('commit-signature')
  let blobs = known.get(keys)
  if (blobs === undefined) {
    blobs = keys.map((key) => blobOf(key.pem))
    known.set(keys, blobs)
  }
  return blobs
}

const known = new WeakMap<object, Buffer[]>()
const blobs = new Map<string, Buffer>()

function blobOf(pem: string): Buffer {
  let blob = blobs.get(pem)
  if (blob === undefined) {
    const { x = '' } = createPublicKey(pem).export({ format: 'jwk' })
    blob = Buffer.concat([sshString('ssh-ed25519'), sshString(Buffer.from(x, 'base64url'))])
    blobs.set(pem, blob)
  }
  return blob
}
