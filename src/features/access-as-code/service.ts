/** What the command line asks of access as code. */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { readDocument } from './document.ts'
import { exportAccess, type Organization, unknownNames } from './export.ts'
import { type Change, planChanges } from './plan.ts'

export { mostBytes, writeDocument } from './document.ts'
export { exportAccess } from './export.ts'

export interface Plan {
  readonly changes: readonly Change[]
  readonly unknown: readonly string[]
}

/** `source`: YAML or JSON. Nothing is changed. Throws `invalid_input`. */
export async function planAccess(hub: Hub, organization: Organization, source: string): Promise<Plan> {
  const file = readDocument(source)
  if (nameKey(file.organization) !== nameKey(organization.name)) {
    throw new HoldfastError('invalid_input', {
      reason: `The access file is of the organization ${file.organization}, not of ${organization.name}.`,
    })
  }
  const now = await exportAccess(hub, organization)
  return { changes: planChanges(now, file), unknown: await unknownNames(hub.db, now, file) }
}
