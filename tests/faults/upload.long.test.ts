import { expect, test } from 'vitest'
import { runUploadRounds } from './upload-rounds.ts'

test('a hundred kills in the middle of uploads, whole and in parts, lose nothing that was acknowledged', async () => {
  const { acknowledged, interrupted, leftBehind } = await runUploadRounds(100)
  console.info(`${acknowledged} uploads acknowledged, ${interrupted} cut, ${leftBehind} files left by 100 kills`)
  expect(acknowledged).toBeGreaterThan(100)
  // Otherwise the kills missed the moments that this is about.
  expect(leftBehind).toBeGreaterThan(10)
}, 1_200_000)
