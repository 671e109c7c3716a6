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
