/**
 * The answer to "is this chunk stored?": the xorb that has it and those around it, their chunks named by an HMAC whose key comes along. So a
 * client recognizes what it has itself and learns nothing of the rest. What is offered is held for as long as clients remember it.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { chunkIndexes, findSiblingXorbs, holdXorbs } from '../storage/service.ts'

/** Some 3 MB of answer, 4 GiB of content. */
const mostXorbs = 64
const day = 24 * 3_600_000

/** Throws `xet_chunk_unknown`. */
export async function answerDedup(hub: Hub, scope: string, chunkHash: string): Promise<Buffer> {
  const siblings = await findSiblingXorbs(hub.db, scope, chunkHash, mostXorbs)
  const held = await holdXorbs(hub, siblings)
  if (held.length === 0) throw new HoldfastError('xet_chunk_unknown')
  const now = hub.clock.now()
  const indexes = chunkIndexes(hub.db)
  const xorbs = []
  for (const hash of held) xorbs.push({ hash, index: await indexes.get(hash) })
  return await hub.xet.buildDedupShard({
    xorbs,
    // One key a day for each scope: a client tries every key that it has on every chunk.
    hmacKey: hub.keys.mac('xet-dedup', `${scope} ${Math.floor(now / day)}`),
    createdAt: now,
    expiresAt: now + day,
  })
}
