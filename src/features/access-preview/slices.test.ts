import { expect, test } from 'vitest'
import { loadedAhead, slicesOf } from './slices.ts'

const slicesOfThree = async function* (): AsyncGenerator<readonly string[]> {
  yield* [['a'], ['b'], ['c']]
}

test('the next slice is loaded while one is waited for and used, no more than that one, and they come in their order', async () => {
  const seen: string[] = []
  let underWay = 0
  const load = async ([id = '']: readonly string[]): Promise<string> => {
    expect(++underWay).toBeLessThan(3)
    seen.push(`load ${id}`)
    // The second is faster than the first.
    await new Promise((resolve) => setTimeout(resolve, id === 'a' ? 20 : 1))
    underWay--
    return id
  }
  for await (const id of loadedAhead(slicesOfThree(), load)) {
    seen.push(`use ${id}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(seen).toEqual(['load a', 'load b', 'use a', 'load c', 'use b', 'use c'])
})

test('what fails is told in its turn, once, and who leaves early leaves nothing that still reads', async () => {
  const used: string[] = []
  const failing = async ([id = '']: readonly string[]): Promise<string> => {
    if (id === 'b') throw new Error('The database has left.')
    return id
  }
  const using = (async () => {
    for await (const id of loadedAhead(slicesOfThree(), failing)) {
      used.push(id)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  await expect(using).rejects.toThrow('The database has left.')
  expect(used).toEqual(['a'])
  let reading = 0
  const slow = async ([id = '']: readonly string[]): Promise<string> => {
    reading++
    await new Promise((resolve) => setTimeout(resolve, 10))
    reading--
    return id
  }
  for await (const id of loadedAhead(slicesOfThree(), slow)) {
    expect([id, reading]).toEqual(['a', 1])
    break
  }
  expect(reading).toBe(0)
})

test('nobody at all is no slice', async () => {
  const none = loadedAhead(
    slicesOf(async () => []),
    async (ids) => ids,
  )
  expect(await none.next()).toEqual({ done: true, value: undefined })
})
