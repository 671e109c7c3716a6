/** One line for each request: what was asked, from where, and how it ended. Never a query, where secrets stand. */
import type { ServerResponse } from 'node:http'
import type { Hub } from '../hub.ts'
import { type HttpRequest, isSafeMethod } from './http-request.ts'

export function logRequest(hub: Hub, request: HttpRequest, response: ServerResponse, milliseconds: number): void {
  const status = response.statusCode
  const level = status >= 500 ? 'error' : isSafeMethod(request.method) && status < 400 ? 'debug' : 'info'
  if (!hub.log.isLevelEnabled(level)) return
  const session = request.header('x-xet-session-id')
  hub.log[level](
    {
      requestId: request.origin.requestId,
      ...(session === null ? {} : { xetSession: session.slice(0, 100) }),
      method: request.method,
      path: request.path,
      // Until something was sent, the status is what Node would begin with.
      status: response.headersSent ? status : null,
      ...(response.writableFinished ? {} : { cut: true }),
      ms: Math.round(milliseconds),
      ip: request.origin.ip,
    },
    'request',
  )
}
