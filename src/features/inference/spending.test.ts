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
    const call = (calls: number): number => {
      const startedAt = performance.now()
      for (const end = made + calls; made < end; made++) {
        const id = `person-${made}`
        spending.count({ billed: { id, name: id }, workspace: null, account: { id, kind: 'user' }, tokenId: null })
      }
      return performance.now() - startedAt
    }
    call(98_000)
    const before = call(1_000)
    call(1_000)
    // Walking through all of them takes a millisecond and more for each call.
    expect(call(1_000)).toBeLessThan(200 + 10 * before)
  } finally {
    await site.stop()
  }
})
