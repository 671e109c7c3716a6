import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gitClient } from '../../../tests/support/git-client.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, makeToken, makeUser, type TestToken, type TestUser } from '../../../tests/support/world.ts'

let running: TestHub
let ada: TestUser
let token: TestToken
let reader: TestToken
let stranger: TestToken

beforeAll(async () => {
  running = await startHub({ env: { HOLDFAST_MAX_PUSH: '4MiB' } })
  ada = await makeUser(running.hub, 'ada')
  token = await makeToken(running.hub, ada)
  reader = await makeToken(running.hub, ada, 'read')
  stranger = await makeToken(running.hub, await makeUser(running.hub, 'eve'))
})

afterAll(() => running.stop())

test('clone, push, pull and delete with and without .git, public and private', async () => {
  const { hub, url } = running
  for (const kind of ['model', 'dataset'] as const) {
    const repo = await makeRepo(hub, ada, `tour-${kind}`, { kind, visibility: 'private' })
    await using client = await gitClient(url, token.value)
    await client.sh(`
      git clone -q $URL/${repo.address} one && cd one
      echo hello > a.txt && git add -A && git commit -qm first && git push -q origin main
      git checkout -qb feature/x && git commit -qm second --allow-empty && git push -q -u origin feature/x
      git tag v1 && git push -q origin v1
      cd .. && git clone -q --depth 1 $URL/${repo.address}.git two && cd two && cat a.txt | grep hello
      echo more >> a.txt && git commit -qam third && git push -q && cd ../one
      git checkout -q main && git pull -q && grep more a.txt
      git push -q origin :feature/x && git push -q --delete origin v1`)
    expect(await client.sh(`git ls-remote $URL/${repo.address}`)).toMatch(
      /^[0-9a-f]{40}\tHEAD\n[0-9a-f]{40}\trefs\/heads\/main\n$/,
    )
    expect(await client.fails(`cd one && git push origin :main`)).toContain('Cannot delete refs/heads/main')
  }
})

test('a partial clone reads blobs when it needs them', async () => {
  const repo = await makeRepo(running.hub, ada, 'partial')
  await fillRepo(running.hub, repo, 'head -c 50000 /dev/urandom > big && git add -A && git commit -qm one')
  await using client = await gitClient(running.url, null)
  const script = `git clone -q --filter=blob:none --no-checkout $URL/${repo.address} p && cd p && git show HEAD:big | wc -c`
  expect(await client.sh(script)).toContain('50000')
})

test('who may not is told why, and asked for a token where one could help', async () => {
  const { hub, url } = running
  const hidden = await makeRepo(hub, ada, 'hidden', { visibility: 'private' })
  const open = await makeRepo(hub, ada, 'open')
  await fillRepo(hub, open, 'git commit -q --allow-empty -m one')
  const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${url}/${path}`, { headers })
  const basic = (value: string) => ({ authorization: `Basic ${Buffer.from(`x:${value}`).toString('base64')}` })
  const refs = 'info/refs?service=git-upload-pack'
  const anonymous = await ask(`${hidden.address}/${refs}`)
  expect(anonymous.status).toBe(401)
  expect(anonymous.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
  // What does not exist and what is hidden look the same.
  expect((await ask(`ada/nothing/${refs}`)).status).toBe(401)
  expect((await ask(`${hidden.address}/${refs}`, basic(stranger.value))).status).toBe(404)
  expect((await ask(`ada/nothing/${refs}`, basic(stranger.value))).status).toBe(404)
  expect((await ask(`${hidden.address}/${refs}`, basic(token.value))).status).toBe(200)
  expect((await ask(`${open.address}/${refs}`)).status).toBe(200)
  // Pushing is another action than reading, decided by the service.
  const pushing = 'info/refs?service=git-receive-pack'
  expect((await ask(`${open.address}/${pushing}`)).status).toBe(401)
  expect((await ask(`${open.address}/${pushing}`, basic(stranger.value))).status).toBe(403)
  const weak = await ask(`${open.address}/${pushing}`, basic(reader.value))
  expect(weak.status).toBe(403)
  expect(await weak.text()).toContain('This token has the role read; this needs write.')
  // A password is never taken, and a wrong token never falls back to anonymous.
  expect((await ask(`${open.address}/${refs}`, basic('correct horse'))).status).toBe(401)
  expect((await ask(`${open.address}/info/refs`)).status).toBe(400)
  expect((await ask(`${open.address}/info/refs?service=git-upload-archive`)).status).toBe(400)
})

test('a push that is refused says so to the person, and changes nothing', async () => {
  const repo = await makeRepo(running.hub, ada, 'judged')
  await using client = await gitClient(running.url, token.value)
  const output = await client.fails(`
    git clone -q $URL/${repo.address} r && cd r
    printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:${'ab'.repeat(32)}\\nsize 3\\n' > x.bin
    git add -A && git commit -qm pointer && git push origin main`)
  expect(output).toContain('remote: - The commit names 1 large file(s) that were not uploaded')
  expect(await client.sh(`git ls-remote $URL/${repo.address}`)).toBe('')
})

test('a token that is revoked while the pack is on its way moves no ref', async () => {
  const { hub, url } = running
  const repo = await makeRepo(hub, ada, 'revoked')
  const doomed = await makeToken(hub, ada)
  await using client = await gitClient(url, doomed.value)
  await client.sh(`git clone -q $URL/${repo.address} r && cd r && git commit -q --allow-empty -m one`)
  // The hook of the client runs after the first request was answered and before the pack is sent.
  await client.sh(
    `cd r && printf '#!/bin/sh\\ntouch ../ready; while [ ! -e ../go ]; do sleep 0.05; done\\n' > .git/hooks/pre-push && chmod +x .git/hooks/pre-push`,
  )
  const push = client.fails('cd r && git push origin main')
  await client.sh('while [ ! -e ready ]; do sleep 0.05; done')
  await hub.transaction((tx) => tx.deleteFrom('accessToken').where('id', '=', doomed.id).execute())
  await client.sh('touch go')
  expect(await push).toMatch(/Authentication failed|401|could not read/)
  await using other = await gitClient(url, token.value)
  expect(await other.sh(`git ls-remote $URL/${repo.address}`)).toBe('')
})

test('story: a gzip bomb in a git request costs its bound and no more', async () => {
  const repo = await makeRepo(running.hub, ada, 'bomb')
  const send = (path: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    fetch(`${running.url}/${repo.address}/${path}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${token.value}`, ...headers },
    }).then(
      (response) => response.status,
      () => 'cut',
    )
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(200_000_000)))
  const type = 'application/x-git-receive-pack-request'
  const status = await send('git-receive-pack', bomb, { 'content-type': type, 'content-encoding': 'gzip' })
  expect(['cut', 200, 400, 413]).toContain(status)
  expect(await send('git-receive-pack', bomb, { 'content-type': type, 'content-encoding': 'br' })).toBe(415)
  expect(await send('git-upload-pack', bomb, { 'content-type': 'text/plain' })).toBe(415)
  expect((await fetch(`${running.url}/health`)).status).toBe(200)
})
