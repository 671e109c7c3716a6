/**
 * Makes an organization as a file says: what was planned, if nothing has changed since, in one transaction. Each change is made by the service
 * of the page that is there for it, so nobody gets by a file what the pages refuse.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { lockOrganizations, roleIn } from '../organizations/service.ts'
import type { Minter } from '../service-accounts/service.ts'
import { deletionLimitMs } from '../workspaces/service.ts'
import type { Actor } from './actor.ts'
import type { AccessDocument, AccessFile } from './document.ts'
import { judge, ownLoss } from './judge.ts'
import { findMissing, type Person } from './missing.ts'
import { type Change, digestOf, planChanges, sizeOf } from './plan.ts'
import type { Problems } from './problems.ts'
import { lockParts } from './queries.ts'
import { make, wantedBy } from './steps.ts'
import { type Organization, readWorld, type World } from './world.ts'

/** Entries that one file changes: everybody else who writes waits for it on SQLite. */
export const mostChanges = 2_000

export interface Applying {
  /** Of the plan that was seen. */
  readonly digest: string
  /** The caller means not to administer the organization afterwards. */
  readonly leavesAdministration: boolean
}

/** What is made after what: groups need who is in them, workspaces need groups, and what comes along by itself is undone where the file says so. */
const stages: readonly ((change: Change) => boolean)[] = [
  ({ path: [section = ''] }) => ['settings', 'tokenPolicy', 'serviceAccounts', 'members'].includes(section),
  ({ path }) => path.length < 4,
  () => true,
]

/**
 * Gives the changes. Throws `access_changed` where the plan is not the one that was seen, `access_file_refused` with every problem, and
 * `too_many_changes`.
 */
export async function applyChanges(
  hub: Hub,
  organization: Organization,
  file: AccessFile,
  actor: Actor,
  { digest, leavesAdministration }: Applying,
): Promise<readonly Change[]> {
  const allowed = actor.may('org.access_file.apply', actor.organization)
  const minted = await minting(hub, actor)
  return await hub.db.transaction(
    async (tx) => {
      await holdAll(tx, hub.db.dialect, organization.id)
      const now = hub.clock.now()
      const world = await readWorld(tx, organization, now)
      const changes = planChanges(world.document, file.document)
      if (digest !== digestOf(organization.id, world.document, changes) || !(await administers(hub, tx, actor))) {
        throw new HoldfastError('access_changed', { organization: organization.name })
      }
      if (changes.length === 0) return changes
      refuseTooMany(organization, changes)
      const { missing, people } = await findMissing(tx, world, file.document)
      const problems = await judge(actor, file, changes, missing, now)
      const own = leavesAdministration ? null : ownLoss(actor, world, changes)
      if (own !== null)
        problems.add(own.path, new HoldfastError('own_administration', { organization: organization.name }))
      problems.refuse()
      await makeAll(world, { hub, tx, actor, organization, file: file.document, people, minted, problems, now })
      await recordEvent(hub, tx, allowed, actor.origin, {
        resource: { kind: 'organization', id: organization.id, name: organization.name },
        ownerId: organization.id,
        data: { digest, changes: changes.length, entries: sizeOf(changes) },
      })
      return changes
    },
    { timeLimitMs: deletionLimitMs },
  )
}

/** What was compared with the file stays so until the transaction ends. */
export async function holdAll(tx: Tx, dialect: Db['dialect'], organizationId: string): Promise<void> {
  await lockOrganizations(tx, dialect, [organizationId])
  await lockParts(tx, dialect, organizationId)
}

interface MakingAll {
  readonly hub: Hub
  readonly tx: Tx
  readonly actor: Actor
  readonly organization: Organization
  readonly file: AccessDocument
  readonly people: ReadonlyMap<string, Person>
  readonly minted: () => Minter
  readonly problems: Problems
  readonly now: number
}

/** `before`: what it is made from. It is read again after each stage, since what one makes brings more along. */
async function makeAll(before: World, { organization, problems, now, ...making }: MakingAll): Promise<void> {
  const { tx, file } = making
  const wanted = wantedBy(file)
  let world = before
  for (const belongs of stages) {
    const changes = planChanges(world.document, file).filter(belongs)
    if (changes.length === 0) continue
    for (const change of inOrder(changes, world, file)) {
      await problems.attempt(change.path, () => make({ ...making, world, wanted }, change))
    }
    // What follows would stumble over what is missing now.
    problems.refuse()
    world = await readWorld(tx, organization, now)
  }
  const left = planChanges(world.document, file)
  if (left.length > 0) throw new Error(`A file was applied, and something is not as it says: ${left[0]?.target}.`)
}

/**
 * Members in an order in which nobody stumbles: whoever is to administer comes first, so that an administrator is there at every moment, and
 * seats are free before they are taken, where one who administers stays.
 */
function inOrder(changes: readonly Change[], world: World, { members = {} }: AccessDocument): Change[] {
  const isThere = new Set(Object.keys(world.document.members).map(nameKey))
  const isChanged = new Set(
    changes.filter(({ path }) => path[0] === 'members').map(({ path: [, name = ''] }) => nameKey(name)),
  )
  const isKept = Object.entries(members).some(
    ([name, role]) =>
      role === 'admin' &&
      isThere.has(nameKey(name)) &&
      (world.activeAdmins.has(nameKey(name)) || isChanged.has(nameKey(name))),
  )
  const rank = ({ kind, path, from, to }: Change): number => {
    if (path[0] !== 'members') return 0
    if (kind === 'change' && to === 'admin') return 1
    if (kind === 'remove' && from !== 'admin') return 2
    if (from === 'admin') return isKept ? 3 : 5
    return to === 'admin' ? 4 : 6
  }
  return [...changes].sort((a, b) => rank(a) - rank(b))
}

/** What bounds the caller's tokens, read before the transaction; a refusal counts only where something is given to a service account. */
async function minting(hub: Hub, actor: Actor): Promise<() => Minter> {
  try {
    const minter = await actor.minter(hub)
    return () => minter
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    return () => {
      throw error
    }
  }
}

/** Whoever acts may have lost the role since the request was let in. */
async function administers(hub: Hub, tx: Tx, { principal, organization }: Actor): Promise<boolean> {
  const account = accountOf(principal)
  if (account === null) return principal.kind === 'system'
  const id = organization.organization?.id ?? ''
  return (await roleIn(tx, id, account.id, hub.clock.now())) === 'admin'
}

function refuseTooMany(organization: Organization, changes: readonly Change[]): void {
  const count = sizeOf(changes)
  if (count <= mostChanges) return
  throw new HoldfastError('too_many_changes', { organization: organization.name, count, most: mostChanges })
}
