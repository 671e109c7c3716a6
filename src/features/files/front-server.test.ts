import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, makeUser, type TestRepo } from '../../../tests/support/world.ts'
import { formatLfsPointer } from '../../domain/lfs-pointer.ts'
import { linkBlob, prepareBlob } from '../storage/service.ts'

let running: TestHub
let repo: TestRepo
let head: string
const bytes = randomBytes(3_000_000)
const blob = { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }

beforeAll(async () => {
  running = await startHub({ env: { HOLDFAST_ACCEL_REDIRECT: '/_blobs/' } })
  const { hub } = running
  const ada = await makeUser(hub, 'ada')
  repo = await makeRepo(hub, ada, 'large')
  const pointer = formatLfsPointer(blob)
  head = await fillRepo(hub, repo, `printf '%s' '${pointer}' > m.bin; echo hi > a.txt; git add -A; git commit -qm one`)
  await prepareBlob(hub, blob)
  await hub.blobs.put(Readable.from([Buffer.from(bytes)]), blob)
  await hub.transaction((tx) => linkBlob(tx, repo.id, blob, hub.clock.now()))
})

afterAll(() => running.stop())

const file = (name: string) => `/${repo.address}/resolve/main/${name}`

test('large files become an order to the front server; small ones, ranges of a few bytes and HEAD do not', async () => {
  const get = (name: string, options: RequestInit = {}) => fetch(running.url + file(name), options)
  const order = await get('m.bin')
  const { sha256 } = blob
  expect(order.headers.get('x-accel-redirect')).toBe(
    `/_blobs/blobs/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`,
  )
  expect(await order.text()).toBe('')
  const few = await get('m.bin', { headers: { range: 'bytes=0-0' } })
  expect([few.status, few.headers.get('x-accel-redirect')]).toEqual([206, null])
  expect((await get('a.txt')).headers.get('x-accel-redirect')).toBeNull()
  const asked = await get('m.bin', { method: 'HEAD' })
  expect([asked.headers.get('x-accel-redirect'), asked.headers.get('content-length')]).toEqual([null, '3000000'])
})

const hasNginx = await promisify(execFile)('nginx', ['-v']).then(
  () => true,
  () => false,
)
if (!hasNginx) console.warn('The test with nginx is left out. Install it: apt-get install nginx-light')

test.runIf(hasNginx)('nginx, configured as docs/front-server.md says, sends them with our headers', async () => {
  const text = await readFile(path.join(import.meta.dirname, '../../../docs/front-server.md'), 'utf8')
  const documented = /```nginx\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  const port = await freePort()
  const server = documented
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace('http://127.0.0.1:3000', running.url)
    .replace('/var/lib/holdfast/', `${running.folder}/`)
  const folder = path.join(running.folder, 'nginx')
  await mkdir(folder)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  await writeFile(
    path.join(folder, 'nginx.conf'),
    `daemon off; ${user} pid ${folder}/pid; error_log ${folder}/error.log; events {}
     http { access_log off; ${temporary.join(' ')} ${server} }`,
  )
  const nginx = spawn('nginx', ['-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`], { stdio: 'ignore' })
  const ended = once(nginx, 'exit')
  try {
    const url = `http://127.0.0.1:${port}${file('m.bin')}`
    await expect
      .poll(
        () =>
          fetch(url, { method: 'HEAD' }).then(
            (r) => r.status,
            () => 0,
          ),
        { timeout: 5000 },
      )
      .toBe(200)
    const whole = await fetch(url)
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)
    expect(whole.headers.get('etag')).toBe(`"${blob.sha256}"`)
    expect(whole.headers.get('x-repo-commit')).toBe(head)
    expect(whole.headers.get('content-security-policy')).toContain('sandbox')
    expect(whole.headers.get('content-disposition')).toMatch(/^attachment; .*m\.bin/)
    const part = await fetch(url, { headers: { range: 'bytes=1000000-2999999' } })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000000-2999999/3000000'])
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000))).toBe(true)
    // The folder behind it is out of reach for everybody but the hub.
    expect((await fetch(`http://127.0.0.1:${port}/_blobs/blobs/${blob.sha256}`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${port}/_blobs/keys.json`)).status).toBe(404)
  } finally {
    nginx.kill('SIGTERM')
    await ended
  }
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
