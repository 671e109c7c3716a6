/** Reads small bodies whole, within a bound in bytes and time: JSON, or a form. Large bodies are streamed by their own handlers. */

import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { z } from 'zod'
import { HoldfastError } from '../domain/errors.ts'
import type { HttpRequest } from './http-request.ts'

const timeLimitMs = 30_000

/** The body as text of at most `limit` bytes. Throws `body_too_large` or `request_timeout`. */
export async function readText(request: HttpRequest, limit: number): Promise<string> {
  const { message } = request
  const announced = Number(message.headers['content-length'] ?? 0)
  if (announced > limit) throw tooLarge(limit)
  const chunks: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => message.destroy(new HoldfastError('request_timeout')), timeLimitMs)
  try {
    for await (const chunk of decoded(request)) {
      const bytes: Buffer = chunk
      size += bytes.length
      if (size > limit) throw tooLarge(limit)
      chunks.push(bytes)
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Undoes `Content-Encoding`. Bounded by whoever reads, since it only ever holds one chunk. */
export function decoded(request: HttpRequest): Readable {
  const encoding = (request.header('content-encoding') ?? 'identity').toLowerCase()
  if (encoding === 'identity') return request.message
  if (encoding === 'gzip' || encoding === 'x-gzip') return request.message.pipe(createGunzip())
  if (encoding === 'br') return request.message.pipe(createBrotliDecompress())
  throw new HoldfastError('unsupported_media_type', { allowed: 'gzip, br or no Content-Encoding' })
}

/** A JSON or form body, checked against `schema`. Repeated form fields become an array. */
export async function readBody(request: HttpRequest, schema: z.ZodType, limit: number): Promise<unknown> {
  const text = await readText(request, limit)
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const value = type === 'application/x-www-form-urlencoded' ? parseForm(text) : parseJson(text)
  return check(schema, value)
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

function tooLarge(limit: number): HoldfastError {
  return new HoldfastError('body_too_large', { limit: `${limit} bytes` }, { headers: { connection: 'close' } })
}

/** One value or several, as an array: how repeatable query keys arrive. */
export const repeatable = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat())

/** `true`, `True`, `1`: how the clients write it. */
export const queryFlag = z
  .string()
  .transform((value) => value === '' || value === '1' || value.toLowerCase() === 'true')
