/** What a delivery is signed with, so that its receiver knows who sent it, when, and that nobody changed it: docs/webhooks.md. */
import { createHmac } from 'node:crypto'

export const signatureHeader = 'x-hub-signature-256'

/** `t=<seconds since 1970>,v1=<hex>`, with a `v1` for each secret: two while one follows the other. */
export function signatureOf(secrets: readonly string[], timestamp: number, body: string): string {
  const signed = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`,
  )
  return [`t=${timestamp}`, ...signed].join(',')
}

/** What a webhook may ask for, as events are named. */
export const scopeNames = ['*', 'token.*', 'member.*', 'scan.*', 'policy.*', 'repo.*', 'download.*'] as const
export type ScopeName = (typeof scopeNames)[number]

/** The events that belong to a scope: those whose action matches. Of `download.*` the records of audited downloads. */
const actions: Readonly<Record<Exclude<ScopeName, '*'>, RegExp>> = {
  'token.*': /(^|[._])(token|key|child|credential)s?([._]|$)/,
  'member.*':
    /(^|[._])(member|group|role|invite|invitation|service_account|change_role|break_glass|account|user)s?([._]|$)/,
  'scan.*': /(^|[._])(scan|content|quarantine|held|leaked_token|allow_secrets)s?([._]|$)/,
  'policy.*': /(^|[._])(settings|policy|[a-z_]+_policy|visibility|gate|gated|download_audit|webhook)s?([._]|$)/,
  'repo.*': /^repo\./,
  'download.*': /^download\./,
}

export function isInScope(scopes: readonly ScopeName[], action: string): boolean {
  return scopes.some((scope) => scope === '*' || actions[scope].test(action))
}
