/** Whom an administrator of an organization may ask about, as lists to choose from: for the page, where nobody should have to type ids. */
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { administeredNow } from '../organizations/service.ts'
import {
  machinesToPick,
  membersToPick,
  type PickedMachine,
  type PickedToken,
  tokensOfMachines,
} from './picker-queries.ts'
import type { Asker } from './question.ts'

export interface Sought {
  readonly organization: string | null
  /** In the names. */
  readonly find: string
  readonly afterMember: string
  readonly afterMachine: string
}

export interface Picker {
  /** Those that the asker administers; with none there is nobody to choose. */
  readonly organizations: readonly string[]
  /** The one that is looked into; null: none yet. */
  readonly organization: string | null
  readonly members: readonly { readonly name: string }[]
  readonly machines: readonly (PickedMachine & { readonly tokens: readonly PickedToken[] })[]
  /** What `afterMember` and `afterMachine` are for the next slices; null where there are none. */
  readonly nextMember: string | null
  readonly nextMachine: string | null
}

const perPage = 20
/** Organizations offered to one administrator. */
const mostOrganizations = 100
const mostTokens = 100

/** Null for who administers no organization. An organization that is not theirs, or not there, is left out in silence. */
export async function findPicker(hub: Hub, asker: Asker, sought: Sought): Promise<Picker | null> {
  const account = accountOf(asker.facts.principal)
  if (account === null) return null
  const now = hub.clock.now()
  const administered = await administeredNow(hub.db, account.id, now, mostOrganizations)
  const organizations = administered.map(({ name }) => name)
  const [only] = organizations
  if (only === undefined) return null
  const nothing = { members: [], machines: [], nextMember: null, nextMachine: null }
  const chosen = sought.organization ?? (organizations.length === 1 ? only : null)
  const id = chosen === null ? null : await administeredId(asker, chosen)
  if (id === null) return { organizations, organization: null, ...nothing }
  const find = sought.find.toLowerCase()
  const limit = perPage + 1
  const people = await membersToPick(hub.db, id, { find, after: sought.afterMember, limit }, now)
  const robots = await machinesToPick(hub.db, id, { find, after: sought.afterMachine, limit })
  const machines = robots.slice(0, perPage)
  const ids = machines.map((machine) => machine.id)
  const tokens = await tokensOfMachines(hub.db, ids, mostTokens)
  const members = people.slice(0, perPage)
  return {
    organizations,
    organization: chosen,
    members,
    machines: machines.map((machine) => ({
      ...machine,
      tokens: tokens.filter(({ ownerId }) => ownerId === machine.id),
    })),
    nextMember: people.length > perPage ? (members.at(-1)?.key ?? null) : null,
    nextMachine: robots.length > perPage ? (machines.at(-1)?.key ?? null) : null,
  }
}

/** By the same right as a question about others. */
async function administeredId(asker: Asker, name: string): Promise<string | null> {
  const allowed = await orRefusal(() => asker.authorizeAlso('org.access.read', { on: 'organization', name }))
  return allowed instanceof HoldfastError ? null : allowed.resource.id
}
