/** What the sums that limits are held against cost, however many are remembered. */
import { expect, test } from 'vitest'
import { startHub } from '../../../tests/support/start-hub.ts'
import { spendingOf } from './spending.ts'

/**
 * Whoever makes accounts by the hundred thousand, or calls for as many organizations, fills what is remembered of this month with sums that the database
 * does not have yet. None of them can be forgotten then, and looking for one that can be costs the calls of everybody else.
 */
test('a call costs no more where as much is remembered as may be, and nothing of it can be forgotten', async () => {
  const site = await startHub({ env: { HOLDFAST_LOG_LEVEL: 'silent' } })
  try {
    const spending = spendingOf(site.hub)
    let made = 0
    const call = (calls: number): void => {
      for (const end = made + calls; made < end; made++) {
        const id = `person-${made}`
        spending.count({ billed: { id, name: id }, workspace: null, account: { id, kind: 'user' }, tokenId: null })
      }
    }
    call(98_000)
    // A walk through all of them once in a while, and a few of the oldest for each call.
    expect(stepsDuring(() => call(5_000))).toBeLessThan(500_000)
  } finally {
    await site.stop()
  }
})

/** How many entries of maps are looked at on the way. */
function stepsDuring(work: () => void): number {
  const begin = Object.getOwnPropertyDescriptor(Map.prototype, Symbol.iterator) as PropertyDescriptor & {
    value: (this: Map<unknown, unknown>) => MapIterator<[unknown, unknown]>
  }
  let steps = 0
  Object.defineProperty(Map.prototype, Symbol.iterator, {
    ...begin,
    value: function* (this: Map<unknown, unknown>) {
      for (const entry of begin.value.call(this)) {
        steps++
        yield entry
      }
    },
  })
  try {
    work()
  } finally {
    Object.defineProperty(Map.prototype, Symbol.iterator, begin)
  }
  return steps
}
