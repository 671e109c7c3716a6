/**
 * Bodies of xorbs and shards: their headers are looked at before a byte is read, what breaks off is told as that, and what was refused is
 * still read to its end, since the clients listen only after they have sent everything.
 */
import type { HttpRequest } from '../../access/http-request.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { freeBytes } from '../../platform/blobs/free-bytes.ts'

const drainMs = 120_000

/** Throws `unsupported_media_type` and `body_too_large`. */
export function checkBodyHeaders(request: HttpRequest, limit: number): void {
  const encoding = request.header('content-encoding')
  if (encoding !== null && encoding !== 'identity') {
    throw new HoldfastError('unsupported_media_type', { allowed: 'bytes as they are, without Content-Encoding' })
  }
  if (Number(request.header('content-length') ?? 0) > limit) {
    throw new HoldfastError('body_too_large', { limit: `${limit} bytes` }, { headers: { connection: 'close' } })
  }
}

/** The body's chunks. Leaving the loop early keeps the connection, for the answer. */
export function bodyOf({ message }: HttpRequest): AsyncIterable<Buffer> {
  return message.iterator({ destroyOnReturn: false })
}

/** As `bodyOf`, for who has copied a chunk by the time it asks for the next: its memory is given back then. */
export async function* passingBodyOf(request: HttpRequest): AsyncGenerator<Buffer> {
  for await (const chunk of bodyOf(request)) {
    yield chunk
    freeBytes(chunk)
  }
}

/** Reads what is left and drops it. Ends without a word when the client goes away or has sent more than it may. */
export async function drainBody({ message }: HttpRequest, limit: number): Promise<void> {
  if (message.complete || message.destroyed) return
  await new Promise<void>((resolve) => {
    let left = limit
    const end = (): void => {
      clearTimeout(timer)
      message.off('data', onData)
      message.off('close', end)
      message.off('end', end)
      message.off('error', end)
      resolve()
    }
    const onData = (chunk: Buffer): void => {
      left -= chunk.length
      if (left < 0) end()
    }
    const timer = setTimeout(end, drainMs)
    message.on('data', onData)
    message.once('close', end)
    message.once('end', end)
    message.once('error', end)
    message.resume()
  })
}

/** Aborts when the client goes away, or after `limitMs`. */
export function untilGone({ response }: HttpRequest, limitMs: number): AbortSignal {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new HoldfastError('request_timeout')), Math.min(limitMs, 2 ** 31 - 1))
  response.once('close', () => {
    clearTimeout(timer)
    controller.abort(gone())
  })
  if (response.destroyed) controller.abort(gone())
  return controller.signal
}

/** What a failure while reading the body means: nobody is to blame for a client that went away. */
export function bodyFault(error: unknown, { message }: HttpRequest): unknown {
  return message.destroyed && !message.complete && !(error instanceof HoldfastError) ? gone() : error
}

function gone(): HoldfastError {
  return new HoldfastError('request_timeout')
}
