/** What a role for a while is, and what may be asked for: when it ends, and why it is given. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { isRole, type Role } from '../../domain/role.ts'

/** A temporary role that is running. */
export interface Temporary {
  readonly until: number
  /** What is left then; null for nothing. */
  readonly roleAfter: Role | null
  readonly reason: string | null
}

export interface TemporaryRow {
  readonly until: number | null
  readonly roleAfter: string | null
  readonly reason: string | null
}

/** Null where none is running. */
export function temporaryOf({ until, roleAfter, reason }: TemporaryRow): Temporary | null {
  if (until === null) return null
  return { until: Number(until), roleAfter: roleAfter !== null && isRole(roleAfter) ? roleAfter : null, reason }
}

/** On the wire; nothing for a role without an end. */
export function presentTemporary(temporary: Temporary | null) {
  if (temporary === null) return {}
  const { until, roleAfter, reason } = temporary
  return { until: new Date(until).toISOString(), roleAfter, reason }
}

export const reasonLimit = 500
export const mostDays = 366
const dayMs = 86_400_000

/** Fields of a body that gives a role: with `until` or `seconds` it is for a while, and `reason` says why. */
export const termShape = {
  until: z.iso.datetime({ offset: true }).optional(),
  seconds: z.number().int().optional(),
  reason: z.string().max(reasonLimit).optional(),
}

const notHere = z.never({
  error: 'A role is not given for a while here: it would last. Give it beside "role", where that is taken.',
})

/** Of a body in which a role lasts: what would make it one for a while is refused, lest somebody who asks for an hour gives it for good. */
export const lastingShape = { until: notHere.optional(), seconds: notHere.optional(), reason: notHere.optional() }

interface TermBody {
  readonly until?: string | undefined
  readonly seconds?: number | undefined
  readonly reason?: string | undefined
}

/** Until when (ms), and why. */
export interface Term {
  readonly until: number
  readonly reason: string
}

/** Null: for good. Throws `invalid_input`. */
export function readTerm(body: TermBody, now: number): Term | null {
  const { until, seconds, reason } = body
  if (until === undefined && seconds === undefined) {
    if (reason === undefined) return null
    // Meant for a while, and the end is missing or misspelt.
    throw new HoldfastError('invalid_input', {
      reason: 'A reason belongs to a role for a while: say until when ("until") or for how long ("seconds").',
      field: 'until',
    })
  }
  if (until !== undefined && seconds !== undefined) {
    throw new HoldfastError('invalid_input', { reason: 'Give "until" or "seconds", not both.', field: 'until' })
  }
  return checkTerm(
    { until: until === undefined ? now + (seconds ?? 0) * 1000 : Date.parse(until), reason: body.reason ?? '' },
    now,
  )
}

/** Throws `invalid_input`. */
export function checkTerm({ until, reason }: Term, now: number): Term {
  if (!Number.isSafeInteger(until) || until <= now || until > now + mostDays * dayMs) {
    throw new HoldfastError('invalid_input', {
      reason: `A temporary role ends in the future, at most ${mostDays} days from now.`,
      field: 'until',
    })
  }
  return { until, reason: checkReason(reason) }
}

/** One line that says something. Throws `invalid_input`. */
export function checkReason(text: string): string {
  const reason = text.trim()
  if (reason === '' || reason.length > reasonLimit || /\p{Cc}/u.test(reason) || !/[\p{L}\p{N}]/u.test(reason)) {
    throw new HoldfastError('invalid_input', {
      reason: `Say in one line of 1 to ${reasonLimit} characters why: everybody who looks it up later will read it.`,
      field: 'reason',
    })
  }
  return reason
}
