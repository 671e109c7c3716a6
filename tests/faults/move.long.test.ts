import { expect, test } from 'vitest'
import { runMoveRounds } from './move-rounds.ts'

test('a hundred kills in the middle of moves into Xet storage take no byte', async () => {
  const { stored, moved, removed, midway } = await runMoveRounds(100)
  console.info(`${stored} contents at 100 kills, ${moved} moved, ${removed} removed, ${midway} kills midway`)
  expect(removed).toBeGreaterThan(100)
  expect(midway).toBeGreaterThan(50)
}, 1_800_000)
