/** What a handler answers with. `send` is the only place that writes a finished reply to the socket. */
import type { ServerResponse } from 'node:http'

export type Headers = Readonly<Record<string, string | number | readonly string[]>>

export type Reply =
  | {
      readonly kind: 'body'
      readonly status: number
      readonly type: string
      readonly body: string | Buffer
      readonly headers: Headers
    }
  | { readonly kind: 'empty'; readonly status: number; readonly headers: Headers }
  /** The handler writes to the response itself: files, git, LFS bytes. */
  | { readonly kind: 'taken' }

export const taken: Reply = { kind: 'taken' }

export function json(value: unknown, status = 200, headers: Headers = {}): Reply {
  return { kind: 'body', status, type: 'application/json; charset=utf-8', body: JSON.stringify(value), headers }
}

export function text(value: string, status = 200, headers: Headers = {}): Reply {
  return { kind: 'body', status, type: 'text/plain; charset=utf-8', body: value, headers }
}

export function html(value: string, status = 200, headers: Headers = {}): Reply {
  return { kind: 'body', status, type: 'text/html; charset=utf-8', body: value, headers }
}

export function empty(status = 200, headers: Headers = {}): Reply {
  return { kind: 'empty', status, headers }
}

export function redirect(location: string, status: 301 | 302 | 303 | 307 | 308 = 303, headers: Headers = {}): Reply {
  return { kind: 'empty', status, headers: { ...headers, location } }
}

export function send(response: ServerResponse, reply: Reply, isHead: boolean): void {
  if (reply.kind === 'taken') return
  const headers: Record<string, string | number | string[]> = {}
  for (const [name, value] of Object.entries(reply.headers)) {
    headers[name] = typeof value === 'object' ? [...value] : value
  }
  if (reply.kind === 'body') {
    headers['content-type'] = reply.type
    headers['content-length'] = Buffer.byteLength(reply.body)
    response.writeHead(reply.status, headers)
    response.end(isHead ? undefined : reply.body)
    return
  }
  if (reply.status !== 204 && reply.status !== 304) headers['content-length'] = 0
  response.writeHead(reply.status, headers)
  response.end()
}
