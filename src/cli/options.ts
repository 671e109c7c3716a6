/** Values that options of several commands take. */
import { InvalidArgumentError } from 'commander'
import { isRole, type Role, roles } from '../domain/role.ts'

export function parseRole(text: string): Role {
  if (!isRole(text)) throw new InvalidArgumentError(`It is one of ${roles.join(', ')}.`)
  return text
}

/** A day counts to its end, in UTC. */
export function parseMoment(text: string): number {
  const moment = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59.999Z` : text)
  if (!Number.isFinite(moment)) throw new InvalidArgumentError('It is a date such as 2027-01-31.')
  return moment
}
