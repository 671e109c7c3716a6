/** Looks into xorbs as an upload of them is looked into: every chunk is unpacked and hashed, and together they must give the xorb's hash. */
import type { Readable } from 'node:stream'
import { openXetWorkers } from '../platform/xet/open-xet-workers.ts'

export interface XorbChecker {
  check(source: Readable, hash: string): Promise<void>
  close(): Promise<void>
}

/** Its threads begin with the first xorb. */
export function xorbChecker(): XorbChecker {
  const workers = openXetWorkers()
  return {
    async check(source, hash) {
      await workers.receiveXorb(source, hash, null)
    },
    close: () => workers.close(),
  }
}
