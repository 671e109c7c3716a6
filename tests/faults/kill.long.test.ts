import { expect, test } from 'vitest'
import { runKillRounds } from './kill-rounds.ts'

test('a hundred kills in the middle of pushes and API commits lose nothing and leave nothing', async () => {
  const { commits, pushes, open } = await runKillRounds(100)
  console.info(`${commits} commits and ${pushes} pushes acknowledged, ${open} ref moves left open by 100 kills`)
  expect(commits).toBeGreaterThan(100)
  expect(pushes).toBeGreaterThan(30)
  // Otherwise the kills missed the moments that this is about.
  expect(open).toBeGreaterThan(5)
}, 1_200_000)
