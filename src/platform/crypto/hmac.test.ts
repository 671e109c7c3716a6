import { createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { hmac, hmacKey } from './hmac.ts'

test('is HMAC-SHA-256', () => {
  // RFC 4231, test case 2.
  expect(hmac(hmacKey(Buffer.from('Jefe')), 'what do ya want for nothing?').toString('hex')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
  for (const keyLength of [0, 1, 32, 63, 64]) {
    const secret = randomBytes(keyLength)
    for (const text of ['', 'hf_', 'ä€𝄞', 'x'.repeat(10_000)]) {
      expect(hmac(hmacKey(secret), text)).toEqual(createHmac('sha256', secret).update(text).digest())
    }
  }
  expect(() => hmacKey(randomBytes(65))).toThrow(RangeError)
})
