/** What lies outside the heap while Xet bytes pass through: counted by Node itself, so a bound on it does not hang on time or load. */

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeXorb } from '../../../tests/support/xet-upload.ts'
import { openXetWorkers } from './open-xet-workers.ts'

const mib = 1 << 20
const chunks = Array.from({ length: 320 }, () => randomBytes(65_536))
/** 20 MiB, stored as they are. */
const xorb = makeXorb(chunks)

/** By how many bytes the memory of buffers grew at most, looked at whenever `look` is called; those of threads count, if they came from here. */
async function growth(work: (look: () => void) => Promise<void>): Promise<number> {
  const { arrayBuffers: before } = process.memoryUsage()
  let most = before
  const look = (): void => {
    most = Math.max(most, process.memoryUsage().arrayBuffers)
  }
  await work(look)
  return most - before
}

/** Nothing is copied here: these are views of what the test holds anyway. */
async function* pieces(look: () => void, from = 0, to = xorb.bytes.length): AsyncGenerator<Buffer> {
  for (let at = from; at < to; at += 65_536) {
    look()
    yield xorb.bytes.subarray(at, Math.min(to, at + 65_536))
  }
}

test('forty xorbs at once take no more memory than the buffers that there are for all of them', async () => {
  const workers = openXetWorkers({ threads: 2 })
  try {
    const grown = await growth(async (look) => {
      const received = await Promise.all(
        Array.from({ length: 40 }, () => workers.receiveXorb(pieces(look), xorb.hash, null)),
      )
      expect(received.map(({ size }) => size)).toEqual(received.map(() => xorb.bytes.length))
    })
    // 24 buffers of 1 MiB, and of each xorb at most the chunk that had begun (64 KiB) and what was found out about the others.
    expect(grown).toBeLessThan(40 * mib)
  } finally {
    await workers.close()
  }
})

/** Sixteen clients on bad lines begin a xorb each and then send nothing more. Everybody else's uploads would stand still. */
test('senders who stop half-way do not hold the buffers that others need', async () => {
  const workers = openXetWorkers({ threads: 2 })
  const gone = new AbortController()
  try {
    const silent = async function* (): AsyncGenerator<Buffer> {
      yield* pieces(() => undefined, 0, 1.5 * mib)
      await new Promise((_, reject) => gone.signal.addEventListener('abort', () => reject(gone.signal.reason)))
    }
    const stuck = Array.from({ length: 16 }, () => workers.receiveXorb(silent(), xorb.hash, null, gone.signal))
    for (const one of stuck) one.catch(() => undefined)
    for (let round = 0; round < 2; round++) {
      const others = Array.from({ length: 4 }, () =>
        workers.receiveXorb(
          pieces(() => undefined),
          xorb.hash,
          null,
        ),
      )
      await Promise.all(others)
    }
    gone.abort(new Error('The line is dead.'))
    const ended = await Promise.allSettled(stuck)
    expect(ended.map(({ status }) => status)).toEqual(stuck.map(() => 'rejected'))
    // What they held is there for those who come next, as often as they like.
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        Array.from({ length: 24 }, () =>
          workers.receiveXorb(
            pieces(() => undefined),
            xorb.hash,
            null,
          ),
        ),
      )
    }
  } finally {
    await workers.close()
  }
}, 60_000)

test('xorbs that are refused give their buffers back', async () => {
  const workers = openXetWorkers({ threads: 2 })
  const wrong = Buffer.from(xorb.bytes.subarray(0, 3 * mib))
  // The fifth byte of a header names the compression: this one is no LZ4 frame.
  wrong[4] = 1
  try {
    for (let round = 0; round < 12; round++) {
      const refused = Array.from({ length: 8 }, async () => {
        const source = async function* (): AsyncGenerator<Buffer> {
          for (let at = 0; at < wrong.length; at += 65_536) yield wrong.subarray(at, at + 65_536)
        }
        await expect(workers.receiveXorb(source(), xorb.hash, null)).rejects.toThrow()
      })
      await Promise.all(refused)
    }
    const received = await workers.receiveXorb(
      pieces(() => undefined),
      xorb.hash,
      null,
    )
    expect(received.size).toBe(xorb.bytes.length)
  } finally {
    await workers.close()
  }
})

test('what is handed over to be hashed, decoded or cut is freed by the thread, not when its heap is collected some day', async () => {
  const workers = openXetWorkers({ threads: 2 })
  const run = (): Buffer => Buffer.from(Uint8Array.from(xorb.bytes.subarray(0, 16 * 65_544)).buffer)
  const cutter = workers.openCutter({
    findKnown: async (found) => found.map((_, index) => ({ xorb: xorb.hash, index })),
    openXorb: async () => expect.fail('All of it is known.'),
    finishXorb: async () => undefined,
  })
  const hashes = [workers.openFileHash(), workers.openFileHash(), workers.openFileHash()]
  try {
    const grown = await growth(async (look) => {
      for (let round = 0; round < 160; round++) {
        await Promise.all([...hashes.map((hash) => hash.update(run())), cutter.write(xorb.bytes.subarray(0, mib))])
        look()
      }
    })
    // 640 MiB went through.
    expect(grown).toBeLessThan(32 * mib)
  } finally {
    cutter.close()
    for (const hash of hashes) hash.close()
    await workers.close()
  }
}, 60_000)
