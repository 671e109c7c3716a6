import { randomBytes } from 'node:crypto'
import { request as ask } from 'node:http'
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

test('story: a gzip bomb in a git request costs its bound and no more, and its sender is told so', async () => {
  const { hub, url } = running
  const repo = await makeRepo(hub, ada, 'bomb')
  const head = await fillRepo(hub, repo, 'git commit -q --allow-empty -m one')
  const send = (service: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(`${url}/${repo.address}/${service}`, {
      method: 'POST',
      body,
      headers: {
        authorization: `Bearer ${token.value}`,
        'content-type': `application/x-${service}-request`,
        'content-encoding': 'gzip',
        ...headers,
      },
    }).then(async (response) => `${response.status} ${await response.text()}`)
  // Lines that git reads on and on: wants of what is there, and commands for one ref.
  const bombs = {
    'git-upload-pack': [`0032want ${head}\n`, 67_108_864],
    'git-receive-pack': [`0066${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/bomb\0`, 4_194_304],
  } as const
  for (const [service, [line, limit]] of Object.entries(bombs)) {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(200_000_000, line)))
    expect(await send(service, bomb)).toContain(`413 The body is larger than ${limit} bytes.`)
    expect(await send(service, bomb, { 'content-encoding': 'br' })).toMatch(/^415 /)
    expect(await send(service, bomb, { 'content-type': 'text/plain' })).toMatch(/^415 /)
  }
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

test.each(['git-upload-pack', 'git-receive-pack'])(
  '%s: what is damaged, cut or not of git is told so',
  async (service) => {
    const { hub, url } = running
    const repo = await makeRepo(hub, ada, `damaged-${service}`)
    await fillRepo(hub, repo, 'git commit -q --allow-empty -m one')
    const send = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
      fetch(`${url}/${repo.address}/${service}`, {
        method: 'POST',
        body,
        headers: {
          authorization: `Bearer ${token.value}`,
          'content-type': `application/x-${service}-request`,
          ...headers,
        },
      }).then(async (response) => `${response.status} ${await response.text()}`)
    const gzip = { 'content-encoding': 'gzip' }
    const noise = new Uint8Array(randomBytes(3_000_000))
    const words = '400 The request is damaged, ends too early, or is not what git sends. Nothing was changed.'
    const versions: Record<string, string>[] = [{}, { 'git-protocol': 'version=2' }]
    for (const version of versions) {
      expect(await send(noise, { ...gzip, ...version })).toContain(words)
      const cut = new Uint8Array(gzipSync(noise).subarray(0, 100_000))
      expect(await send(cut, { ...gzip, ...version })).toContain(words)
      expect(await send(new Uint8Array(), { ...gzip, ...version })).toContain(words)
      expect(await send(noise, version)).toContain(words)
    }
    // What needs no answer gets none: git asks so whether a large push would be let in.
    expect(await send(new Uint8Array(Buffer.from('0000')), {})).toBe('200 ')
  },
)

test('story: a body that git stopped reading does not hold its sender until the connection is given up', async () => {
  const repo = await makeRepo(running.hub, ada, 'unread')
  await fillRepo(running.hub, repo, 'git commit -q --allow-empty -m one')
  const startedAt = performance.now()
  // A flush is a whole request: git ends after it, and 8 MB are still to come.
  const answer = await fetch(`${running.url}/${repo.address}/git-upload-pack`, {
    method: 'POST',
    body: Buffer.alloc(8_000_000, '0000'),
    headers: { 'content-type': 'application/x-git-upload-pack-request' },
  }).then(
    (response) => response.text(),
    (error: Error) => error,
  )
  expect(answer === '' || answer instanceof Error).toBe(true)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

test('story: an address does not climb out of its repo, to another one or to the disk', async () => {
  const hidden = await makeRepo(running.hub, ada, 'vault', { visibility: 'private' })
  await fillRepo(running.hub, hidden, 'git commit -q --allow-empty -m secret')
  const open = await makeRepo(running.hub, ada, 'street')
  await fillRepo(running.hub, open, 'git commit -q --allow-empty -m one')
  // Not `fetch`, which tidies an address before it sends it; and with the owner's token, so that an address that did climb would be served.
  const raw = (path: string) =>
    new Promise<string>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token.value}` }
      ask(running.url, { path, headers }, async (response) => {
        let body = ''
        for await (const chunk of response) body += String(chunk)
        resolve(`${response.statusCode} ${body}`)
      })
        .on('error', reject)
        .end()
    })
  const refs = 'info/refs?service=git-upload-pack'
  expect(await raw(`/ada/street/${refs}`)).toContain('200 001e# service=git-upload-pack')
  for (const path of [
    `/ada/street/../vault/${refs}`,
    `/ada/street/%2e%2e/vault/${refs}`,
    `/ada/street%2f..%2fvault/${refs}`,
    `/ada/..%2fada%2fvault.git/${refs}`,
    `/ada/street.git/../../../../etc/passwd`,
    '/ada/street.git/objects/../config',
    '/ada/street.git/HEAD',
    '/ada/street%00/info/refs?service=git-upload-pack',
    `/ada/street\\..\\vault/${refs}`,
    `/lfs/${open.id}/objects/../../${hidden.id}/objects/${'a'.repeat(64)}`,
    `/lfs/..%2f${hidden.id}/objects/${'a'.repeat(64)}`,
    `/lfs/${open.id}/objects/..%2f..%2f..%2fkeys.json`,
  ]) {
    const answer = await raw(path)
    expect(answer, path).toMatch(/^(400|401|403|404) /)
    expect(answer, path).not.toMatch(/# service=|ref: refs|\[core\]|root:/)
  }
})
