/** Which commit last changed a result, over histories with merges, versions that cannot be read, and ends that are not in sight. */
import { expect, test } from 'vitest'
import { attribute } from './attribute.ts'

/** `versions`: newest first, as `commit: parents`; `keys`: what each holds, null for one that cannot be read. */
async function origins(versions: Record<string, string[]>, keys: Record<string, string[] | null>) {
  const asked: string[] = []
  const list = Object.entries(versions).map(([commit, parents]) => ({ commit, parents, blob: null }))
  const found = await attribute({ versions: list, isWhole: true }, async (commit) => {
    asked.push(commit)
    const of = keys[commit] ?? null
    return of === null ? null : new Set(of)
  })
  expect(new Set(asked).size).toBe(asked.length)
  return { found: Object.fromEntries(found), asked }
}

test('a result is of the commit that brought it as it is now, whatever was committed after', async () => {
  const { found } = await origins(
    { d: ['c'], c: ['b'], b: ['a'], a: [] },
    { d: ['x2', 'y'], c: ['x2', 'y'], b: ['x1', 'y'], a: ['y'] },
  )
  expect(found).toEqual({ x2: 'c', y: 'a' })
})

test('taken away and brought back is a change', async () => {
  const { found } = await origins({ c: ['b'], b: ['a'], a: [] }, { c: ['x'], b: [], a: ['x'] })
  expect(found).toEqual({ x: 'c' })
})

test('through a merge it comes from the side that had it; what the merge itself made is of the merge', async () => {
  const history = { m: ['l', 'r'], l: ['o'], r: ['o'], o: [] }
  const { found } = await origins(history, { m: ['left', 'right', 'made'], l: ['left'], r: ['right'], o: [] })
  expect(found).toEqual({ left: 'l', right: 'r', made: 'm' })
})

// Story: an unsigned commit changes a number and breaks the file; the owner, who mends the file and signs, would have vouched for the number.
test('behind a version that cannot be read, or beyond what was read, the origin is not known', async () => {
  const broken = await origins({ c: ['b'], b: ['a'], a: [] }, { c: ['x9', 'y'], b: null, a: ['x1', 'y'] })
  expect(broken.found).toEqual({ x9: null, y: null })
  const cut = await origins({ c: ['b'], b: ['a'] }, { c: ['x', 'new'], b: ['x'] })
  expect(cut.found).toEqual({ new: 'c', x: null })
})

test('nothing is read once nothing is open', async () => {
  const { asked } = await origins({ c: ['b'], b: ['a'], a: [] }, { c: ['x'], b: [], a: [] })
  expect(asked).toEqual(['c', 'b'])
})
