/**
 * The answer to a shard in its second version: JSON lines while it is checked, which may take longer than a client waits in silence, and a
 * last line that says what came of it. The status was sent by then, so a refusal is that line.
 */
import { asHoldfastError } from '../../access/error-reply.ts'
import { type Reply, taken } from '../../access/reply.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { CasCall } from './cas-route.ts'
import type { ReceivedShard, ShardWork } from './receive-shard.ts'

/** Clients give up after five minutes without a word. */
const everyMs = 2_000
/** Of lines that nobody reads. */
const mostWaiting = 65_536

export async function replyWithProgress({ hub, request }: CasCall, shard: ReceivedShard): Promise<Reply> {
  const { response } = request
  const work: ShardWork = { total: 0, verified: 0, stage: 'validating' }
  const write = (line: object): void => {
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`)
  }
  const tell = (): void => {
    if (response.writableLength > mostWaiting) return
    write(
      work.stage === 'validating'
        ? { type: 'validating', verified: work.verified, total: work.total }
        : { type: 'committing', stage: 'syncing' },
    )
  }
  response.writeHead(200, {
    'content-type': 'application/x-ndjson',
    'cache-control': 'no-store',
    // A front server must pass each line on at once.
    'x-accel-buffering': 'no',
  })
  tell()
  const timer = setInterval(tell, everyMs)
  try {
    await shard.accept(work)
    tell()
    write({ type: 'result' })
  } catch (thrown) {
    const error = asHoldfastError(thrown, request, hub.log)
    write({ type: 'error', message: messageOf(error, request.origin.requestId), retryable: isPassing(error) })
  } finally {
    clearInterval(timer)
    shard.leave()
  }
  response.end()
  return taken
}

function messageOf(error: HoldfastError, requestId: string): string {
  return [error.message, error.next, `(request ${requestId})`].filter((part) => part !== null).join(' ')
}

/** As the clients read a status. */
function isPassing({ status }: HoldfastError): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501)
}
