/** The chunk indexes of xorbs for one piece of work, read when they are needed; only the last ones are kept in memory. */
import type { Db } from '../../platform/db/database.ts'
import { ChunkIndex } from '../../platform/xet/chunk-index.ts'
import { selectStored } from './xorb-queries.ts'

export interface ChunkIndexes {
  /** Throws if the xorb is not stored. */
  get(xorb: string): Promise<ChunkIndex>
}

/** Some 40 KiB each, 320 KiB at most. */
const kept = 16

/** Not shared between requests: a xorb that was collected and sent again may be serialized otherwise. */
export function chunkIndexes(db: Db): ChunkIndexes {
  const known = new Map<string, ChunkIndex>()
  return {
    async get(xorb) {
      const found = known.get(xorb)
      if (found !== undefined) {
        known.delete(xorb)
        known.set(xorb, found)
        return found
      }
      const row = await selectStored(db, xorb)
      if (row === null) throw new Error(`The xorb ${xorb} of a file is not stored.`)
      const index = new ChunkIndex(row.chunkIndex)
      known.set(xorb, index)
      const [oldest] = known.keys()
      if (known.size > kept && oldest !== undefined) known.delete(oldest)
      return index
    },
  }
}
