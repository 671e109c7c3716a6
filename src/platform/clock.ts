/** Time and chance, passed around so that rules about expiry can be tested without waiting. */
import { randomBytes } from 'node:crypto'
import { idMaker } from '../domain/ids.ts'

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** A new id of 24 hex digits. */
  id(): string
}

export function systemClock(now: () => number = Date.now): Clock {
  return { now, id: idMaker({ now, randomBytes }) }
}
