import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestStore, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { formatCommit, parseCommit, readCommit } from './commit.ts'
import { isAncestor, mergeBase, readPatch, summarizeDiff } from './diff.ts'
import { repositoryFolder } from './git-store.ts'
import { countCommits, lastCommits, listCommits } from './history.ts'
import { cleanStale, countPacks, maintain } from './maintain.ts'
import { moveRefs } from './refs.ts'
import { resolveRevision } from './revision.ts'
import { zeroOid } from './safe-names.ts'
import { stageCommit } from './stage.ts'

const branching = `echo 1 > a; mkdir -p d/e; echo 1 > d/x; echo 1 > d/e/deep; git add -A; git commit -qm 'one

the body
of it'
git checkout -qb side; echo 2 > d/y; git add -A; git commit -qm side
git checkout -q main; echo 3 > d/z; echo 2 > a; git add -A; git commit -qm mainz
git merge -q -m merge side; git mv a moved; head -c 100 /dev/zero > bin; git add -A; git commit -qm last`

test('commit pages, counts, last commits', async () => {
  await using world = await openTestStore()
  const { store } = world
  const work = await seedRepository(world, branching)
  const head = (await resolveRevision(store, testRepo, 'main'))?.commit ?? ''
  const first = await listCommits(store, testRepo, head, { limit: 2 })
  expect(first.commits.map((commit) => commit.title)).toEqual(['last', 'merge'])
  expect(first.next).toBe(2)
  const rest = await listCommits(store, testRepo, head, { limit: 10, skip: first.next ?? 0 })
  expect(rest.commits.map((commit) => commit.title).sort()).toEqual(['mainz', 'one', 'side'])
  expect(rest.next).toBeNull()
  expect(rest.commits.at(-1)).toMatchObject({
    title: 'one',
    body: 'the body\nof it',
    parents: [],
    signature: null,
    author: { name: 'Ada', email: 'ada@example.com' },
  })
  expect((await listCommits(store, testRepo, head, { path: 'd/y' })).commits.map((commit) => commit.title)).toEqual([
    'side',
  ])
  expect((await listCommits(store, testRepo, head, { path: 'd/*' })).commits).toEqual([])
  expect(await countCommits(store, testRepo, head)).toBe(5)
  expect(await countCommits(store, testRepo, head)).toBe(5)
  const titles = async (folder: string, names: string[]) => {
    const table = await lastCommits(store, testRepo, head, folder, names)
    return Promise.all(
      names.map(async (name) => (await readCommit(store, testRepo, table.get(name) ?? zeroOid))?.title),
    )
  }
  expect(await titles('', ['bin', 'd', 'moved', 'nope'])).toEqual(['last', 'mainz', 'last', undefined])
  expect(await titles('d', ['e', 'x', 'y', 'z'])).toEqual(['one', 'one', 'side', 'mainz'])

  const parent = await world.git(work, 'rev-parse', 'HEAD~1')
  const summary = await summarizeDiff(store, testRepo, parent, head)
  expect(summary.files).toMatchObject([
    { status: 'added', path: 'bin', additions: null },
    { status: 'renamed', path: 'moved', oldPath: 'a', additions: 0, deletions: 0 },
  ])
  const root = await world.git(work, 'rev-list', '--max-parents=0', 'HEAD')
  expect((await summarizeDiff(store, testRepo, null, root)).files.map((file) => [file.path, file.additions])).toEqual([
    ['a', 1],
    ['d/e/deep', 1],
    ['d/x', 1],
  ])
  expect((await summarizeDiff(store, testRepo, null, root, { maxFiles: 2 })).isCut).toBe(true)
  expect((await readPatch(store, testRepo, null, root)).text).toContain('+++ b/d/x')
  expect(await readPatch(store, testRepo, null, root, { maxPatchBytes: 20 })).toMatchObject({
    isCut: true,
    text: 'diff --git a/a b/a\nn',
  })
  expect(await isAncestor(store, testRepo, root, head)).toBe(true)
  expect(await isAncestor(store, testRepo, head, root)).toBe(false)
  expect(await mergeBase(store, testRepo, head, root)).toBe(root)
})

test('commit objects survive a round trip, signatures and damage included', () => {
  const person = { name: 'Zoë <x>\n', email: 'z@example.com ', at: 1_700_000_000_000, zoneMinutes: -90 }
  const signature = '-----BEGIN SSH SIGNATURE-----\nabc\n\ndef\n-----END SSH SIGNATURE-----'
  const bytes = formatCommit(
    {
      tree: '1'.repeat(40),
      parents: ['2'.repeat(40), '3'.repeat(40)],
      author: person,
      committer: person,
      message: 'title\r\n\r\nbody\0\n\n',
    },
    signature,
  )
  const commit = parseCommit('4'.repeat(40), bytes)
  expect(commit).toMatchObject({
    tree: '1'.repeat(40),
    parents: ['2'.repeat(40), '3'.repeat(40)],
    signature,
    title: 'title',
    body: 'body',
  })
  expect(commit.author).toEqual({ name: 'Zoë x', email: 'z@example.com', at: 1_700_000_000_000, zoneMinutes: -90 })
  expect(parseCommit('4'.repeat(40), Buffer.from('garbage'))).toMatchObject({ tree: '', parents: [], title: '' })
  const latin = Buffer.concat([
    Buffer.from('tree x\nauthor '),
    Buffer.from([0xe9]),
    Buffer.from(' <e> 99999999999999999999 +0000\nencoding iso-8859-1\n\n'),
    Buffer.from([0xe9]),
  ])
  expect(parseCommit('4'.repeat(40), latin)).toMatchObject({ title: 'é', author: { name: 'é' } })
})

test('upkeep joins packs, keeps everything reachable, and clean-up removes only what a crash leaves', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(world, branching)
  const bare = repositoryFolder(store, testRepo)
  let head = (await resolveRevision(store, testRepo, 'main'))?.commit ?? ''
  const person = { name: 'a', email: 'b@c', at: 1_700_000_000_000 }
  for (let round = 0; round < 12; round++) {
    const stage = await stageCommit(store, testRepo, head)
    await stage.putBytes(`f${round}`, Buffer.from(String(round)))
    const staged = await stage.finish({ author: person, committer: person, message: 'm' })
    await stage.publish()
    await moveRefs(store, testRepo, [{ ref: 'refs/heads/main', oldOid: head, newOid: staged.commit }])
    head = staged.commit
  }
  expect(await countPacks(store, testRepo)).toBeGreaterThanOrEqual(12)
  await maintain(store, testRepo)
  expect(await countPacks(store, testRepo)).toBeLessThanOrEqual(3)
  expect(await readdir(join(bare, 'objects/pack'))).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.bitmap$/), 'multi-pack-index']),
  )
  expect(await readdir(join(bare, 'objects/info'))).toContain('commit-graphs')
  expect((await listCommits(store, testRepo, head)).commits).toHaveLength(17)
  expect(await moveRefs(store, testRepo, [{ ref: 'refs/heads/side', oldOid: head, newOid: zeroOid }])).toMatchObject({
    ok: false,
  })
  await maintain(store, testRepo, { full: true })
  expect(await countPacks(store, testRepo)).toBeLessThanOrEqual(2)
  await world.git(bare, 'fsck', '--strict')

  const before = (await readdir(bare, { recursive: true })).sort()
  await mkdir(join(bare, 'objects/tmp_objdir-incoming-x/pack'), { recursive: true })
  await mkdir(join(bare, 'objects/incoming-y'), { recursive: true })
  await mkdir(join(bare, 'refs/heads'), { recursive: true })
  const files = [
    'objects/pack/tmp_pack_x',
    'objects/pack/pack-1234.pack',
    'refs/heads/main.lock',
    'packed-refs.lock',
    'HEAD.lock',
    'objects/pack/multi-pack-index.lock',
    'objects/info/commit-graphs/commit-graph-chain.lock',
  ]
  for (const file of files) await writeFile(join(bare, file), '')
  expect(await moveRefs(store, testRepo, [{ ref: 'refs/heads/main', oldOid: head, newOid: head }])).toMatchObject({
    ok: false,
    reason: 'locked',
  })
  expect(await cleanStale(store, testRepo)).toHaveLength(files.length + 2)
  expect((await readdir(bare, { recursive: true })).sort().filter((name) => name !== 'refs/heads')).toEqual(
    before.filter((name) => name !== 'refs/heads'),
  )
  expect(await cleanStale(store, testRepo)).toEqual([])
  await world.git(bare, 'fsck', '--strict')
})
