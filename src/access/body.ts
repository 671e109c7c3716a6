/** Reads small bodies whole, within a bound in bytes and time: JSON, or a form. Large bodies are streamed by their own handlers. */

import type { IncomingMessage } from 'node:http'
import { finished, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { z } from 'zod'
import { HoldfastError } from '../domain/errors.ts'
import type { HttpRequest } from './http-request.ts'

const defaultTimeLimitMs = 30_000

/**
 * The body as text of at most `limit` bytes. Throws `body_too_large`, `request_timeout`, `length_mismatch` where the client goes away,
 * and `bad_request` where the body is not what its Content-Encoding says, or ends too early for it. A refused body is left standing, not destroyed: the answer
 * that says why still goes out on its connection.
 */
export async function readText(
  request: HttpRequest,
  limit: number,
  timeLimitMs: number = defaultTimeLimitMs,
): Promise<string> {
  return (await readBytes(request, limit, timeLimitMs)).toString('utf8')
}

/** As `readText`, as it came. */
export async function readBytes(
  request: HttpRequest,
  limit: number,
  timeLimitMs: number = defaultTimeLimitMs,
): Promise<Buffer> {
  const { message } = request
  if (Number(message.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
  const decoder = decoderOf(request)
  const source = decoder ?? message
  const chunks: Buffer[] = []
  let size = 0
  let take: (chunk: Buffer) => void = () => undefined
  let forget: () => void = () => undefined
  try {
    await new Promise<void>((resolve, reject) => {
      take = (chunk) => {
        size += chunk.length
        if (size > limit) reject(tooLarge(limit))
        else chunks.push(chunk)
      }
      const timer = setTimeout(() => reject(tooSlow()), timeLimitMs)
      const unwatchMessage = finished(message, { writable: false }, (error) => {
        if (error) reject(decoder === null ? cutOff(message, size, error) : damaged(error))
        else if (decoder === null) resolve()
      })
      const unwatchDecoder =
        decoder === null
          ? () => undefined
          : finished(decoder, { writable: false }, (error) => (error ? reject(damaged(error)) : resolve()))
      forget = () => {
        clearTimeout(timer)
        unwatchMessage()
        unwatchDecoder()
      }
      source.on('data', take)
      if (decoder !== null) message.pipe(decoder)
    })
  } finally {
    forget()
    source.off('data', take)
    if (decoder === null) message.pause()
    else {
      message.unpipe(decoder)
      decoder.destroy()
    }
  }
  return Buffer.concat(chunks)
}

/** Undoes `Content-Encoding`, or null where there is none. Bounded by whoever reads, since it only ever holds one chunk. */
function decoderOf(request: HttpRequest): Transform | null {
  const encoding = (request.header('content-encoding') ?? 'identity').toLowerCase()
  if (encoding === 'identity') return null
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip()
  if (encoding === 'br') return createBrotliDecompress()
  throw new HoldfastError('unsupported_media_type', { allowed: 'gzip, br or no Content-Encoding' })
}

/** What it means that the client went away in the middle of its body, of which `received` bytes had come. */
export function cutOff(message: IncomingMessage, received: number, cause: unknown): HoldfastError {
  return new HoldfastError(
    'length_mismatch',
    { received, expected: message.headers['content-length'] ?? 'more' },
    { cause },
  )
}

/**
 * The raw body, as it arrives. Left standing where it is refused, so that the answer still goes out on its connection. Throws
 * `unsupported_media_type` for one that is compressed, and `length_mismatch` where the client goes away.
 */
export async function* streamBody(request: HttpRequest): AsyncGenerator<Buffer> {
  const { message } = request
  if ((request.header('content-encoding') ?? 'identity').toLowerCase() !== 'identity') {
    throw new HoldfastError('unsupported_media_type', { allowed: 'no Content-Encoding' })
  }
  let received = 0
  try {
    for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      received += chunk.length
      yield chunk
    }
  } catch (error) {
    throw isHangUp(error) ? cutOff(message, received, error) : error
  }
}

function isHangUp(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/** A JSON or form body, checked against `schema`. Repeated form fields become an array. */
export async function readBody(request: HttpRequest, schema: z.ZodType, limit: number): Promise<unknown> {
  const text = await readText(request, limit)
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const value = type === 'application/x-www-form-urlencoded' ? parseForm(text) : parseJson(text)
  return check(schema, value)
}

/**
 * As `readBody`, for addresses that take files too: what is not said to be JSON and does not begin as an object is bytes. Programs send both without
 * saying which.
 */
export async function readBodyOrBytes(request: HttpRequest, schema: z.ZodType, limit: number): Promise<unknown> {
  const bytes = await readBytes(request, limit)
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const isJson = type === 'application/json' || bytes.length === 0 || /^\s*\{/.test(bytes.toString('latin1', 0, 100))
  return isJson ? check(schema, parseJson(bytes.toString('utf8'))) : bytes
}

export function check(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new HoldfastError('bad_request', { reason: issuesInWords(parsed.error) })
}

export function issuesInWords(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => (issue.path.length === 0 ? issue.message : `"${issue.path.join('.')}": ${issue.message}`))
    .join('; ')
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new HoldfastError('invalid_json', {
      reason: error instanceof Error ? error.message.slice(0, 200) : 'unknown fault',
    })
  }
}

export function parseForm(text: string): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const before = result[name]
    result[name] = before === undefined ? value : [before, value].flat()
  }
  return result
}

/** The query as an object; repeated names become an array, and `expand[]=x` is the same as `expand=x`. */
export function queryObject(query: URLSearchParams): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = Object.create(null)
  for (const [rawName, value] of query) {
    const name = rawName.endsWith('[]') ? rawName.slice(0, -2) : rawName
    const before = result[name]
    result[name] = before === undefined ? value : [before, value].flat()
  }
  return result
}

function damaged(cause: unknown): HoldfastError {
  return new HoldfastError(
    'bad_request',
    { reason: 'The body is damaged, or not compressed as its Content-Encoding says.' },
    { cause },
  )
}

function tooSlow(): HoldfastError {
  return new HoldfastError('request_timeout', {}, { headers: { connection: 'close' } })
}

function tooLarge(limit: number): HoldfastError {
  return new HoldfastError('body_too_large', { limit: `${limit} bytes` })
}

/** One value or several, as an array: how repeatable query keys arrive. */
export const repeatable = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat())

/** `true`, `True`, `1`: how the clients write it. */
export const queryFlag = z
  .string()
  .transform((value) => value === '' || value === '1' || value.toLowerCase() === 'true')
