/** Looks that a page does not wait for: what becomes of them, and of their faults, after the page has gone. */
import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import { expect, test } from 'vitest'
import { inTime } from './in-time.ts'

function listening(): { log: Logger; said: unknown[][] } {
  const said: unknown[][] = []
  const note = (...words: unknown[]): void => void said.push(words)
  return { log: { warn: note, error: note } as unknown as Logger, said }
}

test('a look that is late is null, and its fault stands in the log instead of nowhere', async () => {
  const { log, said } = listening()
  const late = async (): Promise<string> => {
    await setTimeout(40)
    throw new Error('a fault of ours')
  }
  expect(await inTime(log, late, 5)).toBeNull()
  await expect.poll(() => said.length).toBe(1)
  expect(said[0]).toMatchObject([{ error: { message: 'a fault of ours' } }, expect.stringContaining('failed')])
})

test('a fault in time is for whoever asked, and for nobody else', async () => {
  const { log, said } = listening()
  await expect(inTime(log, () => Promise.reject(new Error('now')), 1_000)).rejects.toThrow('now')
  expect(await inTime(log, () => Promise.resolve('there'), 1_000)).toBe('there')
  expect(said).toEqual([])
})
