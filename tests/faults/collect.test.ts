import { expect, test } from 'vitest'
import { runCollectRounds } from './collect-rounds.ts'

test('ten kills in the middle of collections beside uploads take no byte of what is named', async () => {
  const { named, removed } = await runCollectRounds(10)
  expect(named).toBeGreaterThan(10)
  expect(removed).toBeGreaterThan(10)
}, 180_000)
