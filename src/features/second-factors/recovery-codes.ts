/** Recovery codes: ten, shown once, each good for one sign-in. 80 random bits each, so that a plain hash is enough to keep. */
import { randomBytes } from 'node:crypto'
import type { Hub } from '../../hub.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { putRecoveryCodes } from './queries.ts'

export const recoveryCodeCount = 10

/** No letter or digit that is taken for another; 32 of them, so that five bits make one. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz123456789'

/** Makes new codes in place of all that there were. Returns them: they are kept nowhere. */
export async function makeRecoveryCodes(hub: Hub, tx: Tx, userId: string): Promise<string[]> {
  const codes = Array.from({ length: recoveryCodeCount }, newCode)
  const createdAt = hub.clock.now()
  const rows = codes.map((code) => ({ userId, codeHash: hashRecoveryCode(code), createdAt, usedAt: null }))
  await putRecoveryCodes(tx, userId, rows)
  return codes
}

/** However it was typed: capitals, spaces and hyphens do not count. */
export function hashRecoveryCode(code: string): string {
  return hashSecret(`recovery code ${code.toLowerCase().replace(/[^a-z0-9]/g, '')}`)
}

/** `xxxx-xxxx-xxxx-xxxx`. */
function newCode(): string {
  const letters = [...randomBytes(16)].map((byte) => alphabet[byte % alphabet.length])
  return [0, 4, 8, 12].map((at) => letters.slice(at, at + 4).join('')).join('-')
}
