/**
 * The half of the move rounds that dies: large files come in, some of them again, all are moved into Xet storage and their objects removed,
 * while readers read. It lives in a time of its own: an hour and more after the one before it.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { readConfig } from '../../src/config.ts'
import { moveObjects } from '../../src/features/storage/move-objects.ts'
import { removeRetired } from '../../src/features/storage/move-retire.ts'
import { linkBlob, markReferenced, openBlob, prepareBlob } from '../../src/features/storage/service.ts'
import { openHub } from '../../src/hub.ts'
import { systemClock } from '../../src/platform/clock.ts'

const [folder = '', repoId = '', laterMs = '0'] = process.argv.slice(2)
const env = { HOLDFAST_DATA: folder, HOLDFAST_LOG_LEVEL: 'error', HOLDFAST_XET_MOVE_LEAST: '1' }
const hub = await openHub(readConfig(env), { clock: systemClock(() => Date.now() + Number(laterMs)) })
const never = new AbortController().signal
const stored = new Map<string, number>()
const base = randomBytes(700_000)
const atOnce = <T>(piece: () => Promise<T>): Promise<T> => piece()
const pace = { apart: atOnce, work: atOnce }

/** Often a later version of what is there. */
function makeContent(): Buffer {
  const own = randomBytes(randomInt(1, 200_000))
  if (randomInt(3) === 0) return own
  const at = randomInt(base.length)
  return Buffer.concat([base.subarray(0, at), own, base.subarray(at)])
}

async function send(raw: Buffer): Promise<void> {
  const blob = { sha256: createHash('sha256').update(raw).digest('hex'), size: raw.length }
  for (;;) {
    try {
      await prepareBlob(hub, blob)
      await hub.blobs.put(Readable.from([raw]), blob)
      await hub.transaction(async (tx) => {
        await linkBlob(tx, repoId, blob, hub.clock.now())
        await markReferenced(tx, repoId, [blob.sha256], hub.clock.now())
      })
      break
    } catch (error) {
      // As clients are told: in a moment.
      if (!isBusy(error)) throw error
      await pause(20)
    }
  }
  stored.set(blob.sha256, blob.size)
  console.log(`stored ${blob.sha256} ${blob.size}`)
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'busy'
}

async function writing(): Promise<never> {
  const sent: Buffer[] = []
  for (;;) {
    const again = sent[randomInt(sent.length + 1)]
    const raw = again !== undefined && randomInt(3) === 0 ? again : makeContent()
    await send(raw)
    sent.push(raw)
    if (sent.length > 10) sent.shift()
    await pause(randomInt(60))
  }
}

async function reading(): Promise<never> {
  for (;;) {
    const known = await hub.db.read.selectFrom('blob').select(['sha256', 'size']).where('size', '>', 0).execute()
    const blob = known[randomInt(Math.max(1, known.length))]
    const isWhole = blob !== undefined && (stored.has(blob.sha256) || laterMs !== '0')
    if (isWhole) {
      const row = await hub.db.read
        .selectFrom('repoBlob')
        .select('sha256')
        .where('sha256', '=', blob.sha256)
        .executeTakeFirst()
      if (row !== undefined) {
        const hash = createHash('sha256')
        for await (const bytes of (await openBlob(hub, blob, 0, blob.size - 1)) as AsyncIterable<Buffer>)
          hash.update(bytes)
        if (hash.digest('hex') !== blob.sha256) console.log(`spoilt ${blob.sha256}`)
      }
    }
    await pause(20)
  }
}

async function moving(): Promise<never> {
  for (;;) {
    const { moved } = await moveObjects(hub, { signal: never, pace })
    if (moved.count > 0) console.log(`moved ${moved.count}`)
    await pause(5)
  }
}

async function removing(): Promise<never> {
  for (;;) {
    const { count } = await removeRetired(hub, never)
    if (count > 0) console.log(`removed ${count}`)
    await pause(5)
  }
}

console.log('ready')
const work = [writing(), reading(), moving(), removing()]
await Promise.all(
  work.map((one) =>
    one.catch((error: unknown) => {
      console.log(`failed ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      throw error
    }),
  ),
)
