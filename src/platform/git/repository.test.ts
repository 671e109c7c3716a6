import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestStore, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { incomingFolder, repositoryFolder } from './git-store.ts'
import { listRefs, moveRefs, writeTagObject } from './refs.ts'
import { createRepository, deleteRepository, hasRepository } from './repository.ts'
import { resolveRevision } from './revision.ts'
import { runGit } from './run.ts'
import { zeroOid } from './safe-names.ts'

test('a repository is born whole, is what git expects, and dies at once', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  const folder = repositoryFolder(store, testRepo)
  expect(folder.endsWith(`/ab/cd/${testRepo}.git`)).toBe(true)
  await runGit(store, ['--git-dir', folder, 'fsck', '--strict'])
  expect((await runGit(store, ['--git-dir', folder, 'symbolic-ref', 'HEAD'])).stdout.toString()).toBe(
    'refs/heads/main\n',
  )
  const config = (await runGit(store, ['--git-dir', folder, 'config', '--list'])).stdout.toString()
  expect(config).toContain('core.fsync=all')
  expect(config).toContain('receive.unpacklimit=1')
  await expect(createRepository(store, testRepo)).rejects.toThrow(/ENOTEMPTY|EEXIST/)
  expect(await readdir(incomingFolder(store))).toEqual([])
  expect(await resolveRevision(store, testRepo, 'main')).toBeNull()
  await deleteRepository(store, testRepo)
  await deleteRepository(store, testRepo)
  expect(await hasRepository(store, testRepo)).toBe(false)
  expect(store.readers.size).toBe(0)
  expect(await readdir(incomingFolder(store))).toEqual([])
})

test('a repository id cannot be a path', async () => {
  await using world = await openTestStore()
  for (const id of ['../../../../etc', '', 'ABCDEF0123456789abcdef01', `${testRepo}/x`, `${testRepo}\n`]) {
    await expect(createRepository(world.store, id)).rejects.toThrow('not a repository id')
  }
})

test('refs move by compare-and-swap, all or none', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(
    world,
    'git commit -q --allow-empty -m one; git commit -q --allow-empty -m two; git branch old main~1',
  )
  const two = (await resolveRevision(store, testRepo, 'main'))?.commit ?? ''
  const one = (await resolveRevision(store, testRepo, 'old'))?.commit ?? ''
  const main = 'refs/heads/main'
  expect(await moveRefs(store, testRepo, [{ ref: 'refs/heads/a', oldOid: zeroOid, newOid: one }])).toEqual({ ok: true })
  const again = await moveRefs(store, testRepo, [{ ref: 'refs/heads/a', oldOid: zeroOid, newOid: two }])
  expect(again).toMatchObject({ ok: false, reason: 'stale' })
  const lost = await moveRefs(store, testRepo, [
    { ref: 'refs/heads/b', oldOid: zeroOid, newOid: one },
    { ref: main, oldOid: one, newOid: two },
  ])
  expect(lost).toMatchObject({ ok: false, reason: 'stale' })
  expect(await resolveRevision(store, testRepo, 'b')).toBeNull()
  const nested = await moveRefs(store, testRepo, [{ ref: 'refs/heads/a/b', oldOid: zeroOid, newOid: one }])
  expect(nested).toMatchObject({ ok: false, reason: 'name-conflict' })
  expect(await moveRefs(store, testRepo, [{ ref: 'refs/heads/gone', oldOid: one, newOid: two }])).toMatchObject({
    ok: false,
    reason: 'stale',
  })
  expect(await moveRefs(store, testRepo, [{ ref: 'refs/heads/a', oldOid: one, newOid: zeroOid }])).toEqual({ ok: true })
  expect((await listRefs(store, testRepo)).map((ref) => ref.ref)).toEqual([main, 'refs/heads/old'])
  // Ten at once for the same ref: exactly one wins.
  const race = Array.from({ length: 10 }, () => moveRefs(store, testRepo, [{ ref: main, oldOid: two, newOid: one }]))
  expect((await Promise.all(race)).filter((result) => result.ok)).toHaveLength(1)
})

test('revisions: names, peeled tags, ids; never revision syntax', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(
    world,
    `git commit -q --allow-empty -m one; git commit -q --allow-empty -m two; git tag -a v1 -m v1 main~1
     git branch feature/x; git update-ref refs/pr/1 main; git update-ref refs/convert/parquet main~1`,
  )
  const [one, two] = [
    await world.git(repositoryFolder(store, testRepo), 'rev-parse', 'main~1'),
    await world.git(repositoryFolder(store, testRepo), 'rev-parse', 'main'),
  ]
  const tagged = await writeTagObject(store, testRepo, {
    name: 'v2',
    target: two,
    message: 'second',
    tagger: { name: 'Ada', email: 'a@b.c', at: 1_700_000_000_000 },
  })
  expect(await moveRefs(store, testRepo, [{ ref: 'refs/tags/v2', oldOid: zeroOid, newOid: tagged }])).toEqual({
    ok: true,
  })
  const resolve = (name: string) => resolveRevision(store, testRepo, name)
  expect(await resolve('main')).toEqual({ commit: two, ref: 'refs/heads/main' })
  expect(await resolve('HEAD')).toEqual({ commit: two, ref: 'refs/heads/main' })
  expect(await resolve('feature/x')).toEqual({ commit: two, ref: 'refs/heads/feature/x' })
  expect(await resolve('v1')).toEqual({ commit: one, ref: 'refs/tags/v1' })
  expect(await resolve('v2')).toEqual({ commit: two, ref: 'refs/tags/v2' })
  expect(await resolve('refs/pr/1')).toEqual({ commit: two, ref: 'refs/pr/1' })
  expect(await resolve('refs/convert/parquet')).toEqual({ commit: one, ref: 'refs/convert/parquet' })
  expect(await resolve(one)).toEqual({ commit: one, ref: null })
  expect(await resolve(one.slice(0, 7))).toEqual({ commit: one, ref: null })
  const tree = await world.git(repositoryFolder(store, testRepo), 'rev-parse', 'main^{tree}')
  const hostile = [
    'main^',
    'main~1',
    'main@{0}',
    '@',
    ':/one',
    `x-g${one.slice(0, 7)}`,
    'main^{commit}',
    '-x',
    '../HEAD',
    'main\nHEAD',
    'main ',
    '',
    tree,
    'refs/heads',
    one.slice(0, 4),
    'a..b',
    'x.lock',
    'refs/stash',
  ]
  for (const name of hostile) expect([name, await resolve(name)]).toEqual([name, null])
  expect(await listRefs(store, testRepo, ['refs/tags'])).toContainEqual({
    ref: 'refs/tags/v2',
    oid: tagged,
    target: two,
  })
})

test('long-lived processes are bounded, ended when idle, and ref folders stay tidy', async () => {
  await using world = await openTestStore({ maxProcesses: 2, idleMs: 50 })
  const { store } = world
  const repos = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(24))
  for (const repo of repos) await createRepository(store, repo)
  await Promise.all([...repos, ...repos, ...repos].map((repo) => resolveRevision(store, repo, 'main')))
  expect(store.readers.size).toBeLessThanOrEqual(2)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(store.readers.size).toBe(0)
  expect((await stat(repositoryFolder(store, repos[0] ?? ''))).isDirectory()).toBe(true)
  expect(await readdir(join(repositoryFolder(store, repos[0] ?? ''), 'refs'))).toEqual(['heads', 'tags'])
})
