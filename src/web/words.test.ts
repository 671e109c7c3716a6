/* Times, sizes, letters of avatars and changed words, as ui.md says them. */
import { describe, expect, test } from 'vitest'
import { commitPath, encodePath, repoPath, revisionPath, withQuery } from './address.ts'
import { changedMiddle } from './changed-words.ts'
import { isConfirmed } from './confirmation.tsx'
import { counted, countWords, sizeWords } from './size.ts'
import { daysUntil, exactTime, relativeTime, shortDate } from './time-words.ts'
import { initials } from './who.tsx'

const now = Date.UTC(2026, 10, 22, 14, 3, 0)
const at = (text: string) => Date.parse(text)

describe('times', () => {
  test.each([
    ['2026-11-22T14:02:40Z', 'just now'],
    ['2026-11-22T14:03:20Z', 'just now'],
    ['2026-11-22T13:22:07Z', '40 min ago'],
    ['2026-11-22T13:02:00Z', '1 hour ago'],
    ['2026-11-22T03:00:12Z', '11 hours ago'],
    ['2026-11-21T18:02:13Z', 'yesterday'],
    ['2026-11-16T09:20:11Z', '6 days ago'],
    ['2026-10-23T23:59:59Z', '30 days ago'],
    ['2026-10-22T00:00:00Z', '22 Oct 2026'],
    ['2026-08-03T10:00:00Z', '3 Aug 2026'],
    ['2026-12-04T14:03:00Z', 'in 12 days'],
    ['2026-11-22T16:03:00Z', 'in 2 hours'],
    ['2026-11-22T14:08:00Z', 'in 5 min'],
  ])('%s is %s', (time, words) => {
    expect(relativeTime(at(time), now)).toBe(words)
  })

  test('a little past midnight counts hours, not days', () => {
    expect(relativeTime(at('2026-11-21T23:30:00Z'), at('2026-11-22T00:10:00Z'))).toBe('40 min ago')
    expect(relativeTime(at('2026-11-21T22:30:00Z'), at('2026-11-22T00:40:00Z'))).toBe('2 hours ago')
  })

  test('exact times are in UTC', () => {
    expect(exactTime(at('2026-11-22T13:22:07.900Z'))).toBe('22 Nov 2026, 13:22:07 UTC')
    expect(shortDate(at('2026-01-01T00:00:00+02:00'))).toBe('31 Dec 2025')
    expect(daysUntil(now + 5 * 86_400_000, now)).toBe(5)
    expect(daysUntil(now - 1, now)).toBe(0)
  })
})

describe('sizes', () => {
  test.each([
    [0, '0 B'],
    [744, '744 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [1519, '1.52 kB'],
    [23_900, '23.9 kB'],
    [99_960, '100 kB'],
    [812_000_000, '812 MB'],
    [999_600, '1.00 MB'],
    [4_939_212_345, '4.94 GB'],
    [9_990_000_000, '9.99 GB'],
    [15.4e12, '15.4 TB'],
  ])('%d bytes are %s', (bytes, words) => {
    expect(sizeWords(bytes)).toBe(words)
  })

  test('counts agree with their noun', () => {
    expect(counted(1, 'file')).toBe('1 file')
    expect(counted(1200, 'file')).toBe('1,200 files')
    expect(countWords(12_345)).toBe('12,345')
  })
})

test('letters stand for people and organizations', () => {
  expect(initials('Mara Lindqvist')).toBe('ML')
  expect(initials('jonas')).toBe('JO')
  expect(initials('ci-publish')).toBe('CP')
  expect(initials('acme', 'organization')).toBe('A')
  expect(initials('')).toBe('?')
  expect(initials('𝒳 y')).toBe('𝒳Y')
})

describe('addresses', () => {
  const repo = { kind: 'dataset', namespace: 'acme', name: 'd1' } as const

  test('the kind is a prefix, a revision is one segment, a path keeps its slashes', () => {
    expect(repoPath(repo)).toBe('/datasets/acme/d1')
    expect(repoPath({ ...repo, kind: 'model' }, '/settings')).toBe('/acme/d1/settings')
    expect(revisionPath(repo, 'tree', 'refs/pr/1', 'a b/c#d')).toBe('/datasets/acme/d1/tree/refs%2Fpr%2F1/a%20b/c%23d')
    expect(commitPath(repo, 'abc')).toBe('/datasets/acme/d1/commit/abc')
  })

  test('nothing in a name changes the address', () => {
    expect(encodePath('../"?x=<script>')).toBe('../%22%3Fx%3D%3Cscript%3E')
    expect(repoPath({ ...repo, name: 'a/b?c' })).toBe('/datasets/acme/a%2Fb%3Fc')
    expect(withQuery('/models', { search: 'a&b=c', author: '' })).toBe('/models?search=a%26b%3Dc')
  })
})

describe('changed words', () => {
  test('the middle is marked, whole words at a time', () => {
    const line = '"torch_dtype": "float32",'
    const other = '"torch_dtype": "bfloat16",'
    expect(changedMiddle(line, other)).toEqual({ before: '"torch_dtype": "', changed: 'float32', after: '",' })
    expect(changedMiddle(other, line)).toEqual({ before: '"torch_dtype": "', changed: 'bfloat16', after: '",' })
  })

  test('nothing is marked where marking would say nothing', () => {
    expect(changedMiddle('alpha', 'beta')).toBeNull()
    expect(changedMiddle('same', 'same')).toBeNull()
    expect(changedMiddle('x'.repeat(5000), 'y')).toBeNull()
  })

  test('the parts are the line', () => {
    const parts = changedMiddle('a b c d', 'a b d')
    expect(parts && parts.before + parts.changed + parts.after).toBe('a b c d')
  })
})

test('a typed confirmation is compared after trimming, and capitals count', () => {
  expect(isConfirmed(' acme/m1\n', 'acme/m1')).toBe(true)
  expect(isConfirmed('Acme/m1', 'acme/m1')).toBe(false)
  expect(isConfirmed(undefined, 'acme/m1')).toBe(false)
})
