/**
 * Warnings that ride on an answer as `X-HF-Warning: <topic>; <message>`. Clients print each topic once, into the log of the pipeline that needs to
 * change. Any handler adds its own with `warn`, before it answers; those about the credential itself are added by the dispatcher.
 */
import type { ServerResponse } from 'node:http'
import type { Facts } from '../domain/facts.ts'
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
export function warningsOf({ principal, credential }: Pick<Facts, 'principal' | 'credential'>, now: number): Warning[] {
  if (credential?.kind !== 'token') return []
  const { former, expiresAt, createdAt, rotatedAt } = credential
  const prefix = principal.kind === 'organization' ? 'api_org_' : 'hf_'
  const token = `The access token "${credential.name}" (${prefix}...${credential.last4})`
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
  // OAT-4.
  if (principal.kind === 'organization') {
    const message = `The token of the organization ${principal.name} (api_org_...${credential.last4}) is deprecated, and will be taken no more one day. Use a service account of ${principal.name} instead: its tokens belong to the organization too, and can do less.`
    warnings.push({ topic: 'organization-token-deprecated', message })
  }
  return warnings
}

function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
