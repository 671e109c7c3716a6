import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestStore, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { packet } from './pkt-line.ts'
import { fetchAdvertisement, listRefsAnswer, pushAdvertisement } from './ref-answers.ts'
import { createRepository } from './repository.ts'

const many = `git commit -q --allow-empty -m one
git tag light; git tag -am annotated v1; git tag -am 'tag of a tag' v2 v1; git branch feature/deep/one; git branch B; git branch b-x
git update-ref refs/pr/1 HEAD; git update-ref refs/holdfast/keep HEAD; git update-ref refs/convert/parquet HEAD`

/** `git upload-pack` or `receive-pack`, as the hub would start it. */
function ask(
  store: GitStore,
  args: string[],
  protocol: string | null,
  input: Buffer = Buffer.alloc(0),
): Promise<string> {
  const env = { ...store.environment, ...(protocol === null ? {} : { GIT_PROTOCOL: protocol }) }
  return new Promise((resolve, reject) => {
    const child = execFile('git', args, { env, encoding: 'latin1' }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
    // An advertisement reads no input; whether git ended before ours was written does not matter.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

function lsRefs(...args: string[]): Buffer {
  return Buffer.concat([
    packet('command=ls-refs\n'),
    packet('agent=git/2.39.5'),
    packet('object-format=sha1'),
    Buffer.from('0001'),
    ...args.map((arg) => packet(`${arg}\n`)),
    Buffer.from('0000'),
  ])
}

const requests = [
  lsRefs('peel', 'symrefs', 'unborn', 'ref-prefix refs/heads/', 'ref-prefix refs/tags/', 'ref-prefix HEAD'),
  lsRefs('peel', 'symrefs'),
  lsRefs('ref-prefix refs/heads/f', 'unborn'),
  lsRefs(),
]

async function expectSame(store: GitStore): Promise<void> {
  const folder = repositoryFolder(store, testRepo)
  const options = ['--stateless-rpc', '--http-backend-info-refs', folder]
  for (const request of requests) {
    const told = await ask(store, ['upload-pack', '--strict', '--stateless-rpc', folder], 'version=2', request)
    expect((await listRefsAnswer(store, testRepo, request))?.toString('latin1')).toBe(told)
  }
  expect((await fetchAdvertisement(store, testRepo)).toString('latin1')).toBe(
    await ask(store, ['upload-pack', ...options], 'version=2'),
  )
  expect((await pushAdvertisement(store, testRepo))?.toString('latin1')).toBe(
    await ask(store, ['receive-pack', ...options], null),
  )
}

test('says about refs what git says: loose, packed, both, annotated tags, hidden ones, none', async () => {
  await using world = await openTestStore()
  const { store } = world
  const work = await seedRepository(world, many)
  const folder = repositoryFolder(store, testRepo)
  await expectSame(store)
  await world.git(folder, 'pack-refs', '--all')
  await expectSame(store)
  await world.git(work, 'commit', '-q', '--allow-empty', '-m', 'two')
  await world.git(work, 'tag', '-fam', 'moved', 'v1')
  await world.git(work, 'push', '-q', '--force', folder, 'main', 'v1', ':feature/deep/one', 'main:a/b')
  await expectSame(store)
  await world.git(folder, 'symbolic-ref', 'HEAD', 'refs/heads/missing')
  await expectSame(store)
})

test('says it of an empty repository', async () => {
  await using world = await openTestStore()
  await createRepository(world.store, testRepo)
  await expectSame(world.store)
})

test('leaves the unusual to git', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(world, many)
  const folder = repositoryFolder(store, testRepo)
  expect(await listRefsAnswer(store, testRepo, lsRefs('new-argument'))).toBeNull()
  expect(await listRefsAnswer(store, testRepo, Buffer.from('0014command=fetch\n0000'))).toBeNull()
  expect(await listRefsAnswer(store, testRepo, lsRefs().subarray(0, -2))).toBeNull()
  expect(await listRefsAnswer(store, testRepo, Buffer.concat([lsRefs(), Buffer.from('0000')]))).toBeNull()
  await writeFile(join(folder, 'refs/heads/damaged'), 'half')
  expect(await listRefsAnswer(store, testRepo, lsRefs())).toBeNull()
  expect(await pushAdvertisement(store, testRepo)).toBeNull()
  await writeFile(join(folder, 'refs/heads/damaged'), 'ref: refs/heads/main\n')
  expect(await listRefsAnswer(store, testRepo, lsRefs())).toBeNull()
})
