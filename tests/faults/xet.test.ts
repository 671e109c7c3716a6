import { expect, test } from 'vitest'
import { runXetRounds } from './xet-rounds.ts'

test('ten kills in the middle of uploads by Xet lose nothing that was acknowledged and show nothing half', async () => {
  const { xorbs, files, commits, cut } = await runXetRounds(10)
  expect(xorbs).toBeGreaterThan(5)
  expect(files).toBeGreaterThan(2)
  expect(commits).toBeGreaterThan(1)
  expect(cut.connect + cut.xorbs + cut.shard + cut.commit).toBe(40)
}, 180_000)
