/**
 * Challenges for passkeys. One is not stored when it is made: it carries its end and an HMAC over that and over what it is for, so that asking
 * for one writes nothing. Only an answer writes: its challenge is spent then, and no second answer counts.
 */
import { randomBytes } from 'node:crypto'
import type { Hub } from '../../hub.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { insertSpentChallenge } from './queries.ts'

export const challengeLifetimeMs = 5 * 60_000

const randomSize = 16
const headSize = randomSize + 8

/** `purpose`: what the answer will be good for, and for whom; an answer for anything else is refused. */
export function makeChallenge(hub: Hub, purpose: string): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(headSize)
  randomBytes(randomSize).copy(head)
  head.writeBigUInt64BE(BigInt(hub.clock.now() + challengeLifetimeMs), randomSize)
  return new Uint8Array(Buffer.concat([head, hub.keys.mac('challenge', macText(head, purpose))]))
}

/** Whether this hub made `challenge` (base64url) for `purpose`, and not long ago. */
export function isOwnChallenge(hub: Hub, challenge: string, purpose: string): boolean {
  const bytes = Buffer.from(challenge, 'base64url')
  if (bytes.length <= headSize || bytes.toString('base64url') !== challenge) return false
  const head = bytes.subarray(0, headSize)
  return endOf(head) > hub.clock.now() && hub.keys.verify('challenge', macText(head, purpose), bytes.subarray(headSize))
}

/** False where it was answered before. */
export async function spendChallenge(tx: Tx, challenge: string): Promise<boolean> {
  return await insertSpentChallenge(tx, hashSecret(challenge), endOf(Buffer.from(challenge, 'base64url')))
}

function endOf(head: Buffer): number {
  return Number(head.readBigUInt64BE(randomSize))
}

function macText(head: Buffer, purpose: string): string {
  return `${head.toString('hex')} ${purpose}`
}
