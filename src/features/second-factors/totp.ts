/** Codes of authenticator apps (RFC 6238) as every app makes them: SHA-1, six digits, steps of 30 seconds. */
import { Secret, TOTP } from 'otpauth'

const period = 30
const shape = { algorithm: 'SHA1', digits: 6, period } as const

/** 160 random bits, base32. */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32
}

/** What the QR code holds: `otpauth://totp/ISSUER:ACCOUNT?...`. */
export function totpAddress(secret: string, issuer: string, account: string): string {
  // A colon parts issuer and account in the label, so neither may have one.
  const plain = (text: string): string => text.replaceAll(':', ' ')
  return new TOTP({ ...shape, issuer: plain(issuer), label: plain(account), secret }).toString()
}

/**
 * The step (of 30 s, since the epoch) whose code this is: the present one, the one before or the one after, for clocks that differ. Null for
 * none. The comparison takes the same time for every wrong code.
 */
export function stepOfCode(secret: string, code: string, now: number): number | null {
  const token = code.replace(/[\s-]/g, '')
  if (!/^\d{6}$/.test(token)) return null
  const delta = TOTP.validate({ ...shape, secret: Secret.fromBase32(secret), token, timestamp: now, window: 1 })
  return delta === null ? null : TOTP.counter({ period, timestamp: now }) + delta
}
