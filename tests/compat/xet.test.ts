/**
 * The Python client as `pip install` makes it: it uploads and downloads by Xet, and nothing else. Each run has a home of its own, since the
 * client remembers for three weeks what it has sent.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findLinkedBlob, openBlob } from '../../src/features/storage/service.ts'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const download = fileURLToPath(new URL('./python/xet_download.py', import.meta.url))

describe.each(['newest', 'last1'] as const)('hf with Xet, %s', (set) => {
  const python = findPython(set)
  const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
  let at: TestHub
  let token: string
  let home: string

  beforeAll(async () => {
    at = await startHub()
    token = (await makeUser(at, 'ada', { tokenRole: 'write' })).token
    home = await mkdtemp(path.join(tmpdir(), 'holdfast-xet-'))
  })
  afterAll(async () => {
    await at.stop()
    await rm(home, { recursive: true, force: true })
  })

  /** A client that has never been here. */
  const run = (program: string, args: readonly string[], env: Record<string, string> = {}) =>
    runClient(program, args, {
      cwd: home,
      env: { HF_ENDPOINT: at.url, HF_TOKEN: token, TOKEN: token, HF_HUB_DISABLE_XET: '0', ...env },
      timeoutMs: 110_000,
    })

  const place = (oid: string) =>
    at.hub.db.read.selectFrom('blob').selectAll().where('sha256', '=', oid).executeTakeFirstOrThrow()

  async function storedBytes(): Promise<number> {
    const rows = await at.hub.db.read.selectFrom('xorb').select('size').execute()
    return rows.reduce((sum, row) => sum + row.size, 0)
  }

  async function upload(name: string, bytes: Buffer): Promise<string> {
    const file = path.join(home, name)
    await writeFile(file, bytes)
    expectSuccess(await run(hf, ['upload', 'ada/from-xet', file, name]))
    return createHash('sha256').update(bytes).digest('hex')
  }

  it.skipIf(python === null)(
    'uploads files of all sizes; they read back, also by Xet',
    { timeout: 240_000 },
    async () => {
      expectSuccess(await run(hf, ['repos', 'create', 'from-xet', '--private']))
      const repo = await at.hub.db.read.selectFrom('repo').select('id').executeTakeFirstOrThrow()
      const files: Record<string, Buffer> = {
        'one.bin': randomBytes(1),
        'small.bin': randomBytes(8192),
        'zeros.bin': Buffer.alloc(3_000_000),
        'text.bin': Buffer.from(Array.from({ length: 60_000 }, (_, row) => `${row},value ${row % 97}\n`).join('')),
        'floats.bin': Buffer.from(Float32Array.from({ length: 700_000 }, () => Math.random()).buffer),
        'large.safetensors': randomBytes(20_000_000),
      }
      // The client commits an empty file as it is.
      expect(await findLinkedBlob(at.hub.db, repo.id, await upload('empty.bin', Buffer.alloc(0)))).toBeNull()
      for (const [name, bytes] of Object.entries(files)) {
        const oid = await upload(name, bytes)
        const blob = await findLinkedBlob(at.hub.db, repo.id, oid)
        expect(blob?.size, name).toBe(bytes.length)
        const { xetHash, hasObject } = await place(oid)
        expect([xetHash?.length, hasObject], name).toEqual([64, 0])
        const read = await openBlob(at.hub, { sha256: oid }, 0, bytes.length - 1)
        expect(Buffer.concat(await read.toArray()).equals(bytes), name).toBe(true)
        const target = path.join(home, 'fetched')
        const env = { FILE_HASH: xetHash ?? '', REPO: 'ada/from-xet', SIZE: String(bytes.length), TARGET: target }
        expectSuccess(await run(python ?? '', [download], env))
        expect((await readFile(target)).equals(bytes), name).toBe(true)
        await rm(target)
      }
    },
  )

  it.skipIf(python === null)(
    'a file that changed a little sends a little, from an empty cache',
    { timeout: 240_000 },
    async () => {
      const before = randomBytes(48_000_000)
      await upload('v1.bin', before)
      const stored = await storedBytes()
      const inserted = Buffer.concat([before.subarray(0, 9_000_000), randomBytes(4096), before.subarray(9_000_000)])
      randomBytes(100).copy(inserted, 30_000_000)
      const oid = await upload('v2.bin', inserted)
      const sent = (await storedBytes()) - stored
      expect(sent).toBeLessThan(1_000_000)
      const read = await openBlob(at.hub, { sha256: oid }, 0, inserted.length - 1)
      expect(Buffer.concat(await read.toArray()).equals(inserted)).toBe(true)
    },
  )
})
