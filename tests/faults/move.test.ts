import { expect, test } from 'vitest'
import { runMoveRounds } from './move-rounds.ts'

test('ten kills in the middle of moves into Xet storage take no byte', async () => {
  const { stored, moved, removed, midway } = await runMoveRounds(10)
  console.info(`${stored} contents at 10 kills, ${moved} moved, ${removed} removed, ${midway} kills midway`)
  expect(stored).toBeGreaterThan(10)
  expect(moved).toBeGreaterThan(10)
  expect(removed).toBeGreaterThan(0)
  expect(midway).toBeGreaterThan(0)
}, 300_000)
