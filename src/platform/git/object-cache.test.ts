import { expect, test } from 'vitest'
import { ObjectCache } from './object-cache.ts'

const oid = (number: number): string => number.toString(16).padStart(40, '0')
const tree = (number: number, size = 10) => ({
  oid: oid(number),
  type: 'tree' as const,
  size,
  bytes: Buffer.alloc(size, number),
})

test('keeps trees and commits by name, for their repo alone', () => {
  const cache = new ObjectCache()
  cache.keepContent('repo', oid(1), tree(1))
  cache.keepContent('repo', `${oid(2)}^{tree}`, tree(3))
  expect(cache.findContent('repo', oid(1))?.bytes).toEqual(Buffer.alloc(10, 1))
  expect(cache.findContent('repo', `${oid(2)}^{tree}`)?.oid).toBe(oid(3))
  expect(cache.findContent('other', oid(1))).toBeNull()
})

test('never keeps what a name may come to mean, nor blobs, nor large trees', () => {
  const cache = new ObjectCache()
  cache.keepContent('repo', 'refs/heads/main^{tree}', tree(1))
  cache.keepContent('repo', oid(1), { ...tree(1), type: 'blob' as const })
  cache.keepContent('repo', oid(2), tree(2, 70_000))
  cache.keepInfo('repo', 'refs/heads/main', { oid: oid(3), type: 'commit', size: 1 })
  expect(cache.findContent('repo', 'refs/heads/main^{tree}')).toBeNull()
  expect(cache.findContent('repo', oid(1))).toBeNull()
  expect(cache.findContent('repo', oid(2))).toBeNull()
  expect(cache.findInfo('repo', 'refs/heads/main')).toBeNull()
})

test('stays bounded, and keeps what was used last', () => {
  const cache = new ObjectCache()
  cache.keepContent('repo', oid(0), tree(0))
  for (let number = 1; number < 400; number++) {
    cache.keepContent('repo', oid(number), tree(number, 64_000))
    expect(cache.findContent('repo', oid(0))).not.toBeNull()
  }
  expect(cache.findContent('repo', oid(1))).toBeNull()
  expect(cache.findContent('repo', oid(399))).not.toBeNull()
})
