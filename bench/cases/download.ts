/** One large file by `resolve`, against a bare read stream; and through the front server's X-Accel-Redirect, against the same nginx sending a plain file. */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { runClient, startYardstick } from '../children.ts'
import { commitBody, largeFile, openClient } from '../hub-client.ts'
import { startNginx } from '../nginx.ts'
import { freePort, type Holdfast, startHoldfast } from '../program.ts'

export const downloadCase: BenchCase = {
  name: 'download',
  about:
    'A file of 1 GiB by GET resolve/main with a token: against a bare Node read stream of the same file, and with X-Accel-Redirect against the same nginx sending a plain file. The client drops the bytes.',
  run: async (bench) => {
    const data = path.join(bench.folder, 'data')
    const large = await prepare(bench, data)
    await direct(bench, data, large)
    await throughFrontServer(bench, data, large)
  },
}

interface LargeFile {
  readonly address: string
  /** Below the data folder. */
  readonly blob: string
  readonly size: number
  readonly token: string
}

async function prepare(bench: Bench, data: string): Promise<LargeFile> {
  const size = bench.isQuick ? 32 << 20 : 1 << 30
  return await serving(await startHoldfast(bench.program, { data }), async (hub) => {
    const client = await openClient(hub)
    const repo = await client.createRepo('large')
    const headers = { authorization: `Bearer ${client.token}` }
    const { sha256 } = await runClient('upload', {
      kind: 'lfs',
      url: `${hub.url}/${repo}`,
      headers,
      size,
      seed: 'download',
    })
    await client.commit(repo, commitBody('A large file', largeFile('model.safetensors', sha256, size)))
    client.close()
    const blob = path.join('blobs', sha256.slice(0, 2), sha256.slice(2, 4), sha256)
    return { address: `/${repo}/resolve/main/model.safetensors`, blob, size, token: client.token }
  })
}

async function direct(bench: Bench, data: string, large: LargeFile): Promise<void> {
  await serving(await startHoldfast(bench.program, { data }), async (hub) => {
    const bare = await startYardstick('file', { file: path.join(data, large.blob) })
    try {
      await bench.compare({
        name: 'resolve',
        unit: 'MB/s',
        target: { ratioAtLeast: 0.9 },
        ours: () => rate(hub.url + large.address, large),
        yardstick: { name: 'Node read stream', measure: () => rate(`${bare.url}/`, large) },
      })
    } finally {
      await bare.stop()
    }
  })
}

async function throughFrontServer(bench: Bench, data: string, large: LargeFile): Promise<void> {
  const port = await freePort()
  const front = await freePort()
  const publicUrl = `http://127.0.0.1:${front}`
  const nginx = await startNginx(
    path.join(bench.folder, 'nginx'),
    `location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /_blobs/ { internal; alias ${data}/; }
    location /plain/ { alias ${data}/; }`,
    front,
  )
  try {
    const settings = { HOLDFAST_ACCEL_REDIRECT: '/_blobs/' }
    await serving(await startHoldfast(bench.program, { data, settings, port, publicUrl }), async () => {
      await bench.compare({
        name: 'resolve by X-Accel-Redirect',
        unit: 'MB/s',
        target: { ratioAtLeast: 0.9 },
        ours: () => rate(publicUrl + large.address, large),
        yardstick: { name: 'nginx', measure: () => rate(`${publicUrl}/plain/${large.blob}`, large) },
      })
    })
  } finally {
    await nginx.stop()
  }
}

async function rate(url: string, large: LargeFile): Promise<number> {
  const { bytes, seconds } = await runClient('download', { url, headers: { authorization: `Bearer ${large.token}` } })
  if (bytes !== large.size) throw new Error(`${url} sent ${bytes} bytes in place of ${large.size}.`)
  return bytes / seconds / 1e6
}

async function serving<T>(hub: Holdfast, work: (hub: Holdfast) => Promise<T>): Promise<T> {
  try {
    return await work(hub)
  } finally {
    await hub.stop()
  }
}
