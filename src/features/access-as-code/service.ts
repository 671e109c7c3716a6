/** What the command line and the interface ask of access as code. */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import type { Actor } from './actor.ts'
import { type Applying, applyChanges } from './apply.ts'
import { type AccessDocument, type AccessFile, readAccessFile } from './document.ts'
import { judge, ownLoss } from './judge.ts'
import { findMissing } from './missing.ts'
import { type Change, digestOf, planChanges } from './plan.ts'
import type { Problem } from './problems.ts'
import { visible } from './visible.ts'
import { atOneMoment, type Organization, readWorld } from './world.ts'

export { callerOf, operatorOf } from './actor.ts'
export { mostBytes, writeDocument } from './document.ts'
export { type Problem, sentenceOf } from './problems.ts'

export interface Plan {
  readonly changes: readonly Change[]
  readonly unknown: readonly string[]
  /** What would be refused as far as it can be told beforehand, by line; the first hundred. */
  readonly problems: readonly Problem[]
  /** What should be meant. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
  /** For `applyAccess`: that these changes were seen. */
  readonly digest: string
}

/** As it is at one moment: a change that is made meanwhile is in it whole, or not at all. Throws as `readWorld` does. */
export async function exportAccess(hub: Hub, organization: Organization): Promise<AccessDocument> {
  const now = hub.clock.now()
  const { document } = await atOneMoment(hub, (view) => readWorld(view, organization, now))
  return document
}

/** `source`: YAML or JSON. Nothing is changed. Throws `invalid_input`. */
export async function planAccess(hub: Hub, organization: Organization, source: string, actor: Actor): Promise<Plan> {
  const file = readFileOf(organization, source)
  const now = hub.clock.now()
  const { world, missing } = await atOneMoment(hub, async (view) => {
    const world = await readWorld(view, organization, now)
    return { world, ...(await findMissing(view, world, file.document)) }
  })
  const changes = planChanges(world.document, file.document)
  const problems = await judge(actor, file, changes, missing, now)
  const own = ownLoss(actor, world, changes)
  const warning = new HoldfastError('own_administration', { organization: organization.name })
  return {
    changes,
    unknown: [...new Set(missing.map(({ name }) => visible(name)))].sort(),
    problems: problems.told,
    warnings:
      own === null ? [] : [{ code: warning.code, message: `${own.sentence} ${warning.message} ${warning.next}` }],
    digest: digestOf(organization.id, world.document, changes),
  }
}

/** Makes what `planAccess` said, in one transaction. Throws as `applyChanges` does. */
export async function applyAccess(
  hub: Hub,
  organization: Organization,
  source: string,
  actor: Actor,
  applying: Applying,
): Promise<readonly Change[]> {
  return await applyChanges(hub, organization, readFileOf(organization, source), actor, applying)
}

function readFileOf(organization: Organization, source: string): AccessFile {
  const file = readAccessFile(source)
  if (nameKey(file.document.organization) !== nameKey(organization.name)) {
    throw new HoldfastError('invalid_input', {
      reason: `The access file is of the organization ${file.document.organization}, not of ${organization.name}.`,
    })
  }
  return file
}
