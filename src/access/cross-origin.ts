/** What pages of other sites may send and read (CORS). A token they have to bring themselves: the cookie of a session is not sent along for `*`. */
import type { ServerResponse } from 'node:http'

const exposed = [
  ...['X-Repo-Commit', 'X-Request-Id', 'X-Error-Code', 'X-Error-Message', 'X-Hub-Denied', 'X-Total-Count', 'ETag'],
  ...['Link', 'Accept-Ranges', 'Content-Range', 'X-Linked-Size', 'X-Linked-ETag', 'X-Xet-Hash', 'X-Xet-Refresh-Route'],
  ...['X-Xet-Cas-Url', 'X-Xet-Access-Token', 'X-Xet-Token-Expiration', 'X-HF-Warning', 'RateLimit', 'RateLimit-Policy'],
  ...['Retry-After', 'X-Should-Retry'],
]

const allowed = [
  ...['Authorization', 'Content-Type', 'Range', 'Accept', 'X-Request-Id', 'X-HF-Bill-To', 'X-Xet-Session-Id'],
  ...['If-None-Match', 'If-Match', 'X-Wait-For-Model', 'User-Agent'],
  // What the openai package sends of itself and, where it is told to, of an account; nothing of it is read here.
  ...['OpenAI-Organization', 'OpenAI-Project', 'OpenAI-Beta', 'Idempotency-Key'],
  ...['X-Stainless-Arch', 'X-Stainless-Lang', 'X-Stainless-OS', 'X-Stainless-Package-Version', 'X-Stainless-Runtime'],
  ...['X-Stainless-Runtime-Version', 'X-Stainless-Retry-Count', 'X-Stainless-Timeout', 'X-Stainless-Helper-Method'],
  ...['X-Stainless-Poll-Helper', 'X-Stainless-Custom-Poll-Interval'],
]

export function openToOtherOrigins(response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', exposed.join(', '))
}

/** The answer to `OPTIONS`. */
export function preflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': allowed.join(', '),
    'access-control-max-age': '86400',
  })
  response.end()
}
