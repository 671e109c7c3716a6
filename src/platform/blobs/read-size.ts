/**
 * How much a file is read at a time: each stream holds two such pieces, so where many are open they are smaller. Few large reads are fastest;
 * a thousand downloads must not take a thousand times their memory.
 */
import type { Readable } from 'node:stream'

const largest = 1 << 20
/** The size of what a socket takes in one go; below it reading costs more than it saves. */
const smallest = 1 << 16
/** What the pieces of all open streams may have together before they become smaller. */
const budget = 16 << 20

export interface ReadSizes {
  /** Bytes, for the stream that is opened next. */
  next(): number
  /** Counts the stream until it closes. */
  count(stream: Readable): void
}

export function readSizes(): ReadSizes {
  let open = 0
  return {
    next: () => Math.max(smallest, Math.min(largest, 2 ** Math.floor(Math.log2(budget / (open + 1))))),
    count(stream) {
      open++
      stream.once('close', () => {
        open--
      })
    },
  }
}
