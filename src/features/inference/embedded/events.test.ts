/** Streams of models that the hub runs, where the process that runs them cannot be trusted. */
import { once } from 'node:events'
import { setImmediate as soon } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventsOf } from './events.ts'
import { responsesJob } from './responses-job.ts'

const told = { id: 'resp_1', created: 1, model: 'acme/letters' }
function words() {
  const { stream } = responsesJob({ input: 'a', stream: true })
  if (stream === null) throw new Error('No stream.')
  return stream(told)
}

// The attack: a model has taken over the process that runs it, and says a megabyte after the other to a caller who does not read.
test('attack: who says more than can be asked for is left, and what waits stays within bounds', async () => {
  const leaving = new AbortController()
  let said = 0
  const answer = await eventsOf(
    words(),
    leaving,
    async (onText) => {
      const left = once(leaving.signal, 'abort')
      for (; said < 100; said++) onText('x'.repeat(1_000_000))
      await left
      throw leaving.signal.reason
    },
    () => 2,
  )
  if (answer.kind !== 'stream') throw new Error('No stream.')
  let bytes = answer.first.length
  const reading = (async () => {
    for (let next = await answer.rest.next(); next.done !== true; next = await answer.rest.next())
      bytes += (next.value as Buffer).length
  })()
  await expect(reading).rejects.toMatchObject({ code: 'backend_failed' })
  expect(said).toBe(100)
  expect(bytes).toBeGreaterThan(30_000_000)
  expect(bytes).toBeLessThan(36_000_000)
})

test('an answer that is no text breaks the stream off, and is no word of it', async () => {
  const leaving = new AbortController()
  const answer = await eventsOf(
    words(),
    leaving,
    async (onText) => {
      onText('b')
      await soon()
      return { result: { text: 7, finish: 'stop' }, tokensIn: 1, tokensOut: 1 }
    },
    () => 2,
  )
  if (answer.kind !== 'stream') throw new Error('No stream.')
  expect(answer.first.toString()).toContain('"delta":"b"')
  await expect(answer.rest.next()).rejects.toMatchObject({ code: 'backend_failed' })
  expect(answer.brokenOff?.('It failed.')).toMatch(/^event: response.failed\n.*\n\nevent: error\n/)
})
