/** The Python client by Xet: what it sends of a changed file, and how fast, beside the same client by Git LFS and plain downloads. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { runClient } from '../children.ts'
import { type CountingProxy, startCountingProxy } from '../counting-proxy.ts'
import { type HubClient, openClient } from '../hub-client.ts'
import { growthDuring, residentBytes } from '../processes.ts'
import { type Holdfast, startHoldfast } from '../program.ts'
import { type PythonClient, pythonClient } from '../python-client.ts'
import { editedVersion, modelOf, randomBytesOf, weightsOf, writeSample } from '../sample-files.ts'

export const xetCase: BenchCase = {
  name: 'xet',
  about:
    'The newest Python client by Xet, each run with an empty cache, against the same client by Git LFS. Sent: bytes that left the client, as a share of the file. Bridge: a plain GET of a file that lies in chunks, against one that lies as it is.',
  run: async (bench) => {
    const proxy = await startCountingProxy()
    try {
      await behind(bench, proxy)
    } finally {
      await proxy.stop()
    }
  },
}

async function behind(bench: Bench, proxy: CountingProxy): Promise<void> {
  const publicUrl = `http://127.0.0.1:${proxy.port}`
  const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'data'), publicUrl })
  proxy.aim(hub.port)
  try {
    const client = await openClient(hub)
    const python = pythonClient({ url: publicUrl, token: client.token, folder: bench.folder })
    const size = bench.isQuick ? 48 << 20 : 1 << 30
    const place: Place = { bench, hub, client, python, size, sent: () => proxy.sent() }
    await checks(place)
    await edits(place)
    await layers(place)
    await speed(place)
    await bridge(place)
    await memory(place)
    client.close()
  } finally {
    await hub.stop()
  }
}

interface Place {
  readonly bench: Bench
  readonly hub: Holdfast
  readonly client: HubClient
  readonly python: PythonClient
  /** Bytes of a large file. */
  readonly size: number
  sent(): number
}

async function checks({ bench }: Place): Promise<void> {
  const dist = path.join(bench.program.folder, 'dist')
  const { check, sha256 } = await runClient('xet-check', { dist, size: 48 << 20, passes: bench.rounds })
  bench.report({
    name: 'checking bf16 weights, one thread',
    unit: 'MB/s',
    ours: check,
    yardstick: { name: 'node:crypto SHA-256 over the raw bytes', values: sha256 },
    target: { ratioAtLeast: 0.5 },
  })
}

/** A file, then the same with an insert, an edit and an append: by Xet and by Git LFS. */
async function edits({ bench, client, python, size, sent }: Place): Promise<void> {
  const [first, second] = [path.join(bench.folder, 'v1.bin'), path.join(bench.folder, 'v2.bin')]
  const shares: number[] = []
  for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
    const repo = await client.createRepo(`edited-${round}`)
    await writeSample(first, randomBytesOf(`edited ${round}`, size))
    await writeSample(second, editedVersion(first, size, `edited ${round}`))
    await python.upload(repo, first)
    sent()
    await python.upload(repo, second)
    shares.push((sent() / (size + (1 << 20) + 4096)) * 100)
  }
  bench.report({
    name: 'sent of a file with 4 KiB inserted, 100 B changed, 1 MiB appended',
    unit: '%',
    ours: shares,
    yardstick: null,
    target: { atMost: 0.3, judge: 'median' },
  })
  const repo = await client.createRepo('edited-by-lfs')
  await python.upload(repo, first, { isXet: false })
  sent()
  await python.upload(repo, second, { isXet: false })
  bench.note(`By Git LFS the same second version sent ${((sent() / size) * 100).toFixed(0)} % of its size.`)
  await Promise.all([rm(first), rm(second)])
}

async function layers({ bench, client, python, size, sent }: Place): Promise<void> {
  const shape = { layers: 12, layerBytes: Math.floor(size / 24 / 12) * 12 }
  const file = path.join(bench.folder, 'model.safetensors')
  const shares: number[] = []
  for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
    const repo = await client.createRepo(`layers-${round}`)
    await writeSample(file, modelOf(`layers ${round}`, shape))
    await python.upload(repo, file)
    await writeSample(file, modelOf(`layers ${round}`, shape, [3, 8]))
    sent()
    await python.upload(repo, file)
    shares.push((sent() / (shape.layers * shape.layerBytes)) * 100)
  }
  bench.report({
    name: 'sent of a safetensors file with 2 of 12 layers changed',
    unit: '%',
    ours: shares,
    yardstick: null,
    target: { atMost: 20, judge: 'median' },
  })
  await rm(file)
}

/** Uploads of bytes that do not compress, and downloads of them. */
async function speed({ bench, client, python, size }: Place): Promise<void> {
  const file = path.join(bench.folder, 'random.bin')
  const measure = async (round: number, isXet: boolean): Promise<number> => {
    const way = isXet ? 'xet' : 'lfs'
    const repo = await client.createRepo(`speed-${way}-${round}`)
    await writeSample(file, randomBytesOf(`speed ${way} ${round}`, size))
    return size / (await python.upload(repo, file, { isXet })) / 1e6
  }
  await bench.compare({
    name: 'upload by Xet',
    unit: 'MB/s',
    target: { ratioAtLeast: 0.5 },
    ours: (round) => measure(round, true),
    yardstick: { name: 'Git LFS', measure: (round) => measure(round, false) },
  })
  await rm(file)
  const fetched = async (way: string, isXet: boolean): Promise<number> =>
    size / (await python.download(`${client.user}/speed-${way}-0`, 'random.bin', { isXet })) / 1e6
  await bench.compare({
    name: 'download by Xet',
    unit: 'MB/s',
    target: { ratioAtLeast: 0.9 },
    ours: () => fetched('xet', true),
    yardstick: { name: 'plain download', measure: () => fetched('lfs', false) },
  })
}

async function bridge({ bench, hub, client, python, size }: Place): Promise<void> {
  const kinds = [
    { name: 'bridge, stored chunks', target: 0.6, bytes: (seed: string) => randomBytesOf(seed, size) },
    { name: 'bridge, compressed chunks', target: 0.3, bytes: (seed: string) => weightsOf(seed, size) },
  ]
  for (const [index, { name, target, bytes }] of kinds.entries()) {
    const file = path.join(bench.folder, 'bridged.bin')
    await writeSample(file, bytes(name))
    const repos = {
      xet: await client.createRepo(`bridge-xet-${index}`),
      lfs: await client.createRepo(`bridge-lfs-${index}`),
    }
    await python.upload(repos.lfs, file, { isXet: false })
    const plain = (repo: string) => rate(`http://127.0.0.1:${hub.port}/${repo}/resolve/main/bridged.bin`, client, size)
    // The bytes of both are the same, and what lies as it is is sent so: each is measured while it lies in its own way.
    const object = await Promise.all([plain(repos.lfs)])
    for (let round = 1; round < bench.rounds; round++) object.push(await plain(repos.lfs))
    await writeSample(file, bytes(`${name}, other bytes`))
    await python.upload(repos.xet, file)
    const chunks: number[] = []
    for (let round = 0; round < bench.rounds; round++) chunks.push(await plain(repos.xet))
    bench.report({
      name,
      unit: 'MB/s',
      ours: chunks,
      yardstick: { name: 'a file that lies as it is', values: object },
      target: { ratioAtLeast: target },
    })
    await rm(file)
  }
}

async function rate(url: string, { token }: HubClient, size: number): Promise<number> {
  const { bytes, seconds } = await runClient('download', { url, headers: { authorization: `Bearer ${token}` } })
  if (bytes !== size) throw new Error(`${url} sent ${bytes} bytes in place of ${size}.`)
  return bytes / seconds / 1e6
}

const parallel = 8

async function memory({ bench, hub, client, python, size }: Place): Promise<void> {
  const each = size >> 3
  const peaks: number[] = []
  for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
    const files = await Promise.all(
      Array.from({ length: parallel }, async (_, index) => {
        const file = path.join(bench.folder, `parallel-${index}.bin`)
        await writeSample(file, randomBytesOf(`parallel ${round} ${index}`, each))
        return { file, repo: await client.createRepo(`parallel-${round}-${index}`) }
      }),
    )
    const before = await residentBytes(hub.pid)
    const grown = await growthDuring(hub.pid, async () => {
      await Promise.all(files.map(({ file, repo }) => python.upload(repo, file)))
    })
    peaks.push((before + grown) / 2 ** 20)
    await Promise.all(files.map(({ file }) => rm(file)))
  }
  bench.report({
    name: `memory at most, beside ${parallel} uploads at once`,
    unit: 'MiB',
    ours: peaks,
    yardstick: null,
    target: { atMost: 400, judge: 'worst' },
  })
}
