/** Feeds a commit body of any size through the parser, as fast as it takes it, and watches memory and event loop. */
import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { readCommitBody } from '../../src/features/commits/ndjson-commit.ts'

const pieceSize = 48 * 1024

/** `sizes`: MiB of each file. Growth in bytes of resident memory; turns in milliseconds. */
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
  const turns = monitorEventLoopDelay({ resolution: 1 })
  turns.enable()
  let received = 0
  const limits = { fileLimit: 2 ** 40, bodyLimit: 2 ** 40, operationLimit: 100 }
  for await (const operation of readCommitBody(source(), { folder, ...limits })) {
    if (operation.kind === 'file') received += operation.content.size
  }
  turns.disable()
  clearInterval(watch)
  return { received, growth: highest - before, longestTurn: turns.max / 1e6, turnP99: turns.percentile(99) / 1e6 }
}
