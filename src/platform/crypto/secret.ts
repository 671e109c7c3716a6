/** Secrets that we hand out (session cookies, links): 256 random bits, of which only the SHA-256 is kept. */
import { createHash, randomBytes } from 'node:crypto'

export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored in place of a secret: 64 hex digits. A plain hash is enough for 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
