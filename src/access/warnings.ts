/**
 * Warnings that ride on an answer as `X-HF-Warning: <topic>; <message>`. Clients print each topic once, into the log of the pipeline that needs to
 * change. Any handler adds its own with `warn`, before it answers; those about the credential itself are added by the dispatcher.
 */
import type { ServerResponse } from 'node:http'
import type { Credential } from '../domain/facts.ts'
import { headerText } from './header-text.ts'

export interface Warning {
  /** Lower-case words joined by hyphens: what a client remembers that it has said. */
  readonly topic: string
  /** One sentence or two, with what to do about it. */
  readonly message: string
}

/** Nothing once the answer has begun. */
export function warn(response: ServerResponse, { topic, message }: Warning): void {
  if (!response.headersSent) response.appendHeader('x-hf-warning', headerText(`${topic}; ${message}`))
}

/** How long before its end a token warns whoever uses it. */
const soonMs = 7 * 86_400_000

/** What whoever uses this credential has to know before it stops. */
export function warningsOf(credential: Credential | null, now: number): Warning[] {
  if (credential?.kind !== 'token') return []
  const { former, expiresAt, createdAt, rotatedAt } = credential
  const token = `The access token "${credential.name}" (hf_...${credential.last4})`
  const warnings: Warning[] = []
  if (former !== null) {
    const message = `${token} was refreshed: this old value stops working at ${utc(former.until)}. Use its new value.`
    warnings.push({ topic: 'token-refreshed', message })
  }
  // One that was made for a short life ends as planned.
  if (expiresAt !== null && expiresAt - now <= soonMs && expiresAt - (rotatedAt ?? createdAt) > soonMs) {
    const message = `${token} expires at ${utc(expiresAt)}. Refresh it before then, or use another one.`
    warnings.push({ topic: 'token-expires', message })
  }
  return warnings
}

function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
