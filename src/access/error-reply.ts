/**
 * The only place where an error becomes a response, in the dialect of who asked: JSON with the Hub's headers, plain text that git prints,
 * LFS's JSON, OAuth's JSON, or a page. What is not a `HoldfastError` is logged and shown as a fault with its request id and nothing else.
 */
import type { Logger } from 'pino'
import { type Denied, HoldfastError, type OAuthErrorCode } from '../domain/errors.ts'
import { isBusy, isConflict, isTimeout, isUnavailable } from '../platform/db/errors.ts'
import { GitFailure } from '../platform/git/run.ts'
import { headerText } from './header-text.ts'
import type { HttpRequest } from './http-request.ts'
import type { Reply } from './reply.ts'
import type { Surface } from './route.ts'

/** Turns anything thrown into a `HoldfastError`; what is unexpected is logged here, once. */
export function asHoldfastError(thrown: unknown, request: HttpRequest, log: Logger): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown
  if (isFullDisk(thrown)) {
    log.error({ error: thrown, requestId: request.origin.requestId }, 'The disk is full')
    return new HoldfastError('storage_full', {}, { cause: thrown })
  }
  if (thrown instanceof GitFailure && thrown.reason === 'busy') {
    return new HoldfastError('busy', {}, { headers: { 'retry-after': '1' }, cause: thrown })
  }
  const said = { error: thrown, requestId: request.origin.requestId, method: request.method, path: request.path }
  // Rolled back, so that nothing was changed: whoever comes again may well get through.
  if (isTimeout(thrown) || isConflict(thrown) || isBusy(thrown)) {
    log.warn(said, 'The database was too busy for a request')
    return new HoldfastError('busy', {}, { headers: { 'retry-after': '2' }, cause: thrown })
  }
  if (isUnavailable(thrown)) {
    log.error(said, 'The database did not answer a request')
    return new HoldfastError('database_unreachable', {}, { headers: { 'retry-after': '5' }, cause: thrown })
  }
  log.error(said, 'A request failed')
  return new HoldfastError('internal', {}, { cause: thrown })
}

function isFullDisk(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL'
}

/** For machines; pages have their own in `page-reply.tsx`. */
export function errorReply(error: HoldfastError, surface: Exclude<Surface, 'page'>, request: HttpRequest): Reply {
  const headers: Record<string, string> = { ...error.extras.headers, 'x-error-message': headerText(error.message) }
  if (error.entry.hub !== undefined) headers['x-error-code'] = error.entry.hub
  const { denied } = error
  Object.assign(headers, deniedHeaders(error))
  const reason = denied === null ? null : `Reason: ${deniedHeader(denied)}`
  if (reason !== null) Object.assign(headers, reasonInHeaders(error, reason, request))
  if (error.status === 401 && (surface === 'git' || surface === 'lfs')) {
    headers['www-authenticate'] =
      'Basic realm="Holdfast: any user name, an access token as the password", charset="UTF-8"'
    if (surface === 'lfs') headers['lfs-authenticate'] = headers['www-authenticate']
  }
  const requestId = request.origin.requestId
  if (surface === 'oauth') return oauthError(error, headers, requestId)
  if (surface === 'openai') return openAiError(error, headers, requestId)
  if (surface === 'git') {
    const lines = [error.message, error.next, reason, `(request ${requestId})`].filter((line) => line !== null)
    return {
      kind: 'body',
      status: error.status,
      type: 'text/plain; charset=utf-8',
      body: `${lines.join('\n')}\n`,
      headers,
    }
  }
  const body = {
    ...error.extras.body,
    error: error.message,
    ...(surface === 'lfs'
      ? { message: [error.message, error.next, reason].filter(Boolean).join(' '), request_id: requestId }
      : {}),
    code: error.code,
    ...(error.next === null ? {} : { next: error.next }),
    ...(denied === null ? {} : { denied: { ...denied, requestId } }),
    // What huggingface_hub prints below the error, whose own text it compares letter for letter.
    ...(reason === null ? {} : { errors: [{ message: [reason, error.next].filter(Boolean).join('. ') }] }),
  }
  return {
    kind: 'body',
    status: error.status,
    type: 'application/json; charset=utf-8',
    body: JSON.stringify(body),
    headers,
  }
}

/** Texts that clients compare letter for letter, to tell a wrong token and a withheld file from a repo that is not there. */
const comparedTexts: readonly string[] = [
  'Invalid credentials in Authorization header',
  'Access to this resource is disabled.',
]

/**
 * Where clients do not read the body: of HEAD, with which downloads begin, they print the text of the header; and what they put into words of
 * their own by the compared texts, they print as a warning.
 */
function reasonInHeaders(error: HoldfastError, reason: string, { method }: HttpRequest): Record<string, string> {
  const why = `${error.message.replace(/\.?$/, '.')} ${[reason, error.next].filter((part) => part !== null).join('. ')}`
  if (comparedTexts.includes(error.message)) {
    return { 'x-hf-warning': headerText(`denied-${error.denied?.code ?? ''}; ${why}`) }
  }
  return method === 'HEAD' ? { 'x-error-message': headerText(why) } : {}
}

/**
 * As RFC 6749 has it (5.2): a code that the client branches on, and a text for whoever reads its log. `huggingface_hub` prints the text of the
 * header and that of the body, once where they are the same.
 */
function oauthError(error: HoldfastError, headers: Record<string, string>, requestId: string): Reply {
  const text = headerText([error.message, error.next].filter((part) => part !== null).join(' ')).replace(/["\\]/g, "'")
  return {
    kind: 'body',
    status: error.status,
    type: 'application/json; charset=utf-8',
    body: JSON.stringify({
      ...error.extras.body,
      error: error.entry.oauth ?? oauthCodeOf(error.status),
      error_description: text,
      code: error.code,
      ...(error.denied === null ? {} : { denied: { ...error.denied, requestId } }),
    }),
    headers: { ...headers, 'x-error-message': text, 'cache-control': 'no-store', pragma: 'no-cache' },
  }
}

function oauthCodeOf(status: number): OAuthErrorCode {
  if (status === 429) return 'slow_down'
  if (status === 503) return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

/** As the OpenAI API has it, which its clients parse; its code, in words that this hub uses, says what to do next. */
function openAiError(error: HoldfastError, headers: Record<string, string>, requestId: string): Reply {
  const { denied } = error
  const reason = denied === null ? null : `Reason: ${deniedHeader(denied)}`
  const words = [error.message.replace(/\.?$/, '.'), error.next, reason].filter((part) => part !== null).join(' ')
  return {
    kind: 'body',
    status: error.status,
    type: 'application/json; charset=utf-8',
    body: JSON.stringify({
      error: {
        message: words,
        type: error.code === 'insufficient_quota' ? error.code : openAiTypeOf(error.status),
        param: null,
        code: error.code,
      },
      // Beside it, where every other address has it: clients of OpenAI's API read `error` alone.
      ...(denied === null ? {} : { denied: { ...denied, requestId } }),
    }),
    headers,
  }
}

function openAiTypeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** The header of a refusal, on pages too; empty for what carries no reason. */
export function deniedHeaders(error: HoldfastError): Record<string, string> {
  return error.denied === null ? {} : { 'x-hub-denied': deniedHeader(error.denied) }
}

export function deniedHeader(denied: Denied): string {
  const parts: string[] = [denied.code]
  if (denied.need !== undefined) parts.push(`need=${denied.need}`)
  if (denied.have !== undefined) parts.push(`have=${denied.have}`)
  if (denied.entity !== undefined) parts.push(`entity=${denied.entity}`)
  return headerText(parts.join('; '))
}
