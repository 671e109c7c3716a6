/** The session cookie. The server decides when a session ends, so the browser may keep the cookie as long as it keeps any. */
import type { Hub } from '../../hub.ts'

const longestSeconds = 400 * 24 * 3600

export function sessionCookie(hub: Hub, value: string): string {
  return `token=${value}; Path=/; Max-Age=${longestSeconds}; ${attributes(hub)}`
}

export function endedSessionCookie(hub: Hub): string {
  return `token=; Path=/; Max-Age=0; ${attributes(hub)}`
}

/** Lax: a link from elsewhere finds one signed in, a form from elsewhere does not. */
function attributes(hub: Hub): string {
  return `HttpOnly; SameSite=Lax${hub.config.isHttps ? '; Secure' : ''}`
}
