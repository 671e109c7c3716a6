import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openTestStore, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { readObject, readObjectInfos, readObjects, streamBlob } from './objects.ts'
import { resolveRevision } from './revision.ts'
import { entriesAt, entryAt, listTree, walkTree } from './tree.ts'

const script = `mkdir -p a/b 'awful ?%#'
printf hello > a/b/hello.txt; printf é > 'awful ?%#/é.txt'; printf x > x-gabcdef; ln -s ../x a/link
head -c 3000000 /dev/urandom > big.bin
i=0; while [ $i -lt 30 ]; do mkdir -p many/$i; echo $i > many/$i/f; i=$((i+1)); done
git add -A; git commit -q -m one`

test('trees and blobs', async () => {
  await using world = await openTestStore()
  const { store } = world
  const work = await seedRepository(world, script)
  const commit = (await resolveRevision(store, testRepo, 'main'))?.commit ?? ''
  expect(await entryAt(store, testRepo, commit, 'a/b/hello.txt')).toMatchObject({
    mode: '100644',
    type: 'blob',
    size: 5,
  })
  expect(await entryAt(store, testRepo, commit, 'awful ?%#/é.txt')).toMatchObject({ size: 2 })
  expect(await entryAt(store, testRepo, commit, 'x-gabcdef')).toMatchObject({ size: 1 })
  expect(await entryAt(store, testRepo, commit, 'a/link')).toMatchObject({ mode: '120000', type: 'blob' })
  expect(await entryAt(store, testRepo, commit, '')).toMatchObject({ type: 'tree' })
  for (const path of ['nope', 'a/nope', 'a/b/hello.txt/x', 'hello.txt'])
    expect(await entryAt(store, testRepo, commit, path)).toBeNull()
  for (const path of ['../x', '/a', 'a//b', 'a/', 'a\n', './a'])
    await expect(entryAt(store, testRepo, commit, path)).rejects.toThrow('not a safe path')
  const many = await entriesAt(store, testRepo, commit, ['a/b', 'many/3/f', 'nope/x', 'a/b/hello.txt', '', 'big.bin'])
  expect(many.map((entry) => entry && [entry.type, entry.size])).toEqual([
    ['tree', 0],
    ['blob', 2],
    null,
    ['blob', 5],
    ['tree', 0],
    ['blob', 3000000],
  ])

  // Paged, recursive and flat listings agree with git.
  for (const [recursive, args] of [
    [true, ['-r', '-t']],
    [false, []],
  ] as const) {
    const expected = (await world.git(work, 'ls-tree', '-z', '--name-only', ...args, 'HEAD'))
      .split('\0')
      .filter(Boolean)
    const paged: string[] = []
    let after: string | null = null
    do {
      const page: Awaited<ReturnType<typeof listTree>> = await listTree(store, testRepo, commit, '', {
        recursive,
        after,
        limit: 7,
      })
      paged.push(...(page?.entries ?? []).map((entry) => entry.path))
      after = page?.next ?? null
    } while (after)
    expect(paged).toEqual(expected)
    const walked: string[] = []
    for await (const entry of walkTree(store, testRepo, commit, '', { recursive })) walked.push(entry.path)
    expect(walked).toEqual(expected)
  }
  const inside = await listTree(store, testRepo, commit, 'many', { recursive: true, after: 'many/5/f', limit: 2 })
  expect(inside?.entries.map((entry) => entry.path)).toEqual(['many/6', 'many/6/f'])
  expect(await listTree(store, testRepo, commit, 'big.bin')).toBeNull()

  const big = await entryAt(store, testRepo, commit, 'big.bin')
  const whole = await buffer(streamBlob(store, testRepo, { oid: big?.oid ?? '', size: big?.size ?? 0 }))
  expect(createHash('sha1').update(`blob ${whole.length}\0`).update(whole).digest('hex')).toBe(big?.oid)
  const part = await buffer(
    streamBlob(store, testRepo, { oid: big?.oid ?? '', size: 3000000 }, { first: 1500000, last: 1500009 }),
  )
  expect(part.equals(whole.subarray(1500000, 1500010))).toBe(true)
  const hello = await entryAt(store, testRepo, commit, 'a/b/hello.txt')
  expect(
    (await buffer(streamBlob(store, testRepo, { oid: hello?.oid ?? '', size: 5 }, { first: 1, last: 99 }))).toString(),
  ).toBe('ello')
  await expect(readObject(store, testRepo, big?.oid ?? '', 1000)).rejects.toThrow('3000000 bytes')
  expect(await readObject(store, testRepo, '1'.repeat(40), 1000)).toBeNull()
  const objects = await readObjects(store, testRepo, [hello?.oid ?? '', '1'.repeat(40), hello?.oid ?? ''], 100)
  expect(objects.map((object) => object?.bytes.toString())).toEqual(['hello', undefined, 'hello'])
  await expect(readObject(store, testRepo, 'HEAD', 10)).rejects.toThrow('not a full object id')
})

test('ten thousand look-ups in one exchange', async () => {
  await using world = await openTestStore()
  await seedRepository(world, script)
  const commit = (await resolveRevision(world.store, testRepo, 'main'))?.commit ?? ''
  const entries: string[] = []
  for await (const entry of walkTree(world.store, testRepo, commit)) entries.push(entry.oid)
  const oids = Array.from({ length: 10_000 }, (_, index) => entries[index % entries.length] ?? '')
  const start = performance.now()
  const infos = await readObjectInfos(world.store, testRepo, oids)
  expect(infos.every((info) => info !== null)).toBe(true)
  expect(performance.now() - start).toBeLessThan(1_000)
})
