/**
 * The attack: a card of a megabyte, nearly all of it the name of one data set, with five hundred metrics. Where each result carries all that it is known by, the card
 * becomes half a gigabyte in the memory of the hub, once for each version that somebody looks at.
 */
import { expect, test } from 'vitest'
import { resultsOfFile, resultsOfModelIndex } from './results.ts'

const index = (more: string, metrics: readonly unknown[]) => [
  { name: 'Harbor', results: [{ task: { type: 't' }, dataset: { type: 'd', revision: more }, metrics }] },
]

test('what results share is not copied for each of them, and still part of what each is', () => {
  const metrics = Array.from({ length: 500 }, (_, value) => ({ type: 'accuracy', value }))
  const long = 'x'.repeat(900_000)
  const results = resultsOfModelIndex(index(long, metrics)) ?? []
  expect(results.length).toBe(500)
  expect(results.reduce((sum, { key }) => sum + key.length, 0)).toBeLessThan(100_000)
  expect(new Set(results.map(({ key }) => key)).size).toBe(500)
  const other = resultsOfModelIndex(index(`${long}y`, metrics)) ?? []
  expect(other.some(({ key }) => results.some((one) => one.key === key))).toBe(false)
})

test('more than are looked at are given up with the first that is too many', () => {
  let looked = 0
  const metric = {
    get type() {
      looked++
      return 'accuracy'
    },
    value: 1,
  }
  expect(
    resultsOfModelIndex(
      index(
        '',
        Array.from({ length: 100_000 }, () => metric),
      ),
    ),
  ).toBeNull()
  expect(looked).toBeLessThan(10_000)
  const entry = { dataset: { id: 'a', task_id: 'b' }, value: 1 }
  expect(resultsOfFile(Array.from({ length: 501 }, () => entry))).toBeNull()
  expect(resultsOfFile(Array.from({ length: 500 }, () => entry))).toHaveLength(500)
})
