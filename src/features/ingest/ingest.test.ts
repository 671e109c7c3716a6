import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runClient } from '../../../tests/support/git-store.ts'
import {
  allowPush,
  commitFiles,
  ingestRepo,
  openIngestHub,
  person,
  servePushes,
  uploadBlob,
} from '../../../tests/support/ingest.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { systemOrigin } from '../../domain/event.ts'
import { formatLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import { repositoryFolder } from '../../platform/git/git-store.ts'
import { listRefs, moveRefs, readRefs } from '../../platform/git/refs.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { describeMove } from './describe-move.ts'
import { openMoves } from './ref-move.ts'
import { beginCommit, changeRefs, settleOnStart } from './service.ts'
import { afterRefMove, maintainRepo, relinkRepo } from './upkeep.ts'

let folder: string
let hub: Hub
const main = 'refs/heads/main'
const big = { sha256: 'b'.repeat(64), size: 5_000_000 }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-ingest-'))
  hub = await openIngestHub(join(folder, 'data'))
})
afterEach(async () => {
  await hub.close()
  await rm(folder, { recursive: true, force: true })
})

const events = async () => hub.db.read.selectFrom('event').selectAll().orderBy('id').execute()
const jobs = async () => hub.db.read.selectFrom('job').selectAll().where('queue', '=', 'ref-moved').execute()
const intents = async () => hub.db.read.selectFrom('refIntent').selectAll().execute()
const repo = async () =>
  hub.db.read.selectFrom('repo').selectAll().where('id', '=', ingestRepo).executeTakeFirstOrThrow()
const referenced = async () =>
  (await hub.db.read.selectFrom('repoBlob').select('sha256').where('referencedAt', 'is not', null).execute()).map(
    (row) => row.sha256,
  )
const head = async () => (await readRefs(hub.git, ingestRepo, [main]))[0] ?? null

async function clone(url: string): Promise<string> {
  const work = join(folder, `work-${Math.random()}`)
  await runClient(folder, 'clone', '-q', url, work)
  await runClient(work, 'checkout', '-q', '-B', 'main')
  return work
}

async function push(work: string, url: string, ...refs: string[]): Promise<string> {
  return runClient(work, 'push', url, ...(refs.length === 0 ? ['main'] : refs)).catch((error: Error) => error.message)
}

test('a commit through the API moves the branch and leaves event, job and head in agreement', async () => {
  const first = await commitFiles(hub, { 'README.md': '# one\n' })
  const second = await commitFiles(hub, { 'a/b.txt': 'x', 'README.md': null })
  expect(await head()).toBe(second.commit)
  expect(second.parent).toBe(first.commit)
  expect((await events()).map((event) => JSON.parse(event.data))).toEqual([
    { via: 'api', title: 'api', ref: main, old: null, new: first.commit },
    { via: 'api', title: 'api', ref: main, old: first.commit, new: second.commit },
  ])
  expect((await events())[0]).toMatchObject({
    action: 'repo.push',
    resourceId: ingestRepo,
    resourceName: 'acme/x',
    actorKind: 'system',
  })
  expect((await jobs()).map((job) => JSON.parse(job.payload))).toMatchObject([
    { newOid: first.commit },
    { oldOid: first.commit, newOid: second.commit },
  ])
  expect(await intents()).toEqual([])
  expect((await repo()).headCommit).toBe(second.commit)
})

test('parents: the expected commit in full or short, a lost race, twenty committers at once', async () => {
  const first = await commitFiles(hub, { a: '1' })
  await commitFiles(hub, { b: '2' }, { parent: first.commit.slice(0, 7) })
  await expect(commitFiles(hub, { c: '3' }, { parent: first.commit })).rejects.toMatchObject({ code: 'stale_parent' })
  await expect(commitFiles(hub, { c: '3' }, { parent: 'HEAD' })).rejects.toMatchObject({ code: 'stale_parent' })
  await expect(commitFiles(hub, { c: '3' }, { ref: 'refs/heads/none' })).rejects.toMatchObject({
    code: 'revision_not_found',
  })
  const slow = await beginCommit(hub, allowPush(), { watch: null, ref: main, parent: (await head()) ?? '' })
  await slow.putBytes('slow', Buffer.from('slow'))
  await Promise.all(Array.from({ length: 20 }, (_, index) => commitFiles(hub, { [`f${index}`]: 'x' })))
  const input = { author: person, message: 'late', origin: systemOrigin, reauthorize: async () => allowPush() }
  await expect(slow.finish(input)).rejects.toMatchObject({ code: 'stale_parent' })
  const tree = await runClient(repositoryFolder(hub.git, ingestRepo), 'ls-tree', '--name-only', 'main')
  expect(tree.split('\n')).toHaveLength(22)
  expect(await events()).toHaveLength(22)
  const same = await beginCommit(hub, allowPush(), { watch: null, ref: main })
  await same.putBytes('a', Buffer.from('1'))
  expect(await same.finish({ ...input, skipIfUnchanged: true })).toMatchObject({
    commit: await head(),
    isUnchanged: true,
  })
})

test('bad input of API commits', async () => {
  await commitFiles(hub, { a: '1' })
  const bad = [
    '../x',
    '/x',
    'a\\b',
    '.git/config',
    'x/.GIT/hooks',
    'git~1',
    '.git .',
    '.g\u200cit/x',
    'a//b',
    'a\nb',
    'a\0b',
    '',
    'x'.repeat(300),
    '.git::$INDEX_ALLOCATION',
  ]
  for (const path of bad)
    await expect(commitFiles(hub, { [path]: 'x' }), path).rejects.toMatchObject({ code: 'unsafe_path' })
  await expect(commitFiles(hub, { nope: null })).rejects.toMatchObject({ code: 'file_to_delete_not_found' })
  await expect(commitFiles(hub, { big: 'x'.repeat(11 * 1024 * 1024) })).rejects.toThrow(
    /"big" has 11 MiB; files over 10 MiB are stored with Git LFS/,
  )
  await expect(commitFiles(hub, { 'm.bin': formatLfsPointer(big) })).rejects.toMatchObject({
    code: 'lfs_object_missing',
  })
  await uploadBlob(hub, big.sha256, big.size)
  await expect(commitFiles(hub, { 'm.bin': formatLfsPointer({ ...big, size: 6 }) })).rejects.toMatchObject({
    code: 'lfs_object_missing',
  })
  expect(await referenced()).toEqual([])
  await commitFiles(hub, { 'm.bin': formatLfsPointer(big) })
  expect(await referenced()).toEqual([big.sha256])
  const short = await beginCommit(hub, allowPush(), { watch: null, ref: main })
  await expect(short.putStream('s', 10, Readable.from([Buffer.from('abc')]))).rejects.toMatchObject({
    code: 'length_mismatch',
  })
  await short.discard()
  const revoked = await beginCommit(hub, allowPush(), { watch: null, ref: main })
  await revoked.putBytes('late', Buffer.from('x'))
  const reauthorize = async () =>
    Promise.reject(new HoldfastError('forbidden', { resource: 'x', have: 'read', need: 'write' }))
  await expect(
    revoked.finish({ author: person, message: 'm', origin: systemOrigin, reauthorize }),
  ).rejects.toMatchObject({ code: 'forbidden' })
  expect(await events()).toHaveLength(2)
})

test('pushes: accepted, settled, and refused as a whole in words that name the file', async () => {
  await using door = await servePushes(hub)
  const work = await clone(door.url)
  await writeFile(join(work, 'file'), 'one')
  await runClient(work, 'add', '-A')
  await runClient(work, 'commit', '-qm', 'one')
  const out = await push(work, door.url)
  const one = await runClient(work, 'rev-parse', 'HEAD')
  expect(await head(), out).toBe(one)
  expect((await repo()).headCommit).toBe(one)
  expect((await events()).map((event) => JSON.parse(event.data))).toEqual([
    { via: 'git', ref: main, old: null, new: one },
  ])

  const refused = async (message: RegExp, prepare: () => Promise<unknown>, ...refs: string[]) => {
    await runClient(work, 'reset', '-q', '--hard', one)
    await prepare()
    const output = await push(work, door.url, ...refs)
    expect(output).toMatch(message)
    expect(output).toContain('remote: This push was refused. Nothing was changed.')
  }
  const commitFile = (path: string, content: string) => async () => {
    const oid = await runClient(work, 'hash-object', '-w', await tempFile(content))
    await runClient(work, 'update-index', '--add', '--cacheinfo', `100644,${oid},${path}`)
    await runClient(work, 'commit', '-qm', 'bad')
  }
  await refused(
    /The file "deep\/big\.bin" has 11 MiB; .*git lfs track "\*\.bin"/s,
    commitFile('deep/big.bin', 'x'.repeat(11 * 1024 * 1024)),
  )
  await refused(
    /1 large file\(s\) that were not uploaded: m\/model\.bin/,
    commitFile('m/model.bin', formatLfsPointer(big)),
  )
  await refused(/"a\\b".* it contains a backslash/, commitFile('a\\b', 'x'))
  await refused(/it is a submodule/, async () => {
    await runClient(work, 'update-index', '--add', '--cacheinfo', `160000,${one},sub`)
    await runClient(work, 'commit', '-qm', 'sub')
  })
  // A good branch beside a bad ref: all or nothing.
  await refused(
    /only refs\/heads\/ and refs\/tags\/ take pushes/,
    async () => undefined,
    'main:refs/heads/good',
    'main:refs/notes/x',
  )
  await refused(/Cannot delete refs\/heads\/main/, async () => undefined, ':main')
  await refused(/it reads as a commit id/, async () => undefined, `main:refs/heads/${one}`)
  // git's own check comes before ours: the names that reach into .git are refused while the pack is received.
  const tree = pipeTree(work, `100644 blob ${await runClient(work, 'hash-object', '-w', await tempFile('x'))}\t.GIT\n`)
  await runClient(work, 'reset', '-q', '--hard', one)
  const evil = await runClient(work, 'commit-tree', '-m', 'evil', tree)
  expect(await push(work, door.url, `${evil}:refs/heads/evil`)).toMatch(/hasDotgit|own folder/)
  expect((await listRefs(hub.git, ingestRepo)).map((ref) => ref.ref)).toEqual([main])
  expect(await events()).toHaveLength(1)
  expect(await intents()).toEqual([])

  // What is uploaded may be named, a link to it follows, and a stale push settles to nothing.
  await uploadBlob(hub, big.sha256, big.size)
  await runClient(work, 'reset', '-q', '--hard', one)
  await commitFile('m/model.bin', formatLfsPointer(big))()
  await push(work, door.url)
  expect(await referenced()).toEqual([big.sha256])
  await commitFiles(hub, { other: 'x' })
  await runClient(work, 'commit', '-q', '--allow-empty', '-m', 'stale')
  expect(await push(work, door.url)).toMatch(/fetch first|rejected/)
  expect(await intents()).toEqual([])

  // A forced push takes the last name of the large file away: the link falls back to its lease.
  await runClient(work, 'reset', '-q', '--hard', one)
  await runClient(work, 'push', '-q', '--force', door.url, 'main')
  for (const job of await jobs()) await afterRefMove(hub, JSON.parse(job.payload))
  const relink = await hub.db.read.selectFrom('job').selectAll().where('queue', '=', 'relink-repo').execute()
  expect(relink).toHaveLength(1)
  await relinkRepo(hub, { repoId: ingestRepo })
  expect(await referenced()).toEqual([])
  await maintainRepo(hub, { repoId: ingestRepo })
  expect(await runClient(repositoryFolder(hub.git, ingestRepo), 'fsck', '--strict', '--no-dangling')).toBe('')
})

test('a push whose permission ended while it was sent is refused', async () => {
  await commitFiles(hub, { a: '1' })
  await using door = await servePushes(hub, async () =>
    Promise.reject(new HoldfastError('token_permission', { need: 'repo.write', resource: 'model acme/x' })),
  )
  const work = await clone(door.url)
  await runClient(work, 'commit', '-q', '--allow-empty', '-m', 'x')
  expect(await push(work, door.url)).toContain('remote: - This token lacks the permission repo.write on model acme/x.')
  expect(await events()).toHaveLength(1)
})

test('branches and tags through the API', async () => {
  const { commit } = await commitFiles(hub, { a: '1' })
  const change = (ref: string, oldOid: string, newOid: string) =>
    changeRefs(hub, allowPush(), systemOrigin, [{ ref, oldOid, newOid }])
  expect(await change('refs/heads/dev', zeroOid, commit)).toEqual({ ok: true })
  expect(await change('refs/heads/dev', zeroOid, commit)).toMatchObject({ ok: false, reason: 'stale' })
  expect(await change('refs/tags/v1', zeroOid, commit)).toEqual({ ok: true })
  expect(await change('refs/heads/dev', commit, zeroOid)).toEqual({ ok: true })
  await expect(change(main, commit, zeroOid)).rejects.toMatchObject({ code: 'cannot_delete_main' })
  for (const ref of ['refs/heads/a b', 'refs/heads/-x', 'refs/pr/1', 'refs/heads/a..b', 'HEAD']) {
    await expect(change(ref, zeroOid, commit), ref).rejects.toMatchObject({ code: 'invalid_ref_name' })
  }
  expect(await events()).toHaveLength(4)
  expect(await intents()).toEqual([])
})

test('upkeep beside committers and readers disturbs nobody', async () => {
  await commitFiles(hub, { start: 'x' })
  await using door = await servePushes(hub)
  let isDone = false
  const upkeep = (async () => {
    let rounds = 0
    for (; !isDone || rounds === 0; rounds++) await maintainRepo(hub, { repoId: ingestRepo })
    return rounds
  })()
  const committing = [0, 1].map(async (who) => {
    for (let count = 0; count < 15; count++) await commitFiles(hub, { [`${who}/${count}`]: `${count}` })
  })
  const reading = (async () => {
    for (let count = 0; count < 3; count++) await clone(door.url)
  })()
  await Promise.all([...committing, reading])
  isDone = true
  expect(await upkeep).toBeGreaterThan(0)
  expect(await events()).toHaveLength(31)
  expect(await runClient(repositoryFolder(hub.git, ingestRepo), 'fsck', '--strict', '--no-dangling')).toBe('')
})

test('what a crash left open is settled by what the refs say, once', async () => {
  await uploadBlob(hub, big.sha256, big.size)
  const { commit: one } = await commitFiles(hub, { a: '1' })
  const { commit: two } = await commitFiles(hub, { 'm.bin': formatLfsPointer(big) })
  // As if the server had died between the ref and its settlement, and before another ref moved at all.
  const moves = [
    { ref: 'refs/heads/moved', oldOid: zeroOid, newOid: two },
    { ref: 'refs/heads/not-moved', oldOid: zeroOid, newOid: one },
  ]
  await openMoves(hub, ingestRepo, moves, (move) => describeMove(hub, allowPush(), systemOrigin, move, { via: 'git' }))
  await moveRefs(hub.git, ingestRepo, moves.slice(0, 1))
  await hub.transaction(async (tx) => {
    await tx.updateTable('repoBlob').set({ referencedAt: null }).execute()
  })
  await writeFile(join(repositoryFolder(hub.git, ingestRepo), 'refs/heads/not-moved.lock'), '')
  await hub.close()
  hub = await openIngestHub(join(folder, 'data'))
  expect(await intents()).toHaveLength(2)
  await settleOnStart(hub)
  await settleOnStart(hub)
  expect(await intents()).toEqual([])
  expect((await events()).map((event) => JSON.parse(event.data).ref)).toEqual([main, main, 'refs/heads/moved'])
  expect(await referenced()).toEqual([big.sha256])
  expect(await changeRefs(hub, allowPush(), systemOrigin, moves.slice(1))).toEqual({ ok: true })
})

async function tempFile(content: string): Promise<string> {
  const path = join(folder, `content-${Math.random()}`)
  await writeFile(path, content)
  return path
}

/** `git mktree`, which takes names that the index refuses. */
function pipeTree(work: string, listing: string): string {
  return execFileSync('git', ['mktree'], { cwd: work, input: listing }).toString().trim()
}
