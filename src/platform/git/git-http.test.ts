import { readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { serveGit } from '../../../tests/support/git-http.ts'
import { openTestStore, seedRepository, testRepo } from '../../../tests/support/git-store.ts'
import { repositoryFolder } from './git-store.ts'
import type { Push } from './receive-pack.ts'
import { createRepository } from './repository.ts'
import { resolveRevision } from './revision.ts'
import { zeroOid } from './safe-names.ts'

const history =
  'i=0; while [ $i -lt 5 ]; do head -c 20000 /dev/urandom > f$i; git add -A; git commit -qm c$i; i=$((i+1)); done'

test('clone, shallow, partial, and all protocol versions', async () => {
  await using world = await openTestStore()
  const work = await seedRepository(world, history)
  await using server = await serveGit(world.store, testRepo)
  const head = await world.git(work, 'rev-parse', 'HEAD')
  for (const version of ['0', '1', '2']) {
    await world.git(world.folder, '-c', `protocol.version=${version}`, 'clone', '-q', server.url, `v${version}`)
    expect(await world.git(join(world.folder, `v${version}`), 'rev-parse', 'HEAD')).toBe(head)
    const clone = `shallow${version}`
    await world.git(world.folder, '-c', `protocol.version=${version}`, 'clone', '-q', '--depth=2', server.url, clone)
    expect(await world.git(join(world.folder, clone), 'rev-list', '--count', 'HEAD')).toBe('2')
    await world.git(join(world.folder, clone), '-c', `protocol.version=${version}`, 'fetch', '-q', '--unshallow')
    expect(await world.git(join(world.folder, clone), 'rev-list', '--count', 'HEAD')).toBe('5')
    const partial = join(world.folder, `partial${version}`)
    await world.git(
      world.folder,
      '-c',
      `protocol.version=${version}`,
      'clone',
      '-q',
      '--filter=blob:none',
      '--no-checkout',
      server.url,
      partial,
    )
    expect((await world.git(partial, 'rev-list', '--objects', '--all', '--missing=print')).match(/^\?/gm)).toHaveLength(
      5,
    )
    await world.git(partial, '-c', `protocol.version=${version}`, 'checkout', '-q', 'main')
    expect(await readdir(partial)).toContain('f4')
  }
  expect(await world.git(world.folder, 'ls-remote', server.url)).toContain(`${head}\trefs/heads/main`)
  expect(server.failures).toEqual([])
})

test('a push is judged in quarantine, then visible, settled before the client hears of it', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  const work = join(world.folder, 'work')
  await world.git(world.folder, 'init', '-q', '-b', 'main', work)
  await writeFile(join(work, 'file'), 'one')
  await world.git(work, 'add', '-A')
  await world.git(work, 'commit', '-qm', 'one')
  const head = await world.git(work, 'rev-parse', 'HEAD')
  const seen: unknown[] = []
  let refusal: string[] | null = ["no 'x'; $(touch pwned)", 'refuse', 'accept']
  let isSettled = false
  const judge = async (push: Push) => {
    const objects: string[] = []
    const texts: string[] = []
    for await (const batch of push.quarantine.objects((type) => type === 'blob', 1000)) {
      for (const object of batch) objects.push(object.oid)
      for (const object of batch) if (object.bytes) texts.push(object.bytes.toString())
    }
    seen.push({
      moves: push.moves,
      objects: objects.length,
      texts,
      visible: await resolveRevision(store, testRepo, head),
    })
    return refusal ? { accept: false as const, lines: refusal } : { accept: true as const }
  }
  const settle = async () => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    isSettled = true
  }
  await using server = await serveGit(store, testRepo, { judge, settle })
  const refused = await world.git(work, 'push', server.url, 'main').catch((error: Error) => error.message)
  expect(refused).toContain("remote: no 'x'; $(touch pwned)")
  expect(refused).toContain('remote: accept')
  expect(refused).toContain('pre-receive hook declined')
  expect(await resolveRevision(store, testRepo, 'main')).toBeNull()
  expect(await resolveRevision(store, testRepo, head)).toBeNull()
  expect(isSettled).toBe(false)
  refusal = null
  await world.git(work, 'push', '-q', server.url, 'main')
  expect(isSettled).toBe(true)
  expect(seen[1]).toEqual({
    moves: [{ ref: 'refs/heads/main', oldOid: zeroOid, newOid: head }],
    objects: 3,
    texts: ['one'],
    visible: null,
  })
  expect(await resolveRevision(store, testRepo, 'main')).toEqual({ commit: head, ref: 'refs/heads/main' })
  // A branch on a known commit sends no objects; a deletion has no quarantine at all.
  await world.git(work, 'push', '-q', server.url, 'main:refs/heads/copy', 'main:refs/tags/v1')
  expect(seen[2]).toMatchObject({ objects: 0, texts: [] })
  await world.git(work, 'push', '-q', server.url, ':refs/heads/copy')
  expect(seen[3]).toMatchObject({ moves: [{ newOid: zeroOid }], objects: 0 })
  expect(await world.git(work, 'push', server.url, ':main').catch((error: Error) => error.message)).toContain(
    'deletion of the current branch prohibited',
  )
  expect(
    await world.git(work, 'push', server.url, 'main:refs/holdfast/x').catch((error: Error) => error.message),
  ).toContain('deny updating a hidden ref')
  const left = (await readdir(join(repositoryFolder(store, testRepo), 'objects'))).filter((name) =>
    name.startsWith('tmp_'),
  )
  expect(left).toEqual([])
  expect(server.failures).toEqual([])
})

test('a judge or a settlement that fails is never reported as success', async () => {
  await using world = await openTestStore()
  const { store } = world
  await createRepository(store, testRepo)
  const work = join(world.folder, 'work')
  await world.git(world.folder, 'init', '-q', '-b', 'main', work)
  await world.git(work, 'commit', '-q', '--allow-empty', '-m', 'one')
  let isJudgeBroken = true
  const judge = async () => {
    if (isJudgeBroken) throw new Error('judge is ill')
    return { accept: true as const }
  }
  const settle = async () => {
    throw new Error('no database')
  }
  await using server = await serveGit(store, testRepo, { judge, settle })
  const first = await world.git(work, 'push', server.url, 'main').catch((error: Error) => error.message)
  expect(first).toContain('remote: The server could not judge this push.')
  expect(await resolveRevision(store, testRepo, 'main')).toBeNull()
  isJudgeBroken = false
  const second = await world.git(work, 'push', server.url, 'main').catch((error: Error) => error.message)
  expect(second).toMatch(/HTTP|hung up|disconnect|RPC failed/)
  // curl may try again on a connection that was cut, so the second may stand there twice.
  expect([...new Set(server.failures.map(String))]).toEqual(['Error: judge is ill', 'Error: no database'])
})

test('hostile bodies end well', async () => {
  await using world = await openTestStore()
  const { store } = world
  await seedRepository(world, history)
  await using server = await serveGit(store, testRepo, { requestLimit: 1_000_000 })
  const post = (service: string, body: Uint8Array, encoding?: string) =>
    fetch(`${server.url}/${service}`, {
      method: 'POST',
      body,
      headers: encoding ? { 'Content-Encoding': encoding } : {},
    }).then(
      async (response) => `${response.status} ${await response.text()}`,
      (error: Error) => `gone ${error.message}`,
    )
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  for (const service of ['git-upload-pack', 'git-receive-pack']) {
    await post(service, bomb, 'gzip')
    await post(service, Buffer.from('not gzip at all'), 'gzip')
    expect(await post(service, Buffer.from('0000'), 'br')).toContain('encoding')
    await post(service, Buffer.from('ffffgarbage'))
    await post(service, Buffer.from(`0032want ${'1'.repeat(40)}\n00000009done\n`))
  }
  // A client that announces a push and goes away.
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.write('POST /repo/git-receive-pack HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n00a500\r\n')
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.destroy()
  await expect.poll(() => server.failures.length).toBeGreaterThanOrEqual(5)
  expect(server.failures.map((failure) => (failure as { reason?: string }).reason)).not.toContain('timeout')
  await world.git(world.folder, 'clone', '-q', server.url, 'after')
  await world.git(repositoryFolder(store, testRepo), 'fsck', '--strict')
})
