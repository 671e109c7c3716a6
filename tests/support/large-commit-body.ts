/** Feeds a commit body of any size through the parser, as fast as it takes it, and watches memory and event loop. */
import { randomBytes } from 'node:crypto'
import { readCommitBody } from '../../src/features/commits/ndjson-commit.ts'

const pieceSize = 48 * 1024

/**
 * `sizes`: MiB of each file. Growth in bytes of resident memory. `longestTurn`: the most milliseconds of this thread's own computing time
 * between two turns of the event loop; what other programs on the machine take does not count.
 */
export async function measureLargeBody(folder: string, sizes: readonly number[]) {
  const piece = randomBytes(pieceSize).toString('base64')
  const source = async function* () {
    yield Buffer.from('{"key":"header","value":{"summary":"s"}}\n')
    for (const [index, size] of sizes.entries()) {
      yield Buffer.from('{"key":"file","value":{"content":"')
      for (let sent = 0; sent < size * 1024 * 1024; sent += pieceSize) yield Buffer.from(piece)
      yield Buffer.from(`","path":"file-${index}","encoding":"base64"}}\n`)
    }
  }
  const before = process.memoryUsage().rss
  let highest = before
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss)
  }, 20)
  const turns = watchTurns()
  let received = 0
  const limits = { fileLimit: 2 ** 40, bodyLimit: 2 ** 40, operationLimit: 100 }
  for await (const operation of readCommitBody(source(), { folder, ...limits })) {
    if (operation.kind === 'file') received += operation.content.size
  }
  clearInterval(watch)
  return { received, growth: highest - before, longestTurn: turns.stop() }
}

function watchTurns(): { stop(): number } {
  let longest = 0
  let isWatching = true
  let last = computed()
  const next = () => {
    const now = computed()
    longest = Math.max(longest, now - last)
    last = now
    if (isWatching) setImmediate(next)
  }
  setImmediate(next)
  return {
    stop: () => {
      isWatching = false
      return longest
    },
  }
}

function computed(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
