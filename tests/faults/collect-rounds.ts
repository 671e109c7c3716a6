/**
 * Kills a server while it collects beside uploads. Whatever was named and not let go is there, byte for byte; the next collection leaves no
 * row without bytes, no bytes without a row, and nothing half removed.
 */
import { spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { collectStorage, hasHalfRemoved } from '../../src/features/storage/service.ts'
import type { Hub } from '../../src/hub.ts'
import { openIngestHub } from '../support/ingest.ts'
import { readBlob } from '../support/stored-bytes.ts'
import { contentOf, endLease } from './collect-contents.ts'

export interface CollectResult {
  named: number
  removed: number
  /** Kills that left something half removed. */
  halfRemoved: number
}

export async function runCollectRounds(rounds: number): Promise<CollectResult> {
  const data = await mkdtemp(path.join(tmpdir(), 'holdfast-collect-'))
  const result: CollectResult = { named: 0, removed: 0, halfRemoved: 0 }
  try {
    for (let round = 0; round < rounds; round++) {
      const named = new Set<number>()
      const server = spawn(process.execPath, [fileURLToPath(new URL('./collect-server.ts', import.meta.url)), data], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines = createInterface({ input: server.stdout })
      const isAtWork = new Promise<void>((resolve, reject) => {
        lines.on('line', (line) => {
          const [word, number = '0'] = line.split(' ')
          if (word === 'named') named.add(Number(number))
          if (word === 'unnaming') named.delete(Number(number))
          if (word === 'collected') {
            result.removed += Number(number)
            if (Number(number) > 0) resolve()
          }
        })
        server.once('exit', () => reject(new Error('The server of a collection round ended by itself.')))
      })
      await isAtWork
      await pause(randomInt(0, 200))
      const ended = [once(server, 'exit'), once(lines, 'close')]
      server.kill('SIGKILL')
      await Promise.all(ended)
      result.named += named.size
      const hub = await openIngestHub(data)
      try {
        if (await hasHalfRemoved(hub.db)) result.halfRemoved++
        await expectWhole(hub, named)
        await endLease(hub)
        await collectStorage(hub, { proveRepo: async () => undefined, reason: 'test' })
        await expectWhole(hub, named)
        await expectAgreement(hub)
      } finally {
        await hub.close()
      }
    }
    return result
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function expectWhole(hub: Hub, named: ReadonlySet<number>): Promise<void> {
  for (const index of named) {
    const { raw } = contentOf(index)
    const sha256 = createHash('sha256').update(raw).digest('hex')
    expect((await readBlob(hub, sha256, raw.length)).equals(raw), `content ${index}`).toBe(true)
  }
}

async function expectAgreement(hub: Hub): Promise<void> {
  expect(await hasHalfRemoved(hub.db)).toBe(false)
  const blobs = await hub.db.list.selectFrom('blob').selectAll().execute()
  const xorbs = await hub.db.list.selectFrom('xorb').selectAll().execute()
  for (const blob of blobs) {
    expect(blob.leaseGeneration).toBeGreaterThanOrEqual(0)
    if (blob.hasObject === 1) expect(await hub.blobs.findSize({ kind: 'object', hash: blob.sha256 })).toBe(blob.size)
  }
  for (const xorb of xorbs) {
    expect(xorb.leaseGeneration).toBeGreaterThanOrEqual(0)
    if (xorb.chunkCount > 0) expect(await hub.blobs.findSize({ kind: 'xorb', hash: xorb.hash })).toBe(xorb.size)
  }
  const objects = await hub.blobs.list('object', null, 1_000)
  expect(objects.filter(({ hash }) => !blobs.some((blob) => blob.sha256 === hash))).toEqual([])
  const packs = await hub.blobs.list('xorb', null, 1_000)
  expect(packs.filter(({ hash }) => !xorbs.some((xorb) => xorb.hash === hash))).toEqual([])
}
