/* UAT-15, UAT-21: an expiry is optional, lies ahead, and a refresh keeps what it was unless told otherwise. */
import { expect, test } from 'vitest'
import { expiryFromForm } from './expiry-field.tsx'

const now = Date.UTC(2026, 10, 22, 14, 3)
const day = 86_400_000

test('presets, never, keep and a day', () => {
  expect(expiryFromForm({}, now)).toBeNull()
  expect(expiryFromForm({ expiry: 'never' }, now)).toBeNull()
  expect(expiryFromForm({ expiry: '30' }, now)).toBe(now + 30 * day)
  expect(expiryFromForm({ expiry: 'keep' }, now, now + 5)).toBe(now + 5)
  expect(expiryFromForm({ expiry: 'date', expiryDate: '2026-11-22' }, now)).toBe(Date.UTC(2026, 10, 23) - 1)
})

test.each([
  [{ expiry: 'date' }],
  [{ expiry: 'date', expiryDate: '2026-11-21' }],
  [{ expiry: 'date', expiryDate: '2026-02-31x' }],
  [{ expiry: 'date', expiryDate: '2026-13-01' }],
  [{ expiry: '31' }],
])('%o is refused', (values) => {
  expect(expiryFromForm(values, now)).toBe('invalid')
})
