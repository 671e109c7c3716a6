import { randomBytes as anyBytes, createCipheriv, createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { compressFrameSync } from 'lz4-napi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChunkIndex } from './chunk-index.ts'
import { Codec, scheme, writeChunkHeader } from './codec.ts'
import { XetFormatError } from './errors.ts'
import { chunkHash, hashFromString, hashToString } from './hash.ts'
import { fileHashOf, merkleRoot } from './merkle.ts'
import { openXetWorkers } from './open-xet-workers.ts'
import { parseShard } from './shard.ts'
import { buildDedupShard } from './shard-build.ts'
import { randomBytes, weightBytes } from './vectors/data.ts'
import { allRuns, pythonVectors, vectorData } from './vectors/vectors.ts'
import type { CutFile, KnownChunk, ReceivedXorb } from './xet-workers.ts'
import { storeChunk } from './xorb-write.ts'

const workers = openXetWorkers({ threads: 2 })
const codec = new Codec()
let folder = ''
let fileNumber = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-xet-'))
})
afterAll(async () => {
  await workers.close()
  rmSync(folder, { recursive: true })
})

async function* pieces(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

function newFile(): { path: string; fd: number } {
  const path = join(folder, String(fileNumber++))
  return { path, fd: openSync(path, 'w+') }
}

/** What it was given, as it lies in the file afterwards. */
async function receive(bytes: Buffer, hash: string, size?: number): Promise<ReceivedXorb & { stored: Buffer }> {
  const { path, fd } = newFile()
  try {
    const received = await workers.receiveXorb(pieces(bytes, size), hash, fd)
    return { ...received, stored: readFileSync(path) }
  } finally {
    closeSync(fd)
  }
}

function rawChunk(raw: Buffer, payload: Buffer, kind: number, claimed = raw.length): Buffer {
  const header = Buffer.alloc(8)
  writeChunkHeader(header, 0, { stored: payload.length, raw: claimed, scheme: kind })
  return Buffer.concat([header, payload])
}

function xorbOf(raws: readonly Buffer[]): { bytes: Buffer; hash: string } {
  const hash = hashToString(merkleRoot(raws.map((raw) => ({ hash: chunkHash(raw), size: raw.length }))))
  return { bytes: Buffer.concat(raws.map((raw) => storeChunk(codec, raw))), hash }
}

/** As old clients wrote it. */
function footerOf(hash: string, index: ChunkIndex): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  const each = (of: (chunk: number) => Buffer): Buffer[] => Array.from({ length: index.count }, (_, chunk) => of(chunk))
  const info = Buffer.concat([
    Buffer.from('XETBLOB\x01'),
    hashFromString(hash),
    Buffer.from('XBLBHSH\x00'),
    number(index.count),
    ...each((chunk) => index.hashAt(chunk)),
    Buffer.from('XBLBBND\x01'),
    number(index.count),
    ...each((chunk) => number(index.endAt(chunk))),
    ...each((chunk) => number(index.rawEndAt(chunk))),
    number(index.count),
    number(0),
    number(0),
    Buffer.alloc(16),
  ])
  return Buffer.concat([info, number(info.length)])
}

const kept = allRuns.flatMap((run) =>
  run.xorbs.flatMap((xorb) => {
    const listed = run.shards.flatMap((text) => [...parseShard(Buffer.from(text, 'base64')).xorbs()])
    const claim = listed.find((one) => one.hash === xorb.hash)
    return xorb.bytes === null || claim === undefined
      ? []
      : [{ hash: xorb.hash, bytes: Buffer.from(xorb.bytes, 'base64'), claim }]
  }),
)

describe('receiveXorb', () => {
  it.each(kept)('takes what the real clients send ($hash)', async ({ hash, bytes, claim }) => {
    const received = await receive(bytes, hash)
    expect(received.stored.equals(bytes)).toBe(true)
    const index = new ChunkIndex(received.chunkIndex)
    expect(claim.equals(index)).toBe(true)
    expect([received.size, received.rawSize]).toEqual([bytes.length, claim.rawSize])
    expect([index.size, index.rawSize]).toEqual([bytes.length, claim.rawSize])
    expect(hashToString(index.root())).toBe(hash)
  })

  it('does not care how the bytes arrive, and can only check', async () => {
    for (const { hash, bytes } of kept.slice(2, 4)) {
      for (const size of [1, 7, 100_003]) {
        const received = await workers.receiveXorb(pieces(bytes, size), hash, null)
        expect(received.size).toBe(bytes.length)
      }
    }
  })

  it('takes a large one, batch by batch', async () => {
    const data = vectorData(pythonVectors, 'many chunks')
    const shard = pythonVectors.runs
      .flatMap((run) => run.shards.map((text) => parseShard(Buffer.from(text, 'base64'))))
      .find((one) => [...one.xorbs()].some((xorb) => xorb.rawSize === data.length))
    const [xorb] = shard?.xorbs() ?? []
    const stored = [...(xorb?.chunks() ?? [])].map((chunk) => {
      const raw = data.subarray(chunk.rawOffset, chunk.rawOffset + chunk.length)
      return rawChunk(raw, raw, scheme.none)
    })
    const received = await receive(Buffer.concat(stored), xorb?.hash ?? '')
    expect(xorb?.equals(new ChunkIndex(received.chunkIndex))).toBe(true)
    expect(received.stored.equals(Buffer.concat(stored))).toBe(true)
  })

  it("drops an old client's footer, wherever it is cut", async () => {
    const [{ hash, bytes }] = kept as [(typeof kept)[number]]
    const { chunkIndex } = await receive(bytes, hash)
    const footer = footerOf(hash, new ChunkIndex(chunkIndex))
    for (const size of [65_536, 1, bytes.length + 3, 1 << 20]) {
      const received = await receive(Buffer.concat([bytes, footer]), hash, size)
      expect(received.stored.equals(bytes)).toBe(true)
    }
    for (const wrong of [
      footer.subarray(0, -1),
      Buffer.concat([footer, Buffer.alloc(1)]),
      Buffer.from('XETBLUB'),
      Buffer.from('XET'),
    ]) {
      await expect(receive(Buffer.concat([bytes, wrong]), hash)).rejects.toThrow(XetFormatError)
    }
    await expect(receive(footer, hash)).rejects.toThrow('no chunks')
  })

  it('refuses another hash, nothing at all, and what is cut or goes on', async () => {
    const { bytes, hash } = xorbOf([anyBytes(100), Buffer.alloc(5000, 'abc')])
    await expect(receive(bytes, '1'.repeat(64))).rejects.toThrow('give the hash')
    await expect(receive(bytes, 'not a hash')).rejects.toThrow(XetFormatError)
    await expect(receive(Buffer.alloc(0), hash)).rejects.toThrow('no chunks')
    for (let length = 1; length < bytes.length; length++) {
      await expect(receive(bytes.subarray(0, length), hash)).rejects.toThrow(XetFormatError)
    }
    for (const rubbish of [Buffer.alloc(1), Buffer.alloc(8), Buffer.from('rubbish!')]) {
      await expect(receive(Buffer.concat([bytes, rubbish]), hash)).rejects.toThrow(XetFormatError)
    }
  })

  it('refuses lengths that lie, in each scheme', async () => {
    const raw = Buffer.alloc(3000, 'some text')
    const hash = hashToString(chunkHash(raw))
    const forms = [
      { kind: scheme.none, payload: raw },
      { kind: scheme.lz4, payload: compressFrameSync(raw) },
      { kind: scheme.grouped, payload: compressFrameSync(codec.group(raw)) },
    ]
    for (const { kind, payload } of forms) {
      await receive(rawChunk(raw, payload, kind), hash)
      for (const claimed of [1, 2999, 3001, 131_072, 131_073, 0xff_ffff, 0]) {
        await expect(receive(rawChunk(raw, payload, kind, claimed), hash)).rejects.toThrow(XetFormatError)
      }
    }
    await expect(receive(rawChunk(raw, raw, 3), hash)).rejects.toThrow('scheme 3')
    const later = rawChunk(raw, raw, scheme.none)
    later[0] = 1
    await expect(receive(later, hash)).rejects.toThrow('version 1')
  })

  it('refuses a frame that unpacks to more than it says, without unpacking it', async () => {
    const bomb = compressFrameSync(Buffer.alloc(40 << 20))
    expect(bomb.length).toBeLessThan(256 * 1024)
    const started = performance.now()
    await expect(receive(rawChunk(Buffer.alloc(0), bomb, scheme.lz4, 131_072), '1'.repeat(64))).rejects.toThrow(
      XetFormatError,
    )
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('stops at the limits while it streams', async () => {
    const tiny = rawChunk(Buffer.alloc(1), Buffer.alloc(1), scheme.none)
    const many = Buffer.concat(Array.from({ length: 8193 }, () => tiny))
    await expect(receive(many, '1'.repeat(64))).rejects.toThrow('at most 8192 chunks')
    const zeros = storeChunk(codec, Buffer.alloc(131_072))
    const holds = Buffer.concat(Array.from({ length: 513 }, () => zeros))
    // More than 64 MiB, as the JS client sends it.
    await expect(receive(holds, '1'.repeat(64))).rejects.toThrow('give the hash')
    let sent = 0
    const endless = async function* (): AsyncGenerator<Buffer> {
      const large = rawChunk(Buffer.alloc(131_072), Buffer.alloc(131_072), scheme.none)
      for (;;) {
        sent += large.length
        yield large
      }
    }
    await expect(workers.receiveXorb(endless(), '1'.repeat(64), null)).rejects.toThrow('64 MiB')
    expect(sent).toBeLessThan(70 << 20)
  })

  it('takes 8192 chunks', async () => {
    const { bytes, hash } = xorbOf(Array.from({ length: 8192 }, (_, index) => Buffer.from(String(index))))
    const received = await receive(bytes, hash)
    expect(new ChunkIndex(received.chunkIndex).count).toBe(8192)
  })

  it('ends when it is aborted, though nothing more arrives', async () => {
    const silent = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Buffer>>(() => undefined) }),
    }
    const controller = new AbortController()
    const receiving = workers.receiveXorb(silent, '1'.repeat(64), null, controller.signal)
    controller.abort(new Error('gone'))
    await expect(receiving).rejects.toThrow('gone')
  })

  it("tells a sender's fault from its own", async () => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('\0')
      throw new Error('connection lost')
    }
    await expect(workers.receiveXorb(broken(), '1'.repeat(64), null)).rejects.toThrow('connection lost')
    const { bytes, hash } = xorbOf([anyBytes(10)])
    await expect(workers.receiveXorb(pieces(bytes), hash, 999_999)).rejects.toMatchObject({ code: 'EBADF' })
  })
})

describe('decoding and hashing', () => {
  it('gives the raw bytes back, at most 8 MiB', async () => {
    const raws = [weightBytes('a', 70_001), randomBytes('b', 9000), Buffer.alloc(131_072)]
    const stored = Buffer.concat(raws.map((raw) => storeChunk(codec, raw)))
    const copy = Buffer.from(new ArrayBuffer(stored.length))
    stored.copy(copy)
    expect((await workers.decode(copy)).equals(Buffer.concat(raws))).toBe(true)
    expect(copy.length).toBe(0)
    await expect(workers.decode(stored.subarray(0, -1))).rejects.toThrow(XetFormatError)
    const zeros = storeChunk(codec, Buffer.alloc(131_072))
    await expect(workers.decode(Buffer.concat(Array.from({ length: 65 }, () => zeros)))).rejects.toThrow('At most')
  })

  it('hashes files of any length, several at a time', async () => {
    const sums = await Promise.all(
      ['one', 'two', 'three'].map(async (seed) => {
        const raws = Array.from({ length: 20 }, (_, index) => weightBytes(`${seed}${index}`, 30_000 + index))
        const hash = workers.openFileHash()
        for (const raw of raws) await hash.update(storeChunk(codec, raw))
        const sha256 = await hash.digest()
        hash.close()
        return [sha256, createHash('sha256').update(Buffer.concat(raws)).digest('hex')]
      }),
    )
    for (const [mine, right] of sums) expect(mine).toBe(right)
    const closed = workers.openFileHash()
    closed.close()
    await expect(closed.digest()).rejects.toThrow('closed')
  })

  it('works out a file hash from chunk lists', async () => {
    const chunks = Array.from({ length: 3000 }, (_, index) => ({
      hash: chunkHash(Buffer.from([index, index >> 8])),
      size: index + 1,
    }))
    const list = workers.openChunkList()
    for (const chunk of chunks) {
      const entry = Buffer.alloc(36)
      chunk.hash.copy(entry)
      entry.writeUInt32LE(chunk.size, 32)
      await list.add(entry)
    }
    expect(await list.fileHash()).toBe(hashToString(fileHashOf(merkleRoot(chunks))))
    list.close()
  })

  it('builds dedup shards', async () => {
    const { bytes, hash } = xorbOf(Array.from({ length: 30 }, (_, index) => anyBytes(100 + index)))
    const index = new ChunkIndex((await receive(bytes, hash)).chunkIndex)
    const input = { xorbs: [{ hash, index }], hmacKey: anyBytes(32), createdAt: 1000, expiresAt: 2000 }
    expect((await workers.buildDedupShard(input)).equals(buildDedupShard(input, codec))).toBe(true)
    expect(input.hmacKey.length).toBe(32)
    expect(index.count).toBe(30)
  })
})

describe('the cutter', () => {
  interface Stored {
    readonly bytes: Buffer
    readonly index: ChunkIndex
  }

  async function cut(
    data: Buffer,
    store: Map<string, Stored>,
    findKnown?: (hash: string) => KnownChunk | null,
  ): Promise<CutFile> {
    let open: { path: string; fd: number } | null = null
    const cutter = workers.openCutter({
      findKnown: async (chunks) => chunks.map((chunk) => findKnown?.(chunk.hash) ?? null),
      async openXorb() {
        open = newFile()
        return open.fd
      },
      async finishXorb(fd, xorb) {
        closeSync(fd)
        const bytes = readFileSync(open?.path ?? '')
        const received = await workers.receiveXorb(pieces(bytes), xorb.hash, null)
        expect(received).toEqual({ size: xorb.size, rawSize: xorb.rawSize, chunkIndex: xorb.chunkIndex })
        store.set(xorb.hash, { bytes, index: new ChunkIndex(xorb.chunkIndex) })
      },
    })
    try {
      for await (const piece of pieces(data, 300_000)) await cutter.write(piece)
      return await cutter.end()
    } finally {
      cutter.close()
    }
  }

  async function read(file: CutFile, store: ReadonlyMap<string, Stored>): Promise<Buffer> {
    const parts: Buffer[] = []
    for (const term of file.terms) {
      const { bytes, index } = store.get(term.xorb) as Stored
      expect(index.rawLength(term.start, term.end)).toBe(term.rawLength)
      for (const { from, to } of index.runs(term.start, term.end, 4 << 20)) {
        const { start, end } = index.byteRange(from, to)
        parts.push(await workers.decode(bytes.subarray(start, end)))
      }
    }
    return Buffer.concat(parts)
  }

  it.each(pythonVectors.runs.flatMap((run) => run.files))(
    'gives $name the hash that the Python client does',
    async ({ name, hash }) => {
      const data = vectorData(pythonVectors, name)
      const store = new Map<string, Stored>()
      const file = await cut(data, store)
      expect(file.hash).toBe(hash)
      expect(file.size).toBe(data.length)
      expect(file.sha256).toBe(createHash('sha256').update(data).digest('hex'))
      expect((await read(file, store)).equals(data)).toBe(true)
    },
  )

  it('stores only what is new, and more than one xorb where it must', async () => {
    const store = new Map<string, Stored>()
    const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32), Buffer.alloc(16))
    const first = cipher.update(Buffer.alloc(70 << 20))
    const one = await cut(first, store)
    expect(store.size).toBe(2)
    const places = new Map<string, KnownChunk>()
    for (const [xorb, { index }] of store) {
      for (let chunk = 0; chunk < index.count; chunk++)
        places.set(hashToString(index.hashAt(chunk)), { xorb, index: chunk })
    }
    const second = Buffer.concat([
      first.subarray(0, 9_000_000),
      randomBytes('inserted', 4096),
      first.subarray(9_000_000),
    ])
    const before = store.size
    const two = await cut(second, store, (hash) => places.get(hash) ?? null)
    expect(store.size).toBe(before + 1)
    const fresh = [...store.values()].at(-1)
    expect(fresh?.index.rawSize).toBeLessThan(400_000)
    expect((await read(two, store)).equals(second)).toBe(true)
    expect(two.terms.length).toBeLessThan(8)
    expect(one.terms.length).toBe(2)
  }, 60_000)
})

describe('a thread that dies', () => {
  it('rejects what it had and is replaced', async () => {
    const own = openXetWorkers({ threads: 1 })
    const started: Worker[] = []
    const onWorker = (worker: Worker): number => started.push(worker)
    process.on('worker', onWorker)
    try {
      const zeros = Buffer.concat(Array.from({ length: 60 }, () => storeChunk(codec, Buffer.alloc(131_072))))
      const hash = own.openFileHash()
      const again = Buffer.concat([zeros, Buffer.alloc(1)]).subarray(0, -1)
      await hash.update(again)
      await expect(hash.update(Buffer.from(zeros).subarray(1))).rejects.toThrow(XetFormatError)
      const dying = own.decode(zeros)
      await started[0]?.terminate()
      await expect(dying).rejects.toThrow('stopped')
      await expect(own.decode(zeros)).rejects.toThrow('handed over before')
      await expect(hash.update(again)).rejects.toThrow('stopped')
      hash.close()
      expect((await own.decode(again.subarray())).length).toBe(60 * 131_072)
      expect(started.length).toBe(2)
    } finally {
      process.off('worker', onWorker)
      await own.close()
    }
  })

  it('ends when idle and starts again', async () => {
    const own = openXetWorkers({ threads: 2, idleMs: 20 })
    const stored = storeChunk(codec, Buffer.from('text'))
    const ended = new Promise((resolve) => {
      process.once('worker', (worker: Worker) => worker.once('exit', resolve))
    })
    await own.decode(stored)
    await ended
    expect((await own.decode(stored)).toString()).toBe('text')
    await own.close()
    await expect(own.decode(stored)).rejects.toThrow('stopping')
  })
})
