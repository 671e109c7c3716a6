/**
 * Kills a process in the middle of moving large files into Xet storage. Whatever step it was at, every file that was acknowledged is whole,
 * as an object, as a Xet file or as both; and whoever takes up the work ends it.
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
import { readConfig } from '../../src/config.ts'
import { moveObjects } from '../../src/features/storage/move-objects.ts'
import { openBlob } from '../../src/features/storage/service.ts'
import { type Hub, openHub } from '../../src/hub.ts'
import { objectNamed } from '../../src/platform/blobs/blob-store.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { makePlace } from '../support/stored-bytes.ts'

export interface MoveResult {
  stored: number
  moved: number
  removed: number
  /** Kills after which a file was in both forms, or its removal had begun. */
  midway: number
}

const betweenMs = 2 * 3_600_000

export async function runMoveRounds(rounds: number): Promise<MoveResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-move-'))
  const stored = new Map<string, number>()
  const result: MoveResult = { stored: 0, moved: 0, removed: 0, midway: 0 }
  try {
    const first = await openAt(folder, 0)
    const { repoId } = await makePlace(first)
    await first.close()
    let laterMs = 0
    for (let round = 0; round < rounds; round++) {
      await workAndDie(folder, repoId, laterMs, stored, result)
      laterMs += betweenMs
      const hub = await openAt(folder, laterMs)
      try {
        const midway = await hub.db.read
          .selectFrom('blob')
          .select('sha256')
          .where('retiredAt', 'is not', null)
          .execute()
        if (midway.length > 0) result.midway++
        for (const [sha256, size] of stored) await expectWhole(hub, sha256, size)
      } finally {
        await hub.close()
      }
    }
    await expectEnd(folder, laterMs, stored)
    result.stored = stored.size
    return result
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function openAt(folder: string, laterMs: number): Promise<Hub> {
  const config = readConfig({ HOLDFAST_DATA: folder, HOLDFAST_LOG_LEVEL: 'error', HOLDFAST_XET_MOVE_LEAST: '1' })
  return openHub(config, { clock: systemClock(() => Date.now() + laterMs) })
}

async function workAndDie(
  folder: string,
  repoId: string,
  laterMs: number,
  stored: Map<string, number>,
  result: MoveResult,
): Promise<void> {
  const script = fileURLToPath(new URL('./move-server.ts', import.meta.url))
  const child = spawn(process.execPath, [script, folder, repoId, String(laterMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const faults: string[] = []
  const exited = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    void exited.then(() => reject(new Error('The process of a move round did not start.')))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word = '', value = '', size = '0'] = line.split(' ')
      if (word === 'ready') resolve()
      else if (word === 'stored') stored.set(value, Number(size))
      else if (word === 'moved') result.moved += Number(value)
      else if (word === 'removed') result.removed += Number(value)
      else faults.push(line)
    })
  })
  const before = result.moved
  for (let waited = 0; result.moved === before && waited < 10_000; waited += 5) await pause(5)
  await pause(randomInt(0, 400))
  child.kill('SIGKILL')
  await exited
  expect(faults).toEqual([])
}

async function expectWhole(hub: Hub, sha256: string, size: number): Promise<void> {
  const hash = createHash('sha256')
  for await (const bytes of (await openBlob(hub, { sha256 }, 0, size - 1)) as AsyncIterable<Buffer>) hash.update(bytes)
  expect(hash.digest('hex')).toBe(sha256)
  const row = await hub.db.read.selectFrom('blob').selectAll().where('sha256', '=', sha256).executeTakeFirstOrThrow()
  // What a front server or the store sends by itself must be there.
  if (row.hasObject === 1) expect(await hub.blobs.findSize(objectNamed(sha256)), sha256).toBe(size)
  else expect(row.xetHash, sha256).not.toBeNull()
}

/** Left alone for a while, all of them lie in Xet files, and no object is left. */
async function expectEnd(folder: string, laterMs: number, stored: ReadonlyMap<string, number>): Promise<void> {
  let now = laterMs
  for (let round = 0; round < 3; round++) {
    now += betweenMs
    const hub = await openAt(folder, now)
    for (let isMore = true; isMore; ) {
      const { nextAt } = await moveObjects(hub, { signal: new AbortController().signal })
      isMore = nextAt !== null && nextAt <= hub.clock.now()
    }
    await hub.close()
  }
  const hub = await openAt(folder, now)
  try {
    for (const [sha256, size] of stored) {
      expect(await hub.blobs.findSize(objectNamed(sha256)), sha256).toBeNull()
      await expectWhole(hub, sha256, size)
    }
  } finally {
    await hub.close()
  }
}
