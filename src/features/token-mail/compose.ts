/** What the weekly mail says: what the pages would show this person now, in at most some twenty lines. Null where there is nothing to say. */

import { loadFactsAbout } from '../../access/explain-facts.ts'
import type { Target } from '../../access/load-facts.ts'
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import type { Action } from '../../domain/permissions.ts'
import { type Allowed, authorize } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Mail } from '../../platform/mail/mailer.ts'
import { reach, tokenMailIsOn, tokenMailOffPath } from '../accounts/service.ts'
import { organizationRadar } from '../organization-tokens/service.ts'
import { administeredNow } from '../organizations/service.ts'
import { ownRadar } from '../tokens/service.ts'

const mostLines = 20
/** By name; that there are more is said, and they are left to their pages. */
const mostOrganizations = 20
/** Findings that are counted; what is over is "more than". */
const mostCounted = 100
/** That a token never expires, or is a classic one, is told on the page: it would be the same every week. */
const organizationKinds = ['owner_left', 'no_contact', 'expiring', 'never_used', 'unused'] as const

interface Part {
  readonly title: string
  readonly count: number
  readonly lines: readonly string[]
  readonly path: string
}

export async function composeTokenMail(hub: Hub, userId: string): Promise<Mail | null> {
  const reached = await reach(hub, userId)
  if (reached === null || !(await tokenMailIsOn(hub, userId))) return null
  const now = hub.clock.now()
  const parts: Part[] = []
  const own = await ownPart(hub, userId)
  if (own !== null) parts.push(own)
  const administered = await administeredNow(hub.db, userId, now, mostOrganizations + 1)
  for (const { name } of administered.slice(0, mostOrganizations)) {
    const part = await organizationPart(hub, userId, name)
    if (part !== null) parts.push(part)
  }
  if (parts.length === 0) return null
  const { publicUrl, instanceName } = hub.config
  const off = `${publicUrl}${tokenMailOffPath(hub, userId)}`
  let left = mostLines
  const told = parts.map((part) => {
    const lines = part.lines.slice(0, left)
    left -= lines.length
    const more = part.count > lines.length ? ['- All of them, and what can be done:'] : ['What can be done:']
    return [part.title, ...lines, ...more, `${publicUrl}${part.path}`].join('\n')
  })
  return {
    to: reached.address,
    subject: `Access tokens that need attention on ${instanceName}`,
    text: `${[
      `This is for the account "${reached.name}" on ${publicUrl}.`,
      ...told,
      ...(administered.length > mostOrganizations
        ? [
            `You administer more organizations than the first ${mostOrganizations}, which were looked at: see the pages of the others.`,
          ]
        : []),
      `You get this once a week while there is something to tell. To switch this mail off:\n${off}`,
    ].join('\n\n')}\n`,
    // One press in a mail program: RFC 2369 and RFC 8058.
    headers: { 'List-Unsubscribe': `<${off}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  }
}

async function ownPart(hub: Hub, userId: string): Promise<Part | null> {
  const allowed = await mayNow(hub, userId, 'token.read', { on: 'self' })
  if (allowed === null) return null
  const { findings, next } = await ownRadar(hub, allowed, { after: null, limit: mostCounted })
  if (findings.length === 0) return null
  return {
    title: `Your tokens: ${countWords(findings.length, next !== null, 'thing needs', 'things need')} attention.`,
    count: findings.length,
    lines: findings.map(({ token, advice }) => `- "${oneLine(token.name)}" (hf_…${token.last4}): ${oneLine(advice)}`),
    path: '/settings/tokens/radar',
  }
}

async function organizationPart(hub: Hub, userId: string, name: string): Promise<Part | null> {
  const allowed = await mayNow(hub, userId, 'org.token.read', { on: 'organization', name })
  if (allowed === null) return null
  const page = { after: null, limit: mostCounted, kind: organizationKinds }
  const { tokens, next } = await organizationRadar(hub, allowed, page)
  if (tokens.length === 0) return null
  const lines = tokens.map(({ token, displayName, findings }) => {
    const called = displayName === null ? 'a token' : `"${oneLine(displayName)}"`
    const told = findings.filter(({ kind }) => organizationKinds.some((one) => one === kind))
    return `- ${called} (hf_…${token.last4}) of ${token.ownerName}: ${oneLine(told.map(({ advice }) => advice).join(' '))}`
  })
  return {
    title: `${name}: ${countWords(tokens.length, next !== null, 'token needs', 'tokens need')} attention.`,
    count: tokens.length,
    lines,
    path: `/organizations/${encodeURIComponent(name)}/settings/tokens/radar`,
  }
}

/** As if the person opened the page now; null where it would be refused. */
async function mayNow<A extends Action>(
  hub: Hub,
  userId: string,
  action: A,
  target: Target,
): Promise<Allowed<A> | null> {
  const { facts } = await loadFactsAbout(hub.db, { kind: 'account', id: userId }, target, hub.clock.now())
  if (facts === null) return null
  // A refusal is an answer here: this part is not theirs to read.
  const allowed = await orRefusal(() => authorize(action, facts))
  return allowed instanceof HoldfastError ? null : allowed
}

function countWords(count: number, isMore: boolean, one: string, many: string): string {
  return `${isMore ? 'more than ' : ''}${count} ${count === 1 ? one : many}`
}

/** Nothing that somebody typed begins a line of its own, nor turns the direction of what follows. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}
