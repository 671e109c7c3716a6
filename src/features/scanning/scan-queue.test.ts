/** The queue on its own: scanners that are down, files that break them, and hubs that are killed while they scan. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eicar, honestPickle, maliciousPickle } from '../../../tests/scanning/samples.ts'
import { clamdMark, clamdName, hasClamd, TestClamd } from '../../../tests/support/clamd.ts'
import { fillRepo, makeRepo, makeUser, type TestUser } from '../../../tests/support/world.ts'
import { readConfig } from '../../config.ts'
import { type Hub, openHub } from '../../hub.ts'
import { memorySource } from './byte-source.ts'
import { listRepo } from './list-repo.ts'
import { clamdScanner } from './malware/clamd.ts'
import { openYara } from './malware/scan-yara.ts'
import { fromSandbox } from './sandbox/protocol.ts'
import { Sandbox, usualLimits } from './sandbox/sandbox.ts'
import { selectContents, selectResults } from './scan-queries.ts'
import { startScanning } from './scan-queue.ts'
import { type Scanner, ScannerDown } from './scanner.ts'
import { windowsOf } from './windows.ts'

const never = new AbortController().signal
const canClamd = hasClamd()

describe('the queue', () => {
  let folder: string
  let hub: Hub
  let ada: TestUser

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-scan-'))
    hub = await openHub(readConfig({ HOLDFAST_DATA: folder, HOLDFAST_LOG_LEVEL: 'silent' }))
    ada = await makeUser(hub, 'ada')
  })
  afterAll(async () => {
    await hub.close()
    await rm(folder, { recursive: true, force: true })
  })

  const queueFile = async (name: string, command: string) => {
    const repo = await makeRepo(hub, ada, name)
    await fillRepo(hub, repo, `${command} > file; git add -A; git commit -qm one`)
    await listRepo(hub, repo.id, never)
    const place = await hub.db.read
      .selectFrom('scanPlace')
      .select('content')
      .where('repoId', '=', repo.id)
      .executeTakeFirstOrThrow()
    return place.content
  }
  const rowOf = async (content: string) => (await selectContents(hub.db, [content]))[0]
  const fake = (scan: Scanner['scan'], version: Scanner['version'] = async () => '1'): Scanner => ({
    name: 'yara',
    version,
    scan,
  })
  const setOf = (...scanners: Scanner[]) => ({ scanners, missing: async () => null, close: async () => undefined })

  test('MAL-6: a file that breaks its scanner ends in error after a few tries, and what another scanner found still counts', {
    timeout: 30_000,
  }, async () => {
    const content = await queueFile('poison', 'echo poison')
    let tries = 0
    const queue = startScanning(hub, {
      set: setOf(
        fake(async () => {
          tries++
          throw new Error('cannot read this')
        }),
        { name: 'pickle', version: async () => '1', scan: async () => ({ level: 'suspicious', message: 'odd' }) },
      ),
      pollMs: 50,
    })
    await vi.waitFor(async () => expect(await rowOf(content)).toMatchObject({ state: 'error' }), { timeout: 20_000 })
    expect(await rowOf(content)).toMatchObject({ level: 'suspicious', reason: 'yara: cannot read this' })
    expect(tries).toBe(4)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(tries).toBe(4)
    await queue.stop()
  })

  test('MAL-6: a file whose scans end with the hub itself is given up too', async () => {
    const content = await queueFile('deadly', 'echo deadly')
    await hub.transaction((tx) =>
      tx
        .updateTable('contentScan')
        .set({ state: 'scanning', attempts: 4, dueAt: 0, claim: 'dead' })
        .where('content', '=', content)
        .execute(),
    )
    let tries = 0
    const queue = startScanning(hub, {
      set: setOf(
        fake(async () => {
          tries++
          return { level: 'safe', message: null }
        }),
      ),
      pollMs: 50,
    })
    await vi.waitFor(async () => expect(await rowOf(content)).toMatchObject({ state: 'error', level: 'error' }))
    expect(tries).toBe(0)
    await queue.stop()
  })

  test('MAL-6: while a scanner is down all stays queued, without lost attempts, and the result arrives when it is back', async () => {
    const content = await queueFile('waits', 'echo waits')
    let isDown = true
    const version = async (): Promise<string> => {
      if (isDown) throw new ScannerDown('nobody answers')
      return '1'
    }
    const queue = startScanning(hub, {
      set: setOf(fake(async () => ({ level: 'safe', message: null }), version)),
      pollMs: 50,
    })
    await vi.waitFor(async () =>
      expect(await rowOf(content)).toMatchObject({ state: 'queued', reason: 'nobody answers', attempts: 0 }),
    )
    isDown = false
    await vi.waitFor(async () => expect(await rowOf(content)).toMatchObject({ state: 'done', level: 'safe' }), {
      timeout: 15_000,
    })
    await queue.stop()
  }, 20_000)

  test('MAL-3: a scanner that has spoken is not asked again; new signatures are', async () => {
    const content = await queueFile('again', 'echo again')
    const asked: string[] = []
    const named = (version: string) =>
      setOf(
        fake(
          async () => {
            asked.push(version)
            return { level: 'safe', message: version }
          },
          async () => version,
        ),
      )
    for (const version of ['1', '1', '2']) {
      await hub.transaction((tx) =>
        tx.updateTable('contentScan').set({ state: 'queued', dueAt: 0 }).where('content', '=', content).execute(),
      )
      const queue = startScanning(hub, { set: named(version), pollMs: 50 })
      await vi.waitFor(async () =>
        expect(await rowOf(content)).toMatchObject({ state: 'done', scanners: `yara ${version}` }),
      )
      await queue.stop()
    }
    expect(asked).toEqual(['1', '2'])
    expect(await selectResults(hub.db, [content])).toMatchObject([{ version: '2' }])
  })

  test('MAL-6: the queue survives kill -9 of the hub in the middle of a scan', { timeout: 60_000 }, async () => {
    const content = await queueFile('killed', `printf '%s' '${eicar}'`)
    // A clamd that takes the bytes and never answers: the scan is under way when the hub is killed.
    const deaf = createServer((socket: Socket) =>
      socket
        .on('data', (data) => data.toString('latin1').includes('VERSION') && socket.end('ClamAV 0\0'))
        .on('error', () => undefined),
    )
    deaf.listen(0, '127.0.0.1')
    await once(deaf, 'listening')
    const address = deaf.address()
    const port = typeof address === 'object' ? address?.port : 0
    const first = startHalf(folder, `127.0.0.1:${port}`)
    await vi.waitFor(async () => expect(await rowOf(content)).toMatchObject({ state: 'scanning' }), { timeout: 20_000 })
    first.kill('SIGKILL')
    await once(first, 'exit')
    deaf.close()
    expect(await rowOf(content)).toMatchObject({ state: 'scanning' })
    const second = startHalf(folder, '')
    await vi.waitFor(async () => expect(await rowOf(content)).toMatchObject({ state: 'done', level: 'unsafe' }), {
      timeout: 30_000,
    })
    second.kill('SIGKILL')
    await once(second, 'exit')
  })
})

function startHalf(folder: string, clamd: string) {
  const script = fileURLToPath(new URL('../../../tests/scanning/scan-server.ts', import.meta.url))
  return spawn(process.execPath, [script, folder, clamd], { stdio: ['ignore', 'ignore', 'inherit'] })
}

describe('the sandbox', () => {
  const slow = (size: number) => ({
    size,
    async *read(from: number, to: number) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      yield Buffer.alloc(to - from)
    },
  })

  test('MAL-9: a scan that takes too long is ended, and the next one works', async () => {
    const sandbox = new Sandbox({ ...usualLimits, timeMs: 2_000, bytesPerSecond: Number.POSITIVE_INFINITY })
    await sandbox.yara()
    await expect(sandbox.run('yara', slow(64 << 20), never)).rejects.toThrow('longer than 2 s')
    expect(await sandbox.run('pickle', memorySource(maliciousPickle), never)).toMatchObject({ level: 'unsafe' })
    await sandbox.close()
  })

  test('MAL-9: a scan that takes too much memory is ended, and the next one works', async () => {
    const sandbox = new Sandbox({ ...usualLimits, memoryBytes: 1 })
    await sandbox.yara()
    await expect(sandbox.run('yara', slow(8 << 20), never)).rejects.toThrow('memory')
    await expect(sandbox.run('yara', slow(8 << 20), never)).rejects.toThrow('memory')
    await sandbox.close()
  })

  // A blob that lost its end on the disk: scanners that take the end of what they get for the end of the file would call the rest clean.
  test('story: bytes that cannot be read whole make no clean file of it, whoever reads them', async () => {
    const sandbox = new Sandbox()
    const text = Buffer.from(`${'honest words\n'.repeat(200)}`)
    for (const scanner of ['pickle', 'secrets', 'yara'] as const) {
      const short = { size: 4_000_000, read: memorySource(text).read }
      await expect(sandbox.run(scanner, short, never), scanner).rejects.toThrow('could be read')
    }
    await sandbox.close()
  })

  // A file that has taken the scanner over speaks for it: the hub must not believe whatever comes, nor choke on it.
  test('story: what a sandbox may say is checked word for word', () => {
    const report = { level: 'safe', message: null }
    expect(fromSandbox.safeParse({ kind: 'done', id: 1, report }).success).toBe(true)
    for (const said of [
      null,
      'done',
      { kind: 'done', id: 1, report: { ...report, level: 'approved' } },
      { kind: 'done', id: 1, report: { ...report, extra: 1 } },
      { kind: 'done', id: 1, report: { ...report, message: 'x'.repeat(10_000) } },
      { kind: 'done', id: 1, report: { ...report, tokenPlaces: [-1] } },
      {
        kind: 'done',
        id: 1,
        report: { ...report, imports: Array(5_000).fill({ module: 'a', name: 'b', safety: 'innocuous' }) },
      },
      { kind: 'read', id: 1, from: -1, length: 1 },
      { kind: 'read', id: 1, from: 0.5, length: 1 },
      { kind: 'scan', id: 1 },
    ]) {
      expect(fromSandbox.safeParse(said).success, JSON.stringify(said).slice(0, 80)).toBe(false)
    }
  })

  test('MAL-9: truncated, nested and absurd files end in a definite state', async () => {
    const sandbox = new Sandbox()
    const bomb = gzipSync(gzipSync(Buffer.alloc(50 << 20)))
    for (const bytes of [
      Buffer.alloc(0),
      maliciousPickle.subarray(0, 9),
      bomb,
      Buffer.from('PK\x03\x04'),
      Buffer.from('GGUF'),
      Buffer.alloc(64, 0xff),
    ]) {
      for (const scanner of ['pickle', 'yara', 'structure'] as const) {
        expect(['safe', 'caution', 'suspicious', 'unsafe']).toContain(
          (await sandbox.run(scanner, memorySource(bytes), never)).level,
        )
      }
    }
    await sandbox.close()
  })

  test('structure: headers of safetensors and GGUF that lie, and a chat template that breaks out', async () => {
    const sandbox = new Sandbox()
    const run = (bytes: Buffer) => sandbox.run('structure', memorySource(bytes), never)
    const tensors = (header: object, data: number, length?: number) => {
      const text = Buffer.from(JSON.stringify(header))
      const size = Buffer.alloc(8)
      size.writeBigUInt64LE(BigInt(length ?? text.length))
      return Buffer.concat([size, text, Buffer.alloc(data)])
    }
    const tensor = (to: number) => ({ w: { dtype: 'F32', shape: [2], data_offsets: [0, to] } })
    expect(await run(tensors(tensor(8), 8))).toEqual({ level: 'safe', message: null })
    expect(await run(tensors(tensor(8), 4))).toMatchObject({
      level: 'suspicious',
      message: expect.stringContaining('outside of the file'),
    })
    expect(await run(tensors(tensor(4), 4))).toMatchObject({
      level: 'suspicious',
      message: expect.stringContaining('its shape needs 8'),
    })
    expect(await run(tensors(tensor(8), 12))).toMatchObject({
      level: 'suspicious',
      message: expect.stringContaining('belong to none'),
    })
    expect(await run(tensors(tensor(8), 8, 90_000_000))).toMatchObject({ level: 'suspicious' })
    expect(await run(gguf('{{ messages[0].content }}'))).toMatchObject({
      level: 'safe',
      message: expect.stringContaining('chat template'),
    })
    expect(await run(gguf('{{ cycler.__init__.__globals__.os.popen("id") }}'))).toMatchObject({ level: 'unsafe' })
    expect(await run(gguf('x').subarray(0, 40))).toMatchObject({ level: 'suspicious' })
    expect(await run(Buffer.from('a plain text {"with": "json"}'))).toEqual({ level: 'safe', message: null })
    await sandbox.close()
  })
})

function gguf(template: string): Buffer {
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  const u64 = (value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    return bytes
  }
  const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])
  return Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(0),
    u64(1),
    text('tokenizer.chat_template'),
    u32(8),
    text(template),
  ])
}

describe('MAL-11: longer files in overlapping windows', () => {
  test('every byte is in a window, and what lies across an edge lies whole in one', async () => {
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251))
    for (const [size, overlap] of [
      [100, 30],
      [1_000, 30],
      [999, 5],
      [333, 0],
      [64, 63],
    ] as const) {
      const seen = Buffer.alloc(1_000)
      let last = 0
      for await (const window of windowsOf(memorySource(bytes), size, overlap)) {
        expect(window.bytes.equals(bytes.subarray(window.at, window.at + window.bytes.length))).toBe(true)
        if (window.at > 0) expect(last - window.at).toBe(overlap)
        window.bytes.copy(seen, window.at)
        last = window.at + window.bytes.length
      }
      expect(last).toBe(1_000)
      expect(seen.equals(bytes)).toBe(true)
    }
  })

  test('a source that ends early is not taken for clean', async () => {
    const { scan } = await openYara()
    const short = { size: 100, read: memorySource(Buffer.alloc(50)).read }
    await expect(scan(short)).rejects.toThrow('only 50 of 100')
  })

  test('YARA finds what lies across the edge of a window; what is compressed is said not to be read', async () => {
    const { scan } = await openYara()
    const long = Buffer.alloc(40 << 20, 'a')
    long.write(eicar, (16 << 20) - 30, 'latin1')
    expect(await scan(memorySource(long))).toMatchObject({ level: 'unsafe', message: 'found: EICAR_Test_File' })
    expect(await scan(memorySource(gzipSync(Buffer.from(eicar))))).toMatchObject({
      level: 'caution',
      message: expect.stringContaining('partly scanned'),
    })
    expect(await scan(memorySource(honestPickle))).toEqual({ level: 'safe', message: null })
  })

  describe.skipIf(!canClamd)('clamd', () => {
    let clamd: TestClamd
    beforeAll(async () => {
      clamd = await TestClamd.make(1_000_000)
      await clamd.start()
    }, 60_000)
    afterAll(() => clamd.remove())

    test('finds by its own signatures, in windows, and unpacks what fits', async () => {
      const scanner = clamdScanner({ address: clamd.address, streamBytes: 1_000_000 })
      expect(await scanner.version()).toMatch(/^ClamAV \d/)
      const run = (bytes: Buffer) => scanner.scan(memorySource(bytes), never)
      expect(await run(Buffer.from('nothing'))).toEqual({ level: 'safe', message: null })
      const found = { level: 'unsafe', message: expect.stringContaining(clamdName) }
      expect(await run(Buffer.from(`x${clamdMark}x`))).toMatchObject(found)
      expect(await run(gzipSync(Buffer.from(`x${clamdMark}x`)))).toMatchObject(found)
      const long = Buffer.alloc(3_500_000, 'a')
      long.write(clamdMark, 1_000_000 - 10)
      expect(await run(long)).toMatchObject(found)
      expect(await run(Buffer.alloc(3_500_000, 'a'))).toEqual({ level: 'safe', message: null })
    })

    test('a stream that is longer than it takes is an error, and never clean', async () => {
      const scanner = clamdScanner({ address: clamd.address, streamBytes: 8_000_000 })
      await expect(scanner.scan(memorySource(Buffer.alloc(8_000_000)), never)).rejects.toThrow()
    })

    test('MAL-6: nobody there is `ScannerDown`, not a fault of the file', async () => {
      const scanner = clamdScanner({ address: '127.0.0.1:1', streamBytes: 1_000_000 })
      await expect(scanner.version()).rejects.toThrow(ScannerDown)
      await expect(scanner.scan(memorySource(honestPickle), never)).rejects.toThrow(ScannerDown)
    })
  })
})
