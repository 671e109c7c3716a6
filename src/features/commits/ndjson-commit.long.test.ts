/** Commits through the API stream: a body of 2 GiB does not grow memory (issue: "Commits through the API are atomic ... and stream"). */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { measureLargeBody } from '../../../tests/support/large-commit-body.ts'

test('a body of 2 GiB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ndjson-'))
  try {
    // 1,536 MiB are 2 GiB in base64.
    const measured = await measureLargeBody(folder, [1024, 512])
    console.info(measured)
    expect(measured.received).toBeGreaterThanOrEqual(1536 * 1024 * 1024)
    expect(measured.growth).toBeLessThan(96 * 1024 * 1024)
    expect(await readdir(folder)).toEqual([])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
