/**
 * A call of a model, from the decision to the last byte: servers are asked one after the other until one begins to answer; from its first byte on
 * the answer is that server's, and goes to the caller as it comes. When the caller leaves, the server is told.
 */
import type { ServerResponse } from 'node:http'
import type { HttpRequest } from '../../access/http-request.ts'
import { type Reply, taken } from '../../access/reply.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf, type Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { askBackend, type BackendAnswer, BackendFault, nextOf, type Question } from './ask-backend.ts'
import type { Billed } from './billing.ts'
import { busy, gatewayOf } from './gateway.ts'
import type { Backend, Served } from './queries.ts'
import {
  CountingReader,
  countsIn,
  guessedTokens,
  notCounted,
  nothingPassed,
  type Passed,
  type TokenCounts,
} from './token-counts.ts'
import { usageBookOf } from './usage-book.ts'

export interface Call {
  readonly hub: Hub
  readonly allowed: Allowed<'repo.infer'>
  readonly facts: Facts
  readonly request: HttpRequest
  reauthorize(): Promise<unknown>
}

export interface Asked {
  readonly served: Served
  readonly billed: Billed
  /** As it is written down, such as `chat/completions`. */
  readonly route: string
  questionFor(backend: Backend): Question
  /** What the caller is told for a whole answer; as it came unless said. Throws `BackendFault` for one that is not what it has to be. */
  readonly told?: (value: unknown) => unknown
  /** Of a whole answer that is told as it came. Throws `BackendFault` as `told`. */
  readonly check?: (value: unknown) => void
  /** What the caller is told for a stream; as it came unless said. */
  readonly translate?: () => Translation
  /** Where the hub itself answers, and no server is asked. */
  readonly embedded?: (call: Call, signal: AbortSignal) => Promise<BackendAnswer>
  /** Of what the hub itself is asked to go on with, about: for a stream that nobody hears to its end, where its tokens are told. */
  readonly sentBytes?: number
}

/** Events of a server in the words of another API, as they come. Throws `BackendFault` for what is not what it has to be. */
export interface Translation {
  add(chunk: Buffer): string
  end(): string
}

interface Outcome {
  status: number
  backend: Backend | null
  counts: TokenCounts
  /** What is held against limits where the server did not count. */
  passed: Passed
  firstByteMs: number | null
}

/** Of a caller who left, in the log and in what is counted, as nginx has it. */
const leftStatus = 499
class CallerLeft extends Error {}

export async function relay(call: Call, asked: Asked): Promise<Reply> {
  const { response } = call.request
  const leaving = new AbortController()
  const onClose = (): void => leaving.abort(new CallerLeft('The caller left.'))
  response.once('close', onClose)
  // Who left while the call was prepared is not told of any more.
  if (response.destroyed) onClose()
  const startedAt = performance.now()
  const outcome: Outcome = { status: 200, backend: null, counts: notCounted, passed: nothingPassed, firstByteMs: null }
  try {
    leaving.signal.throwIfAborted()
    return await answered(call, asked, leaving.signal, outcome, startedAt)
  } catch (error) {
    outcome.status = error instanceof CallerLeft ? leftStatus : error instanceof HoldfastError ? error.status : 500
    if (error instanceof CallerLeft) return taken
    throw error
  } finally {
    response.off('close', onClose)
    writeDown(call, asked, outcome, Math.round(performance.now() - startedAt))
  }
}

async function answered(
  call: Call,
  asked: Asked,
  signal: AbortSignal,
  outcome: Outcome,
  startedAt: number,
): Promise<Reply> {
  const { hub } = call
  if (asked.embedded !== undefined) {
    const answer = await asked.embedded(call, signal)
    outcome.passed = { ...nothingPassed, sentBytes: asked.sentBytes ?? 0 }
    return await passOn(call, answer, { whole: null, translation: null }, signal, outcome, startedAt)
  }
  const gateway = gatewayOf(hub)
  let untried = gateway.order(asked.served.backends)
  let last: BackendFault | null = null
  while (untried.length > 0) {
    const lease = await gateway.lease(untried, signal)
    const { backend } = lease
    untried = untried.filter((other) => other !== backend)
    try {
      // Whose turn came late may have lost the right meanwhile: then nothing is begun.
      if (lease.waited) await call.reauthorize()
      const question = asked.questionFor(backend)
      outcome.passed = { ...nothingPassed, sentBytes: question.body.length }
      const answer = await askBackend(hub, backend, question, signal)
      if (answer.kind === 'json' && asked.translate !== undefined) throw new BackendFault('its answer is no stream.')
      if (answer.kind === 'json') asked.check?.(answer.value)
      const whole = answer.kind === 'json' && asked.told !== undefined ? JSON.stringify(asked.told(answer.value)) : null
      gateway.worked(backend)
      outcome.backend = backend
      const translation = asked.translate?.() ?? null
      return await passOn(call, answer, { whole, translation }, signal, outcome, startedAt)
    } catch (error) {
      if (!(error instanceof BackendFault)) throw error
      if (error.isFault) gateway.failed(backend, error)
      outcome.backend = backend
      hub.log.warn({ reason: error.message, kind: backend.kind, backendId: backend.id }, 'A server of a model failed')
      last = error
    } finally {
      lease.release()
    }
  }
  if (last !== null && !last.isFault) throw busy(last)
  throw new HoldfastError(
    'backend_failed',
    { reason: last === null ? 'there is none.' : reasonOf(last) },
    { cause: last },
  )
}

function reasonOf({ message, said }: BackendFault): string {
  return said === null ? message : `${message.replace(/\.$/, '')}: ${said}`
}

async function passOn(
  call: Call,
  answer: BackendAnswer,
  { whole, translation }: { readonly whole: string | null; readonly translation: Translation | null },
  signal: AbortSignal,
  outcome: Outcome,
  startedAt: number,
): Promise<Reply> {
  const { response } = call.request
  const end = answer.kind === 'stream' ? answer.end : () => undefined
  try {
    // INF-5: a token that was revoked while the server thought starts nothing.
    await call.reauthorize()
    signal.throwIfAborted()
  } catch (error) {
    end()
    throw error
  }
  outcome.firstByteMs = Math.round(performance.now() - startedAt)
  if (answer.kind === 'json') {
    outcome.counts = answer.counts?.() ?? countsIn(answer.value) ?? notCounted
    outcome.passed = { ...outcome.passed, answerBytes: answer.text.length }
    const body = whole ?? answer.text
    return { kind: 'body', status: 200, type: 'application/json; charset=utf-8', body, headers: noStore }
  }
  response.writeHead(200, { ...noStore, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
  await passStream(call, answer, translation, signal, outcome)
  return taken
}

const noStore = { 'cache-control': 'no-store' }

async function passStream(
  { hub, request: { response } }: Call,
  answer: Extract<BackendAnswer, { kind: 'stream' }>,
  translation: Translation | null,
  signal: AbortSignal,
  outcome: Outcome,
): Promise<void> {
  const reader = new CountingReader()
  const onLeaving = (): void => answer.end()
  signal.addEventListener('abort', onLeaving, { once: true })
  try {
    for (let chunk: Buffer | null = answer.first; chunk !== null; chunk = await nextOf(answer.rest)) {
      reader.read(chunk)
      const told = translation === null ? chunk : translation.add(chunk)
      // Whoever reads slowly slows the server down.
      if (told.length > 0 && !response.write(told)) await drained(response, signal)
      signal.throwIfAborted()
    }
    if (translation === null) response.end()
    else response.end(translation.end())
  } catch (error) {
    answer.end()
    signal.throwIfAborted()
    if (!(error instanceof BackendFault)) throw error
    outcome.status = 502
    hub.log.warn({ reason: error.message }, 'A server of a model failed in the middle of its answer')
    breakOff(response, error, answer)
  } finally {
    signal.removeEventListener('abort', onLeaving)
    reader.end()
    outcome.counts = answer.counts?.() ?? reader.counts
    outcome.passed = { ...outcome.passed, events: reader.events }
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      response.off('drain', done)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    response.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}

/** Clients of OpenAI's API raise an event with an error; the others see that the connection breaks, and never a whole answer. */
function breakOff(
  response: ServerResponse,
  fault: BackendFault,
  { brokenOff = errorEvent }: Pick<Extract<BackendAnswer, { kind: 'stream' }>, 'brokenOff'>,
): void {
  response.write(brokenOff(`The server of this model failed: ${fault.message}`), () => response.destroy())
}

/** It may have been cut in the middle of a line. */
function errorEvent(message: string): string {
  const error = { message, type: 'server_error', param: null, code: 'backend_failed' }
  return `\n\ndata: ${JSON.stringify({ error })}\n\n`
}

function writeDown(
  { hub, allowed, facts }: Call,
  { served, billed, route, embedded }: Asked,
  outcome: Outcome,
  tookMs: number,
): void {
  const { principal, credential } = facts
  const account = accountOf(principal)
  if (account === null) return
  const { id, owner, name, headCommit } = allowed.resource
  const record = {
    id: hub.clock.id(),
    at: hub.clock.now(),
    repoId: id,
    repoName: `${owner.name}/${name}`,
    ownerId: owner.id,
    billedId: billed.id,
    billedName: billed.name,
    workspaceId: billed.workspace?.id ?? null,
    workspaceName: billed.workspace?.name ?? null,
    commit: served.commit ?? headCommit,
    route,
    actorKind: account.kind,
    actorId: account.id,
    // A service account under the name that people gave it (SA-8).
    actorName: account.kind === 'service-account' ? account.fullname : account.name,
    tokenId: credential?.kind === 'token' ? credential.id : null,
    tokenLast4: credential?.kind === 'token' ? credential.last4 : null,
    parentTokenId: credential?.kind === 'token' ? (credential.parent?.id ?? null) : null,
    backend: embedded === undefined ? nameOf(outcome.backend) : 'embedded',
    status: outcome.status,
    ...outcome.counts,
    firstByteMs: outcome.firstByteMs,
    tookMs,
  }
  const isCounted = record.tokensIn !== null || record.tokensOut !== null
  usageBookOf(hub).note(record, isCounted ? undefined : guessedTokens(route, outcome.passed))
}

function nameOf(backend: Backend | null): string | null {
  return backend === null ? null : `${backend.kind} ${new URL(backend.url).host}`
}
