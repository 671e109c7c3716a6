/**
 * Sends a file of a repo: whole, a range of it, "not modified", or as an order to the front server. The caller has been authorized. The
 * bytes are a stranger's, so every answer is sandboxed and typed; they are streamed as fast as the client reads, and a client that goes
 * away frees the file or the git process behind it at once.
 */
import type { ServerResponse } from 'node:http'
import { finished, type Readable } from 'node:stream'
import type { Config } from '../config.ts'
import { HoldfastError } from '../domain/errors.ts'
import { freeBytes } from '../platform/blobs/free-bytes.ts'
import { givesChunksAway } from '../platform/blobs/passing-stream.ts'
import type { AnswerHeaders } from './address-in-store.ts'
import { parseRange } from './byte-range.ts'
import { contentDisposition, type ServedType } from './file-type.ts'
import type { HttpRequest } from './http-request.ts'
import { empty, type Headers, type Reply, taken } from './reply.ts'

export interface SentFile {
  /** For `Content-Disposition`; the last part of the path. */
  readonly name: string
  readonly size: number
  /** Names the content: a git object id or a SHA-256, without quotes. */
  readonly etag: string
  readonly served: ServedType
  /** `Cache-Control`. */
  readonly caching: string
  /** `X-Repo-Commit` and the like. */
  readonly headers: Headers
  /** The bytes from `start` to `end`, both included. Not called for an empty range. */
  open(start: number, end: number): Readable | Promise<Readable>
  /** Path below the data folder, where a front server may send the file in our place. */
  readonly frontServerPath: string | null
  /** An address at which the client may have the bytes from somebody else; null: it gets them from us. */
  addressElsewhere?(headers: AnswerHeaders): Promise<string | null>
  /** Milliseconds that the client has to take the bytes, where they hold a process; null: as long as it goes on reading. */
  readonly timeLimitMs: number | null
  /** Called right before an answer that hands out bytes, by whomever: how many; may refuse it. Not for HEAD, nor for what has not changed. */
  onSend?(bytes: number): void
}

/** Below this nobody gains by sending the client elsewhere, and our headers would be lost (docs/front-server.md). */
const leastForFrontServer = 1 << 20

const sandbox = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"

/** `?download=true` saves what would be shown. */
export async function sendFile(request: HttpRequest, config: Config, file: SentFile): Promise<Reply> {
  const disposition = request.query.get('download') === 'true' ? 'attachment' : file.served.disposition
  const etag = `"${file.etag}"`
  const validators: Headers = { ...file.headers, etag, 'cache-control': file.caching }
  if (matches(request.header('if-none-match'), file.etag)) return empty(304, validators)
  const headers: Headers = {
    ...validators,
    'content-type': file.served.type,
    'content-disposition': contentDisposition(disposition, file.name),
    'content-security-policy': sandbox,
    'accept-ranges': 'bytes',
  }
  const { response } = request
  if (request.method === 'HEAD') {
    response.writeHead(200, { ...mutable(headers), 'content-length': file.size })
    response.end()
    return taken
  }
  const range = rangeOf(request, file)
  const { start, end } = range ?? { start: 0, end: file.size - 1 }
  const length = end - start + 1
  if (config.accelRedirect !== null && file.frontServerPath !== null && length >= leastForFrontServer) {
    file.onSend?.(length)
    // The front server reads the Range header itself.
    response.writeHead(200, { ...mutable(headers), 'x-accel-redirect': config.accelRedirect + file.frontServerPath })
    response.end()
    return taken
  }
  // What belongs to another version is not compared elsewhere as it is here.
  if (length >= leastForFrontServer && request.header('if-range') === null && !isForPage(request)) {
    const address = await file.addressElsewhere?.({
      contentType: file.served.type,
      contentDisposition: contentDisposition(disposition, file.name),
    })
    if (typeof address === 'string') {
      file.onSend?.(length)
      // The Range header goes along, the token does not: it is another host (src/config.ts sees to that).
      const others = { location: address, 'cache-control': 'no-store', 'content-length': 0 }
      response.writeHead(302, { ...mutable(file.headers), ...others })
      response.end()
      return taken
    }
  }
  const body = length === 0 ? null : await file.open(start, end)
  try {
    file.onSend?.(length)
  } catch (refusal) {
    body?.destroy()
    throw refusal
  }
  response.writeHead(range === null ? 200 : 206, {
    ...mutable(headers),
    'content-length': length,
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${file.size}` }),
    // The JS client asks for the first byte to learn the size; an empty file has none, and no valid range to name either.
    ...(file.size === 0 && request.header('range') !== null ? { 'content-range': 'bytes */0' } : {}),
  })
  if (body === null) response.end()
  else await stream(body, length, request, file.timeLimitMs)
  return taken
}

/** A browser wants it for a page: neither the policy of our pages nor that of other sites (CORS) lets it come from another host. */
function isForPage(request: HttpRequest): boolean {
  const purpose = request.header('sec-fetch-dest')
  // Without TLS browsers do not say it, but they ask for pictures by type.
  return (purpose !== null && purpose !== 'document') || request.header('accept')?.startsWith('image/') === true
}

function rangeOf(request: HttpRequest, file: SentFile): { start: number; end: number } | null {
  const condition = request.header('if-range')
  // A validator that is not ours (or a date: we send none) means that the client's part belongs to another file.
  if (condition !== null && condition.trim() !== `"${file.etag}"`) return null
  const range = parseRange(request.header('range'), file.size)
  if (range === 'unsatisfiable') {
    throw new HoldfastError(
      'range_not_satisfiable',
      { size: file.size },
      { headers: { 'content-range': `bytes */${file.size}` } },
    )
  }
  return range === 'whole' ? null : range
}

async function stream(
  body: Readable,
  length: number,
  { response }: HttpRequest,
  timeLimitMs: number | null,
): Promise<void> {
  const timer = timeLimitMs === null ? null : setTimeout(() => response.destroy(), Math.min(timeLimitMs, 2 ** 31 - 1))
  try {
    await pour(body, length, response)
  } catch (error) {
    // The client went away, or was too slow: nobody is left to be told.
    if (!isHangUp(error)) throw error
  } finally {
    if (timer !== null) clearTimeout(timer)
  }
}

/** Like `pipeline`, and gives the memory of each chunk back as soon as it is with the client. Whatever happens, `body` is closed. */
async function pour(body: Readable, length: number, response: ServerResponse): Promise<void> {
  const spend = givesChunksAway(body) ? freeBytes : () => undefined
  let sent = 0
  try {
    await new Promise<void>((resolve, reject) => {
      response.on('drain', () => body.resume())
      finished(response, (error) => (error ? reject(error) : resolve()))
      finished(body, { writable: false }, (error) => {
        if (error) reject(error)
        // A client that was promised more would wait for it: its connection is cut instead.
        else if (sent !== length) reject(new Error(`A file ended after ${sent} of ${length} bytes.`))
        else response.end()
      })
      body.on('data', (chunk: Uint8Array) => {
        sent += chunk.length
        if (!response.write(chunk, () => spend(chunk))) body.pause()
      })
    })
  } catch (error) {
    response.destroy()
    throw error
  } finally {
    body.destroy()
  }
}

function isHangUp(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE'
}

function matches(header: string | null, etag: string): boolean {
  if (header === null) return false
  return header.split(',').some((item) => {
    const value = item.trim().replace(/^W\//, '')
    return value === '*' || value === `"${etag}"`
  })
}

function mutable(headers: Headers): Record<string, string | number | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
  )
}
