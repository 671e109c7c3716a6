import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { openTestStore, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { readCommit } from './commit.ts'
import { incomingFolder, repositoryFolder } from './git-store.ts'
import { moveRefs } from './refs.ts'
import { createRepository } from './repository.ts'
import { zeroOid } from './safe-names.ts'
import { stageCommit } from './stage.ts'
import { walkTree } from './tree.ts'

const ada = { name: 'Ada', email: 'ada@example.com', at: 1_700_000_000_000 }
const main = 'refs/heads/main'

test('a staged commit is what git would have made, and invisible until it is published', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  const bare = repositoryFolder(store, testRepo)
  const big = randomBytes(9_000_000)
  const text = Buffer.from('line\n'.repeat(50_000))
  await writeFile(join(world.folder, 'big'), big)
  const stage = await stageCommit(store, testRepo, null)
  await stage.putBytes('README.md', Buffer.from('# hello\n'))
  await stage.putBytes('empty', Buffer.alloc(0))
  await stage.putBytes('run.sh', Buffer.from('#!/bin/sh\n'), '100755')
  await stage.putBytes('link', Buffer.from('README.md'), '120000')
  await stage.putFile('a/big.bin', join(world.folder, 'big'))
  await stage.putStream('a/again.bin', big.length, Readable.from([big.subarray(0, 5), big.subarray(5)]))
  await stage.putStream('a/text.txt', text.length, Readable.from([text]))
  await stage.putBytes('a/text-too.txt', text)
  await expect(stage.putStream('a/short', 10, Readable.from([Buffer.from('abc')]))).rejects.toThrow(
    'expected 10 bytes, received 3',
  )
  await expect(stage.putStream('a/long', 2, Readable.from([Buffer.from('abc')]))).rejects.toThrow('expected 2 bytes')
  await stage.discard()
  expect((await readdir(incomingFolder(store))).filter((name) => name.startsWith('stage'))).toEqual([])

  const next = await stageCommit(store, testRepo, null)
  await next.putBytes('README.md', Buffer.from('# hello\n'))
  await next.putBytes('empty', Buffer.alloc(0))
  await next.putBytes('run.sh', Buffer.from('#!/bin/sh\n'), '100755')
  await next.putFile('a/big.bin', join(world.folder, 'big'))
  await next.putStream('a/again.bin', big.length, Readable.from([big.subarray(0, 5), big.subarray(5)]))
  await next.putStream('a/text.txt', text.length, Readable.from([text]))
  await next.putBytes('a/text-too.txt', text)
  const staged = await next.finish({ author: ada, committer: ada, message: 'one\n\nbody' })
  expect(await readCommit(store, testRepo, staged.commit)).toBeNull()
  await next.publish()
  expect(await moveRefs(store, testRepo, [{ ref: main, oldOid: zeroOid, newOid: staged.commit }])).toEqual({ ok: true })
  expect(await readCommit(store, testRepo, staged.commit)).toMatchObject({
    title: 'one',
    body: 'body',
    author: { ...ada, zoneMinutes: 0 },
    parents: [],
  })
  await world.git(bare, 'fsck', '--strict', '--full')
  const packs = (await readdir(join(bare, 'objects/pack'))).filter((name) => name.endsWith('.idx'))
  await world.git(bare, 'verify-pack', join('objects/pack', packs[0] ?? ''))
  const entries = await world.git(bare, 'ls-tree', '-r', '-l', 'main')
  expect(
    entries.split('\n').map((line) =>
      line
        .split(/\s+/)
        .filter((_, index) => index !== 2)
        .join(' '),
    ),
  ).toEqual([
    '100644 blob 8 README.md',
    '100644 blob 9000000 a/again.bin',
    '100644 blob 9000000 a/big.bin',
    '100644 blob 250000 a/text-too.txt',
    '100644 blob 250000 a/text.txt',
    '100644 blob 0 empty',
    '100755 blob 10 run.sh',
  ])
  expect((await readdir(incomingFolder(store))).filter((name) => name.startsWith('stage'))).toEqual([])
})

test('random edits agree with a plain map', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  let seed = 42
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  const names = ['a', 'b', 'a.b', 'a-b', 'a0', 'é', 'z']
  const path = () => Array.from({ length: 1 + random(3) }, () => names[random(names.length)]).join('/')
  const model = new Map<string, string>()
  let base: string | null = null
  for (let round = 0; round < 25; round++) {
    const stage = await stageCommit(store, testRepo, base)
    for (let step = 0; step < 12; step++) {
      const target = path()
      if (random(3) > 0) {
        const content = `${round}.${step}`
        await stage.putBytes(target, Buffer.from(content))
        for (const key of [...model.keys()])
          if (key.startsWith(`${target}/`) || target.startsWith(`${key}/`)) model.delete(key)
        model.set(target, content)
      } else {
        const wasFile = model.delete(target)
        const below = [...model.keys()].filter((key) => key.startsWith(`${target}/`))
        for (const key of below) model.delete(key)
        expect(await stage.delete(target)).toBe(wasFile ? 'file' : below.length > 0 ? 'folder' : null)
      }
    }
    const staged = await stage.finish({ author: ada, committer: ada, message: `round ${round}` })
    await stage.publish()
    await moveRefs(store, testRepo, [{ ref: main, oldOid: base ?? zeroOid, newOid: staged.commit }])
    base = staged.commit
    const paths: string[] = []
    for await (const entry of walkTree(store, testRepo, base)) if (entry.type === 'blob') paths.push(entry.path)
    expect(paths.sort()).toEqual([...model.keys()].sort())
  }
  await world.git(repositoryFolder(store, testRepo), 'fsck', '--strict', '--full')
})

test('the same changes on a branch that moved', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(
    world,
    'echo 1 > a; echo 1 > gone; git add -A; git commit -qm one; echo 2 > b; git rm -q gone; git add -A; git commit -qm two',
  )
  const bare = repositoryFolder(store, testRepo)
  const [one, two] = [await world.git(bare, 'rev-parse', 'main~1'), await world.git(bare, 'rev-parse', 'main')]
  const stage = await stageCommit(store, testRepo, one)
  await stage.putBytes('c/d', Buffer.from('3'))
  await stage.delete('gone')
  await stage.delete('a')
  await stage.rebase(two)
  const staged = await stage.finish({ author: ada, committer: ada, message: 'three' })
  await stage.publish()
  expect(await world.git(bare, 'ls-tree', '-r', '--name-only', staged.commit)).toBe('b\nc/d')
  expect(await world.git(bare, 'rev-parse', `${staged.commit}^`)).toBe(two)
})

test('copies, empty results, lost races', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(world, 'mkdir -p d/e; echo 1 > d/e/f; echo 2 > g; git add -A; git commit -qm one')
  const bare = repositoryFolder(store, testRepo)
  const one = await world.git(bare, 'rev-parse', 'main')
  const copy = await stageCommit(store, testRepo, one)
  expect(await copy.copyFrom(one, 'd', 'copied')).toBe(true)
  expect(await copy.copyFrom(one, 'nope', 'x')).toBe(false)
  await copy.putBytes('copied/new', Buffer.from('3'))
  expect(await copy.find('copied/e/f')).toMatchObject({ mode: '100644' })
  const two = await copy.finish({ author: ada, committer: ada, message: 'two' })
  await copy.publish()
  expect(await world.git(bare, 'ls-tree', '-r', '--name-only', two.commit)).toBe('copied/e/f\ncopied/new\nd/e/f\ng')

  const same = await stageCommit(store, testRepo, one)
  await same.putBytes('g', Buffer.from('2\n'))
  const unchanged = await same.finish({ author: ada, committer: ada, message: 'same' })
  expect(unchanged.tree).toBe(unchanged.baseTree)
  await same.discard()

  const empty = await stageCommit(store, testRepo, one)
  expect([await empty.delete('d'), await empty.delete('g'), await empty.delete('g')]).toEqual(['folder', 'file', null])
  const nothing = await empty.finish({ author: ada, committer: ada, message: 'nothing left' })
  await empty.publish()
  expect(await world.git(bare, 'ls-tree', '-r', nothing.commit)).toBe('')
  for (const path of ['../x', '/x', '', 'a//b']) {
    const stage = await stageCommit(store, testRepo, one)
    await expect(stage.putBytes(path, Buffer.from('x'))).rejects.toThrow()
    await stage.discard()
  }
  expect((await readdir(incomingFolder(store))).filter((name) => name.startsWith('stage'))).toEqual([])
})
