/** Bounded work: no more than there is room for, a share for each caller, and nobody waits for ever. */
import { expect, test } from 'vitest'
import { places } from './places.ts'

const never = new AbortController().signal

test('in the order of asking; a caller with its share full lets others pass', async () => {
  const room = places({ count: 2, perCaller: 1, waiting: 10, waitMs: 1000 })
  const order: string[] = []
  const leaveA = await room.enter('a', never)
  const second = room.enter('a', never).then((leave) => {
    order.push('a')
    return leave
  })
  const leaveB = await room.enter('b', never)
  const third = room.enter('c', never).then((leave) => {
    order.push('c')
    return leave
  })
  leaveB()
  leaveB()
  const leaveC = await third
  expect(order).toEqual(['c'])
  leaveA()
  const leaveAgain = await second
  expect(order).toEqual(['c', 'a'])
  leaveC()
  leaveAgain()
})

test('who waits too long, or finds too many waiting, is told to come back; who leaves waits no more', async () => {
  const room = places({ count: 1, perCaller: 1, waiting: 1, waitMs: 20 })
  const leave = await room.enter('a', never)
  const waiting = room.enter('b', never)
  await expect(room.enter('c', never)).rejects.toMatchObject({
    code: 'busy',
    extras: { headers: { 'retry-after': '5' } },
  })
  await expect(waiting).rejects.toMatchObject({ code: 'busy' })
  const controller = new AbortController()
  const left = room.enter('b', controller.signal)
  controller.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  leave()
  ;(await room.enter('d', never))()
})
