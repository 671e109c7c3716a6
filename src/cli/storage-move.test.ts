/** `holdfast storage move`: says what waits, and leaves a job that moves it where the setting would not. */
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { makePlace, nameBlobs, openStoredBytes, putObject } from '../../tests/support/stored-bytes.ts'
import { moveJobs } from '../features/storage/service.ts'
import { moveCommand } from './storage-move.ts'

test('says what waits, asks for the move, and then says that nothing is left', async () => {
  await using at = await openStoredBytes('sqlite', { HOLDFAST_XET_MOVE: 'off' })
  const { hub } = at
  const place = await makePlace(hub)
  const sha256 = await putObject(hub, place, randomBytes(1_200_000))
  await nameBlobs(hub, place, sha256)
  const printed: string[] = []
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0)
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const run = (...args: string[]) =>
    moveCommand(async () => ({ ...hub, close: async () => undefined })).parseAsync(['node', 'move', ...args])
  const jobs = () => hub.db.read.selectFrom('job').selectAll().where('queue', '=', 'move-objects').execute()
  try {
    await run('--dry-run')
    expect(await jobs()).toEqual([])
    await run()
    const [job] = await jobs()
    expect(printed.join('')).toMatch(/^large files as they came\t1\t1\.1 MiB\nmoved, bytes still there[^\n]*\t0\t0 B\n/)
    const handler = moveJobs(hub)['move-objects']
    await handler?.(JSON.parse(job?.payload ?? 'null'), new AbortController().signal)
    printed.length = 0
    await run()
    expect(printed.join('')).toMatch(/^large files as they came\t0\t0 B\nmoved, bytes still there[^\n]*\t1\t1\.1 MiB\n/)
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
})
