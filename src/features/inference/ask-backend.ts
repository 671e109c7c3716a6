/** One question to one server: what it answered, checked before anybody is told of it. Nothing of the caller's request but its body goes there. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { withoutTokens } from '../../domain/token.ts'
import type { Hub } from '../../hub.ts'
import { type OutboundAnswer, type OutboundFault, OutboundRefusal } from '../../platform/outbound/outbound.ts'
import type { Backend } from './queries.ts'
import type { TokenCounts } from './token-counts.ts'

export interface Question {
  /** Where, at this server. */
  readonly url: string
  readonly body: Buffer
  /** Of the body; JSON unless said. */
  readonly type?: string
  /** Whether events may come as the answer. */
  readonly isStream: boolean
}

export type BackendAnswer = (
  | { readonly kind: 'json'; readonly status: number; readonly text: string; readonly value: unknown }
  /** `first` came already; `rest` fails where the answer is cut. */
  | {
      readonly kind: 'stream'
      readonly first: Buffer
      readonly rest: AsyncIterator<Buffer>
      end(): void
      /** What the caller is told when it is cut; an event with `error` unless said. */
      brokenOff?(message: string): string
    }
) & {
  /** Where it is known without reading the answer; asked at its end. */
  counts?(): TokenCounts
}

/** The next server may do better. `isFault`: it counts against this one; `isGone`: nobody answered there. */
export class BackendFault extends Error {
  readonly isFault: boolean
  readonly isGone: boolean
  /** What the server itself said, for the caller alone: it may quote what was asked, which no log holds. */
  readonly said: string | null
  constructor(
    reason: string,
    options: { isFault?: boolean; isGone?: boolean; said?: string | null; cause?: unknown } = {},
  ) {
    super(reason, { cause: options.cause })
    this.isFault = options.isFault ?? true
    this.isGone = options.isGone ?? false
    this.said = options.said ?? null
  }
}

const connectLimitMs = 5_000
/** Of an answer that is no stream; it is held in memory until it is whole. */
const answerLimit = 33_554_432
const errorLimit = 65_536
const mostReason = 500

/** What the server is told as its key. Throws `BackendFault` where it was kept under a key that this hub has no more. */
export function secretOf(hub: Hub, { id, secret }: Backend): string | null {
  if (secret === null) return null
  try {
    return hub.keys.decrypt('backend-secret', secret, id)
  } catch (cause) {
    throw new BackendFault('the key that is kept for it cannot be read any more.', { cause })
  }
}

/** Throws `BackendFault`; `backend_refused` or `inference_unsupported` where another server would say the same; what `signal` was aborted with. */
export async function askBackend(
  hub: Hub,
  backend: Backend,
  question: Question,
  signal: AbortSignal,
): Promise<BackendAnswer> {
  const secret = secretOf(hub, backend)
  let answer: OutboundAnswer
  try {
    answer = await hub.outbound.open({
      url: question.url,
      // Who administers another model cannot disturb what is said on them.
      scope: backend.id,
      method: 'POST',
      headers: {
        'content-type': question.type ?? 'application/json',
        accept: question.isStream ? 'text/event-stream, application/json' : 'application/json',
        'accept-encoding': 'identity',
        ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: question.body,
      signal,
      connectLimitMs,
      idleLimitMs: hub.config.inferenceFirstByte,
    })
  } catch (error) {
    if (error instanceof OutboundRefusal) {
      const isGone = error.fault === 'unreachable' || error.fault === 'late'
      throw new BackendFault(faultWords[error.fault], { isGone, cause: error })
    }
    throw error
  }
  try {
    return await judged(answer, question, secret)
  } catch (error) {
    answer.body.destroy()
    signal.throwIfAborted()
    throw error
  }
}

/** Where the servers of a model are is nobody's business but that of its administrators. */
export const faultWords: Readonly<Record<OutboundFault, string>> = {
  late: 'it did not answer in time.',
  redirects: 'it redirects elsewhere, which is not followed.',
  unreachable: 'it could not be reached.',
  'not let through': 'its address is not let through.',
  'wrong answer': 'its answer is not what was asked for.',
}

/**
 * Below 500, and of the server, not of the request: it has nothing to pay with (402), did not read in time (408), is in another state (409, 421, 423,
 * 425), or failed while it generated (424, of Text Generation Inference and Text Embeddings Inference).
 */
const ownStatuses: ReadonlySet<number> = new Set([402, 408, 409, 421, 423, 424, 425])

async function judged(answer: OutboundAnswer, { isStream }: Question, secret: string | null): Promise<BackendAnswer> {
  const { status } = answer
  const type = (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (status === 401 || status === 403) throw new BackendFault('it does not take the key that this hub has for it.')
  if (status === 429) throw new BackendFault('it has too much to do.', { isFault: false })
  if (status >= 500 || status < 200) throw new BackendFault(`it answered ${status}.`, { isGone: isStarting(status) })
  if (ownStatuses.has(status)) {
    throw new BackendFault(`it answered ${status}.`, { said: await saidIn(answer, type, secret) })
  }
  if (status >= 400) throw await refusalOf(answer, type, secret)
  const encoding = answer.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw new BackendFault('it compressed its answer, which it was not asked for.')
  if (type === 'text/event-stream') {
    if (!isStream) throw new BackendFault('it answered with a stream that nobody asked for.')
    return await streamOf(answer, secret)
  }
  if (type !== 'application/json') throw new BackendFault(`it answered with ${nameOf(type)}, not with JSON.`)
  const text = await readAll(answer, answerLimit)
  const value = parse(text)
  if (typeof value !== 'object' || value === null) throw new BackendFault('its answer is not valid JSON.')
  requireNoError(value, secret)
  return { kind: 'json', status, text, value }
}

/** What a server says that loads its model, and what stands before one that is not there. */
export function isStarting(status: number): boolean {
  return status >= 502 && status <= 504
}

function nameOf(type: string): string {
  return /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'something'
}

/** Some say 200, and then that they failed. A response of OpenAI's API has its own words for that, which are an answer. */
function requireNoError(value: object, secret: string | null): void {
  const { error, object } = value as Record<string, unknown>
  const isError = object === 'error' || (error !== undefined && error !== null && object !== 'response')
  if (!isError) return
  const said = reasonIn(value)
  throw new BackendFault('it answered with an error.', { said: said === null ? null : hidden(said, secret) })
}

/** Of a stream that begins with one: another server can still be asked. */
function requireNoFirstError(first: Buffer, secret: string | null): void {
  const [line] = /^data:.*$/m.exec(first.subarray(0, errorLimit).toString('utf8')) ?? []
  const value = line === undefined ? null : parse(line.slice('data:'.length))
  if (typeof value === 'object' && value !== null) requireNoError(value, secret)
}

async function streamOf({ headers, body }: OutboundAnswer, secret: string | null): Promise<BackendAnswer> {
  const isMeasured = headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined
  const chunks: AsyncIterator<Buffer> = isMeasured ? body[Symbol.asyncIterator]() : withAnEnd(body)
  const begun = await nextOf(chunks)
  if (begun === null) throw new BackendFault('its stream ended before it began.')
  requireNoFirstError(begun, secret)
  return { kind: 'stream', first: begun, rest: chunks, end: () => body.destroy() }
}

/** What stands at the end of a stream of OpenAI's APIs and of Text Generation Inference, or shortly before it. */
const endSign =
  /data: ?\[DONE\]|"finish_reason": ?"|"generated_text": ?"|"type": ?"response\.(?:completed|incomplete|failed)"/
const longestSign = 64

/**
 * Of a stream that is as long as its connection stands: a server that is killed closes it as one does that is done. Throws where it ends and no event
 * said so.
 */
async function* withAnEnd(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let isEnded = false
  let before = ''
  for await (const chunk of body) {
    if (!isEnded) {
      const text = before + chunk.toString('latin1')
      isEnded = endSign.test(text)
      before = text.slice(-longestSign)
    }
    yield chunk
  }
  if (!isEnded && before !== '') throw new Error('The connection was closed before an event said that this is the end.')
}

/** The next part of a stream; null at its end. Throws `BackendFault` where it is cut, or silent for too long. */
export async function nextOf(chunks: AsyncIterator<Buffer>): Promise<Buffer | null> {
  try {
    const next = await chunks.next()
    return next.done === true ? null : next.value
  } catch (error) {
    throw cut(error)
  }
}

function cut(error: unknown): BackendFault {
  return new BackendFault('its answer broke off.', { cause: error })
}

async function readAll({ body }: OutboundAnswer, limit: number): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of body) {
      size += (part as Buffer).length
      if (size > limit) break
      parts.push(part as Buffer)
    }
  } catch (error) {
    throw cut(error)
  }
  if (size > limit) throw new BackendFault(`its answer is larger than ${limit} bytes.`)
  return Buffer.concat(parts).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** What it says of the request itself; of an address that it does not have, that. */
async function refusalOf(answer: OutboundAnswer, type: string, secret: string | null): Promise<HoldfastError> {
  const { status } = answer
  const said = await saidIn(answer, type, secret)
  if (status === 404 || status === 405) {
    return new HoldfastError('inference_unsupported', {
      reason:
        'The server of this model does not answer such requests, or has no model of the name that it is asked for.',
    })
  }
  return new HoldfastError(
    'backend_refused',
    { reason: said ?? `${status}` },
    status === 413 || status === 422 ? { status } : {},
  )
}

/** Without its key; null where it says nothing. */
async function saidIn(answer: OutboundAnswer, type: string, secret: string | null): Promise<string | null> {
  const said = type === 'application/json' ? reasonIn(parse(await readAll(answer, errorLimit))) : null
  answer.body.destroy()
  return said === null ? null : hidden(said, secret)
}

/** In the shape of OpenAI, of Text Generation Inference, or of FastAPI. */
function reasonIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null
  const { error, message, detail } = value as Record<string, unknown>
  const inner = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error
  const told = [inner, message, detail].find((one): one is string => typeof one === 'string' && one !== '')
  return told ?? fieldsIn(detail)
}

/** What FastAPI says of fields, without what was in them. */
const fieldFaults = z.array(z.looseObject({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })).min(1)

function fieldsIn(detail: unknown): string | null {
  const { data } = fieldFaults.safeParse(detail)
  return data?.map(({ loc, msg }) => `${loc.filter((at) => at !== 'body').join('.')}: ${msg}`).join('; ') ?? null
}

/** A server may quote its key. */
function hidden(said: string, secret: string | null): string {
  const plain = secret === null ? said : said.replaceAll(secret, '...')
  return (withoutTokens(plain) ?? '').replace(/[\p{Cc}]+/gu, ' ').slice(0, mostReason)
}
