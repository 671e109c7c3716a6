import { expect, test } from 'vitest'
import { runKillRounds } from './kill-rounds.ts'

test('ten kills in the middle of pushes and API commits lose nothing and leave nothing', async () => {
  const { commits, pushes } = await runKillRounds(10)
  expect(commits).toBeGreaterThan(10)
  expect(pushes).toBeGreaterThan(3)
}, 120_000)
