/**
 * The half of the collection rounds that dies: uploads, names and lets go large files and Xet files that share xorbs, while it collects without
 * pause. Says on standard output what it has named, and what it is about to let go.
 */
import { createHash, randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { collectStorage } from '../../src/features/storage/service.ts'
import { openIngestHub } from '../support/ingest.ts'
import { nameBlobs, putObject, putXorb, registerFile } from '../support/stored-bytes.ts'
import { contentCount, contentOf, endLease, place } from './collect-contents.ts'

const [folder = ''] = process.argv.slice(2)
const hub = await openIngestHub(folder)
await endLease(hub)

const busy = new Set<number>()
const named = new Set<number>()
/** Xorbs whose uploads are under way: time does not pass for them. */
const underWay = new Map<string, number>()

async function work(): Promise<void> {
  for (;;) {
    const index = randomInt(contentCount)
    if (busy.has(index)) {
      await pause(1)
      continue
    }
    busy.add(index)
    if (named.has(index)) await letGo(index)
    else await bring(index)
    busy.delete(index)
  }
}

async function bring(index: number): Promise<void> {
  const { raw, file } = contentOf(index)
  for (;;) {
    const xorbs = file?.terms.map((term) => term.xorb.hash) ?? []
    for (const hash of xorbs) underWay.set(hash, (underWay.get(hash) ?? 0) + 1)
    try {
      if (file === null) await putObject(hub, place, raw)
      else {
        for (const { xorb } of file.terms) await putXorb(hub, place, xorb)
        await registerFile(hub, place, file)
      }
      break
    } catch (error) {
      // Being removed at this moment: a client waits and tries again.
      if (!String(error).includes('busy')) throw error
      await pause(5)
    } finally {
      for (const hash of xorbs) underWay.set(hash, (underWay.get(hash) ?? 1) - 1)
    }
  }
  // A commit asks for the lease first, so nothing comes in between.
  await nameBlobs(hub, place, sha256(raw))
  named.add(index)
  console.log(`named ${index}`)
}

/** As if the last commit that named it went, and months passed. */
async function letGo(index: number): Promise<void> {
  const { raw, file } = contentOf(index)
  console.log(`unnaming ${index}`)
  named.delete(index)
  await hub.transaction(async (tx) => {
    await tx.updateTable('repoBlob').set({ referencedAt: null }).where('sha256', '=', sha256(raw)).execute()
    await tx
      .updateTable('blob')
      .set({ leaseUntil: 1 })
      .where('sha256', '=', sha256(raw))
      .where('leaseUntil', '>', 0)
      .execute()
    for (const { xorb } of file?.terms ?? []) {
      if ((underWay.get(xorb.hash) ?? 0) > 0) continue
      await tx
        .updateTable('xorb')
        .set({ leaseUntil: 1 })
        .where('hash', '=', xorb.hash)
        .where('leaseUntil', '>', 0)
        .execute()
    }
  })
}

async function collect(): Promise<void> {
  for (;;) {
    const { removed } = await collectStorage(hub, { proveRepo: async () => undefined, reason: 'test' })
    console.log(`collected ${removed.blobs.count + removed.xorbs.count}`)
    await pause(2)
  }
}

function sha256(raw: Buffer): string {
  return createHash('sha256').update(raw).digest('hex')
}

// What an earlier round named is known by its rows.
for (let index = 0; index < contentCount; index++) {
  const row = await hub.db.read
    .selectFrom('repoBlob')
    .select('sha256')
    .where('sha256', '=', sha256(contentOf(index).raw))
    .where('referencedAt', 'is not', null)
    .executeTakeFirst()
  if (row !== undefined) {
    named.add(index)
    console.log(`named ${index}`)
  }
}
console.log('ready')
await Promise.all([work(), work(), work(), collect()])
