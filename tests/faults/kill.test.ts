import { expect, test } from 'vitest'
import { runKillRounds } from './kill-rounds.ts'

test('ten kills in the middle of pushes and API commits lose nothing and leave nothing', async () => {
  const { commits, pushes } = await runKillRounds(10)
  expect(commits).toBeGreaterThan(5)
  expect(commits + pushes).toBeGreaterThan(8)
}, 120_000)
