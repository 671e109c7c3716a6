import { expect, it } from 'vitest'
import { passwordFault } from './password.ts'

it.each([
  ['nine char', 'at least 10'],
  ['x'.repeat(257), 'at most 256'],
  ['aaaaaaaaaaaa', 'many times'],
  ['Mara-Lindqvist', 'first password'],
  ['mara.lindqvist@example.org', 'first password'],
  ['mara.lindqvist', 'first password'],
  ['mara-lindqvistmara-lindqvist', 'first password'],
])('refuses %j', (password, words) => {
  expect(passwordFault(password, ['mara-lindqvist', 'mara.lindqvist@example.org'])).toContain(words)
})

it.each(['correct horse battery', 'ten letters', '1234567891', '🗝🗝🔑🗝🔑🗝🔑🗝🔑🗝', `${'x'.repeat(255)}y`])(
  'takes %j: no rules about characters',
  (password) => {
    expect(passwordFault(password, ['mara', ''])).toBeNull()
  },
)
