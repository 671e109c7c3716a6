/**
 * One large file on its way into Xet storage, in steps that each leave it readable: its chunks are stored, read back and compared with its
 * SHA-256; the file is registered, and only then read in place of the object, whose bytes stay for a while (move-retire.ts).
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import type { CutFile } from '../../platform/xet/xet-workers.ts'
import { dedupScope } from './dedup-scope.ts'
import { leaseMs } from './lease.ts'
import { KnownChunks } from './move-known-chunks.ts'
import type { Pace } from './move-pace.ts'
import { type BlobToMove, insertDamaged, insertMovedFile, retire, selectHolders } from './move-queries.ts'
import { DamagedBytes, verifyFile, xorbsOf } from './move-verify.ts'
import { MovedXorbs } from './move-xorbs.ts'
import { getXetFile, type XetFile } from './xet-files.ts'
import { type FileTerms, termWriter } from './xet-terms.ts'

/** Scopes that get claims of what is written; further ones only read. */
const mostHolders = 50

export interface MovedBlob {
  /** Bytes that were stored for it: what is not there already, compressed. */
  readonly stored: number
}

/** Null where it changed or went meanwhile. Throws `DamagedBytes`; the object stays then. */
export async function moveBlob(hub: Hub, blob: BlobToMove, pace: Pace, signal: AbortSignal): Promise<MovedBlob | null> {
  if (blob.xetHash !== null) {
    // It came by Xet as well, or was sent once more after it had moved.
    const file = await getXetFile(hub.db, blob.xetHash)
    if (file.sha256 !== blob.sha256 || file.size !== blob.size) {
      throw new DamagedBytes(`The file ${file.hash} is not that of ${blob.sha256}.`)
    }
    await verifyFile(hub, file, pace, signal)
    return (await retireObject(hub, file)) ? { stored: 0 } : null
  }
  const scopes = await scopesOf(hub, blob.sha256)
  if (scopes === null) return null
  const { file, stored } = await storeChunks(hub, blob, scopes, pace, signal)
  await verifyFile(hub, file, pace, signal)
  if (!(await register(hub, file))) return null
  return (await retireObject(hub, file)) ? { stored } : null
}

/** Of the repos that have it, the first one's scope first. */
async function scopesOf(hub: Hub, sha256: string): Promise<readonly [string, ...string[]] | null> {
  const holders = await selectHolders(hub.db, sha256, mostHolders)
  const [first, ...others] = new Set(
    holders.map(({ ownerId, workspaceId }) => dedupScope(hub.config, { workspaceId, owner: { id: ownerId } })),
  )
  return first === undefined ? null : [first, ...others]
}

async function storeChunks(
  hub: Hub,
  blob: BlobToMove,
  scopes: readonly [string, ...string[]],
  pace: Pace,
  signal: AbortSignal,
): Promise<{ readonly file: XetFile; readonly stored: number }> {
  const known = new KnownChunks(hub, scopes[0])
  const xorbs = new MovedXorbs(hub, scopes, signal)
  const cutter = hub.xet.openCutter({
    findKnown: (chunks) => known.find(chunks),
    openXorb: () => xorbs.open(),
    finishXorb: async (fd, xorb) => await known.add(xorb.hash, await pace.apart(() => xorbs.finish(fd, xorb))),
  })
  try {
    const source = await hub.blobs.openRange(objectNamed(blob.sha256), 0, blob.size - 1)
    for await (const bytes of source as AsyncIterable<Buffer>) {
      await pace.work(() => cutter.write(bytes), signal)
    }
    const cut = await cutter.end()
    if (cut.sha256 !== blob.sha256 || cut.size !== blob.size) {
      const reason = `It has ${cut.size} bytes with the SHA-256 ${cut.sha256}.`
      const damaged = { kind: 'object', hash: blob.sha256, size: blob.size, reason } as const
      await hub.transaction((tx) => insertDamaged(tx, damaged, hub.clock.now()))
      throw new DamagedBytes(`The large file ${blob.sha256} is damaged. ${reason}`)
    }
    return { file: { ...cut, terms: await termsOf(cut) }, stored: xorbs.size }
  } finally {
    cutter.close()
    await xorbs.close()
  }
}

async function termsOf(cut: CutFile): Promise<FileTerms> {
  const giveTurn = turnGiver()
  const terms = termWriter(cut.terms.length)
  for (const term of cut.terms) {
    terms.add(term)
    await giveTurn()
  }
  return terms.terms()
}

/** False where another file holds these bytes by now: the next run looks at that one. */
async function register(hub: Hub, { hash, size, sha256, terms }: XetFile): Promise<boolean> {
  const now = hub.clock.now()
  const row = { hash, size, sha256, terms: terms.bytes, createdAt: now }
  const xorbs = await xorbsOf(terms)
  return await hub.transaction(async (tx) => {
    const outcome = await insertMovedFile(tx, row, xorbs, now + leaseMs)
    if (outcome === 'gone') throw new HoldfastError('busy')
    return outcome === 'registered'
  })
}

async function retireObject(hub: Hub, file: XetFile): Promise<boolean> {
  return await hub.transaction((tx) => retire(tx, file.sha256, file.hash, hub.clock.now()))
}
