import { expect, test } from 'vitest'
import { type ErrorCode, errorCatalogue, HoldfastError } from './errors.ts'
import { denialReasons, isReasonCode } from './reasons.ts'

const codes = Object.keys(errorCatalogue) as ErrorCode[]
const refusals = codes.filter((code) => [401, 403].includes(errorCatalogue[code].status))

test.each(refusals)('AUTH-6: %s is a refusal with a reason that the reference explains', (code) => {
  expect(isReasonCode(code)).toBe(true)
  expect(new HoldfastError(code).denied).toEqual({ code })
})

test.each(codes.filter((code) => !refusals.includes(code)))(
  'AUTH-6: %s is no refusal and carries no reason',
  (code) => {
    const denied = { code: 'role' } as const
    expect(new HoldfastError(code, {}, { denied }).denied).toBeNull()
  },
)

test('AUTH-7: a 401 that hides a repo carries no reason, whatever it was thrown with', () => {
  const error = new HoldfastError('repo_not_found', {}, { status: 401, denied: { code: 'role' } })
  expect(error.denied).toBeNull()
})

test('each reason says what it means and what to do', () => {
  for (const { meaning, remedy } of Object.values(denialReasons)) {
    expect(meaning).not.toBe('')
    expect(remedy).not.toBe('')
  }
})
