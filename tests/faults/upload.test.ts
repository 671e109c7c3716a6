import { expect, test } from 'vitest'
import { runUploadRounds } from './upload-rounds.ts'

test('five kills in the middle of uploads, whole and in parts, lose nothing that was acknowledged', async () => {
  const { acknowledged, interrupted } = await runUploadRounds(5)
  expect(acknowledged).toBeGreaterThan(3)
  expect(interrupted).toBe(15)
}, 120_000)
