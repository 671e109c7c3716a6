/**
 * `@huggingface/hub` by Xet, both ways. It cuts files at other places than the Python client, so the same bytes have another Xet hash: what
 * one of them uploaded, the other must still get whole.
 */
import { createHash, randomBytes } from 'node:crypto'
import * as hf from '@huggingface/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const sizes = [0, 1, 8_192, 3_000_000, 64 << 20]

describe('@huggingface/hub by Xet', () => {
  let hub: TestHub
  let options: { hubUrl: string; accessToken: string }
  const repo = { type: 'dataset', name: 'ada/from-js' } as const

  beforeAll(async () => {
    hub = await startHub()
    options = { hubUrl: hub.url, accessToken: (await makeUser(hub, 'ada', { tokenRole: 'write' })).token }
  })
  afterAll(() => hub.stop())

  it('uploads files of all sizes in one commit, and gets them back by Xet and without', {
    timeout: 120_000,
  }, async () => {
    await hf.createRepo({ ...options, repo, private: true })
    const contents = new Map(sizes.map((size) => [`${size}.bin`, randomBytes(size)]))
    await hf.uploadFiles({
      ...options,
      repo,
      files: [...contents].map(([path, bytes]) => ({ path, content: new Blob([bytes]) })),
      useXet: true,
    })
    for (const [path, bytes] of contents) {
      const info = await hf.fileDownloadInfo({ ...options, repo, path })
      expect(info?.size, path).toBe(bytes.length)
      expect(info?.xet === undefined, path).toBe(bytes.length === 0)
      for (const xet of [true, false]) {
        const blob = await hf.downloadFile({ ...options, repo, path, xet })
        expect(digest(new Uint8Array((await blob?.arrayBuffer()) ?? [])), `${path} ${xet}`).toBe(digest(bytes))
      }
    }
    const large = await hf.downloadFile({ ...options, repo, path: `${64 << 20}.bin` })
    const part = await large?.slice(40_000_001, 40_000_101).arrayBuffer()
    expect(Buffer.from(part ?? new ArrayBuffer(0))).toEqual(
      contents.get(`${64 << 20}.bin`)?.subarray(40_000_001, 40_000_101),
    )
  })

  // It cuts a xorb by its stored bytes: of text it packs more than 64 MiB into one.
  it('uploads more than 64 MiB of what compresses', { timeout: 120_000 }, async () => {
    const text = Buffer.alloc(90 << 20)
    for (let at = 0; at < text.length; at += 16) text.write(`row ${String(at).padStart(11, '0')}\n`, at, 'latin1')
    await hf.uploadFile({ ...options, repo, file: { path: 'rows.csv', content: new Blob([text]) }, useXet: true })
    const largest = await hub.hub.db.read
      .selectFrom('xorb')
      .select('rawSize')
      .orderBy('rawSize', 'desc')
      .executeTakeFirst()
    expect(largest?.rawSize).toBeGreaterThan(64 << 20)
    const back = await hf.downloadFile({ ...options, repo, path: 'rows.csv' })
    expect(digest(new Uint8Array((await back?.arrayBuffer()) ?? []))).toBe(digest(text))
  })

  it('sends nothing again that the repo has, and little of what changed a little', { timeout: 120_000 }, async () => {
    const stored = async () =>
      (await hub.hub.db.read.selectFrom('xorb').select('size').execute()).reduce((sum, { size }) => sum + size, 0)
    const bytes = randomBytes(16 << 20)
    const upload = (path: string, content: Uint8Array<ArrayBuffer>) =>
      hf.uploadFile({ ...options, repo, file: { path, content: new Blob([content]) }, useXet: true })
    await upload('v1.bin', bytes)
    const before = await stored()
    await upload('same.bin', bytes)
    expect(await stored()).toBe(before)
    const changed = new Uint8Array(
      Buffer.concat([bytes.subarray(0, 5_000_000), randomBytes(100), bytes.subarray(5_000_000)]),
    )
    await upload('v2.bin', changed)
    expect((await stored()) - before).toBeLessThan(2_000_000)
    const back = await hf.downloadFile({ ...options, repo, path: 'v2.bin' })
    expect(digest(new Uint8Array((await back?.arrayBuffer()) ?? []))).toBe(digest(changed))
  })
})

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
