import { expect, test } from 'vitest'
import { runKillRounds } from './kill-rounds.ts'

test('a hundred kills in the middle of pushes and API commits lose nothing and leave nothing', async () => {
  const { commits, pushes } = await runKillRounds(100)
  expect(commits).toBeGreaterThan(100)
  expect(pushes).toBeGreaterThan(30)
}, 1_200_000)
