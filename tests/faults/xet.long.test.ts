import { expect, test } from 'vitest'
import { runXetRounds } from './xet-rounds.ts'

test('a hundred kills in the middle of uploads by Xet lose nothing that was acknowledged and show nothing half', async () => {
  const result = await runXetRounds(100)
  console.info(`After 100 kills: ${JSON.stringify(result)}`)
  expect(result.commits).toBeGreaterThan(50)
  // Otherwise the kills missed the moments that this is about.
  expect(result.leftBehind).toBeGreaterThan(20)
  expect(Math.min(result.cut.xorbs, result.cut.shard, result.cut.commit)).toBeGreaterThan(10)
}, 1_200_000)
