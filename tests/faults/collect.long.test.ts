import { expect, test } from 'vitest'
import { runCollectRounds } from './collect-rounds.ts'

test('a hundred kills in the middle of collections beside uploads take no byte of what is named', async () => {
  const { named, removed, halfRemoved } = await runCollectRounds(100)
  console.info(
    `${named} contents named at 100 kills, ${removed} removed, ${halfRemoved} kills left something half removed`,
  )
  expect(named).toBeGreaterThan(100)
  expect(removed).toBeGreaterThan(300)
  // Otherwise the kills missed the moments that this is about.
  expect(halfRemoved).toBeGreaterThan(10)
}, 1_800_000)
