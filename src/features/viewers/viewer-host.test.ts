import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import type { Job } from './job.ts'
import { view } from './viewer-host.ts'

const log = pino({ level: 'silent' })
const bytes = Buffer.from('a,b\n1,2\n')
const table: Job = { do: 'read', format: 'csv', size: bytes.length, from: 0 }
const readAll = async (from: number, to: number) => bytes.subarray(from, to)
const unread = async (): Promise<never> => {
  throw new Error('nothing is to be read')
}
const code = (text: string): Job => ({ do: 'highlight', language: 'python', text })

afterEach(() => void vi.useRealTimers())

test('a view is made once for one content and all that is asked of it', async () => {
  let reads = 0
  const count = async (from: number, to: number) => {
    reads++
    return bytes.subarray(from, to)
  }
  const [one, other] = await Promise.all([view(log, 'once', table, count), view(log, 'once', table, count)])
  expect(one).toMatchObject({ kind: 'shown', read: bytes.length, shown: { kind: 'table', rows: 1 } })
  expect(other).toBe(one)
  expect(await view(log, 'once', table, unread)).toBe(one)
  expect(reads).toBe(1)
})

// The attack: a text that sends a grammar's patterns on a search without end, or a storage that never answers. The process is stuck; everybody else must not be.
test('work without end costs its process, and the next view has a new one', async () => {
  await view(log, 'warm', code('x = 1'), unread)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const stuck = view(log, 'stuck', code('x = "é"\n'.repeat(10_000)), unread)
  const waiting = view(log, 'waiting', code('y = 2'), unread)
  vi.advanceTimersByTime(1_300)
  expect(await stuck).toMatchObject({ kind: 'not shown', why: expect.stringContaining('takes too long') })
  expect(await waiting).toMatchObject({ kind: 'shown' })
  // Remembered: nobody costs the hub another process by reloading.
  expect(await view(log, 'stuck', code(''), unread)).toBe(await stuck)
})

test('storage that does not answer, and storage that fails, are told and not remembered', async () => {
  await view(log, 'warm', code('x = 1'), unread)
  await view(log, 'warm again', code('x = 2'), unread)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const silent = view(log, 'storage', table, () => {
    resolve()
    return new Promise<never>(() => undefined)
  })
  await asked
  vi.advanceTimersByTime(15_100)
  expect(await silent).toMatchObject({ kind: 'not shown', why: expect.stringContaining('storage') })
  vi.useRealTimers()
  const failed = await view(log, 'storage', table, unread)
  expect(failed).toMatchObject({ kind: 'not shown', why: expect.stringContaining('storage') })
  expect(await view(log, 'storage', table, readAll)).toMatchObject({ kind: 'shown' })
})

test('more views than the hub makes at once are told to come again', async () => {
  const views = Array.from({ length: 60 }, (_, index) => view(log, `many ${index}`, code(`x = ${index}`), unread))
  const kinds = (await Promise.all(views)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'not shown').length).toBeGreaterThan(0)
  expect(kinds.filter((kind) => kind === 'shown').length).toBeGreaterThanOrEqual(40)
})

// The attack: 500 bytes of Parquet say that they hold sixty million numbers. In a thread that ended the whole hub, not the thread alone.
test('a file that asks for more memory than there is costs its process alone', { timeout: 30_000 }, async () => {
  const bomb = await readFile(path.join(import.meta.dirname, '../../../tests/viewers/files/bomb.parquet'))
  const job: Job = { do: 'read', format: 'parquet', size: bomb.length, from: 59_999_900 }
  const viewed = await view(log, 'bomb', job, async (from, to) => bomb.subarray(from, to))
  expect(viewed).toMatchObject({ kind: 'not shown', why: expect.stringMatching(/more memory|takes too long/) })
  expect(await view(log, 'after the bomb', code('x = 1'), unread)).toMatchObject({ kind: 'shown' })
})
