/** The move steps aside: it rests while the event loop is busy or its own work has become slow, and stops when it is told to. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { politePace } from './move-pace.ts'

const never = new AbortController().signal
const spin = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until; );
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

test('on a quiet hub it goes on at once', async () => {
  const pace = politePace()
  for (let piece = 0; piece < 5; piece++) {
    expect(await pace.work(async () => await pause(5, 'done'), never)).toBe('done')
  }
  expect(await timeOf(() => pace.work(() => pause(5), never))).toBeLessThan(100)
})

test('it rests twice as long as it worked while the event loop has much to do', async () => {
  const pace = politePace()
  await pace.work(() => pause(30), never)
  const busy = setInterval(() => spin(38), 20)
  const took = await timeOf(() => pace.work(() => pause(200), never))
  clearInterval(busy)
  expect(took).toBeGreaterThan(500)
})

test('it rests when the same work takes much longer than usual', async () => {
  const pace = politePace()
  for (let piece = 0; piece < 3; piece++) await pace.work(() => pause(10), never)
  expect(await timeOf(() => pace.work(() => pause(100), never))).toBeGreaterThan(280)
})

test('what a piece waits for makes nobody rest', async () => {
  const pace = politePace()
  for (let piece = 0; piece < 3; piece++) await pace.work(() => pause(10), never)
  const waiting = () => pace.apart(() => pause(200))
  expect(await timeOf(() => pace.work(waiting, never))).toBeLessThan(300)
})

test('it ends at once when it is told to stop, before a piece and while it rests', async () => {
  const pace = politePace()
  const stop = new AbortController()
  await pace.work(() => pause(10), stop.signal)
  const resting = pace.work(() => pause(300), stop.signal)
  setTimeout(() => stop.abort(new Error('The program stops.')), 350)
  await expect(resting).rejects.toThrow()
  let isDone = false
  await expect(
    pace.work(async () => {
      isDone = true
    }, stop.signal),
  ).rejects.toThrow('The program stops.')
  expect(isDone).toBe(false)
})
