/**
 * What never became a request, or stops being one in the middle of its body: Node's parser gives up on the connection, and no route can
 * answer. The catalogue's words go out all the same, and then the connection ends.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { HoldfastError } from '../domain/errors.ts'

/** `response` is the one under way on this connection: what has begun cannot be taken back, and is cut. */
export function refuseBroken(fault: NodeJS.ErrnoException, socket: Socket, response: ServerResponse | null): void {
  if (fault.code === 'ECONNRESET' || !socket.writable || response?.headersSent === true) {
    socket.destroy()
    return
  }
  const error = faultInWords(fault)
  const body = JSON.stringify({
    error: error.message,
    code: error.code,
    ...(error.next === null ? {} : { next: error.next }),
  })
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    `x-error-message: ${error.message}`,
    'connection: close',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

/** None of these texts holds anything that the client sent. */
function faultInWords(fault: NodeJS.ErrnoException): HoldfastError {
  if (fault.code === 'HPE_HEADER_OVERFLOW') return new HoldfastError('headers_too_large')
  if (fault.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new HoldfastError('request_timeout')
  const reason =
    fault.code === 'HPE_INVALID_EOF_STATE'
      ? 'The request ended before it was whole. Nothing was stored.'
      : 'This is not a request of HTTP/1.1.'
  return new HoldfastError('bad_request', { reason }, { cause: fault })
}
