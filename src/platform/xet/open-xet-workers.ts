/** Puts the Xet threads behind their interface: what each call costs this thread is a few copies and messages. */
import { availableParallelism } from 'node:os'
import { FileCutter } from './cut-file.ts'
import { receiveXorb } from './receive-xorb.ts'
import { readShard } from './shard-read.ts'
import { ThreadPool, type ThreadSession } from './thread-pool.ts'
import type { ChunkListHash, FileHash, XetWorkers } from './xet-workers.ts'

const mostDecodedBytes = 8 << 20
const listBytes = 1 << 17

export interface XetWorkersOptions {
  /** Two at most unless said otherwise: one per core. */
  readonly threads?: number
  readonly idleMs?: number
}

/** Starts no thread yet. */
export function openXetWorkers(options: XetWorkersOptions = {}): XetWorkers {
  const threads = options.threads ?? Math.min(2, availableParallelism())
  const pool = new ThreadPool({ threads, idleMs: options.idleMs ?? 30_000 })
  return {
    receiveXorb: (source, hash, fd, signal) => receiveXorb(pool, source, hash, fd, signal),
    async decode(bytes) {
      const { raw } = await pool.run('decode', { bytes, rawLimit: mostDecodedBytes })
      return Buffer.from(raw)
    },
    openFileHash: () => openFileHash(pool.openSession('hash')),
    openChunkList: () => openChunkList(pool.openSession('list')),
    openCutter: (cutterOptions) => new FileCutter(pool.openSession('cut'), cutterOptions),
    async buildDedupShard({ xorbs, ...rest }) {
      // Copies: what is sent as a whole is gone, and these belong to the caller.
      const indexes = xorbs.map(({ hash, index }) => ({ hash, index: Uint8Array.from(index.bytes) }))
      const hmacKey = Uint8Array.from(rest.hmacKey)
      const { shard } = await pool.run('buildDedup', { ...rest, hmacKey, xorbs: indexes })
      return Buffer.from(shard)
    },
    readShard,
    close: () => pool.close(),
  }
}

function openFileHash(session: ThreadSession): FileHash {
  return {
    async update(bytes) {
      await session.call('hashChunks', { bytes })
    },
    async digest() {
      const { sha256 } = await session.call('digest', {})
      return sha256
    },
    close: () => session.close(),
  }
}

/** A list of many short terms is sent in larger pieces. */
function openChunkList(session: ThreadSession): ChunkListHash {
  let waiting: Uint8Array[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    const list = Uint8Array.from(Buffer.concat(waiting))
    waiting = []
    size = 0
    if (list.length > 0) await session.call('addList', { list })
  }
  return {
    async add(list) {
      waiting.push(list)
      size += list.length
      if (size >= listBytes) await flush()
    },
    async fileHash() {
      await flush()
      const { hash } = await session.call('fileHash', {})
      return hash
    },
    close: () => session.close(),
  }
}
