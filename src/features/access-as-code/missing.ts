/**
 * Names of a file that would be nobody's. In `members` whoever has an active account can stand, as on the page that adds members; elsewhere
 * only who is of the organization then, and strangers are the same as names that nobody bears.
 */
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import type { AccessDocument } from './document.ts'
import { selectPeople, sliceSize, type View } from './queries.ts'
import { accountPrefix, type World } from './world.ts'

export interface Missing {
  /** Such as `user nobody`. */
  readonly name: string
  readonly path: readonly string[]
  readonly error: HoldfastError
}

export interface Person {
  readonly id: string
  readonly name: string
}

/** And who of `members` is to be added, by name without case. */
export async function findMissing(
  on: View,
  world: World,
  file: AccessDocument,
): Promise<{ missing: Missing[]; people: ReadonlyMap<string, Person> }> {
  const now = world.document
  const missing: Missing[] = []
  const people = new Map<string, Person>()
  const members = keysOf(now.members)
  const added = Object.keys(file.members ?? {}).filter((name) => !members.has(nameKey(name)))
  for (let start = 0; start < added.length; start += sliceSize) {
    for (const { nameKey: key, id, name } of await selectPeople(on, added.slice(start, start + sliceSize).map(nameKey)))
      people.set(key, { id, name })
  }
  for (const name of added) {
    if (people.has(nameKey(name)) || world.passing.has(nameKey(name))) continue
    missing.push({ name: `user ${name}`, path: ['members', name], error: new HoldfastError('user_not_found') })
  }
  return { missing: [...missing, ...outsiders(world, file)], people }
}

function outsiders(world: World, file: AccessDocument): Missing[] {
  const now = world.document
  const missing: Missing[] = []
  const organization = now.organization
  const members = keysOf(file.members ?? now.members)
  const accounts = keysOf(file.serviceAccounts ?? now.serviceAccounts)
  const groups = keysOf(file.groups ?? now.groups)
  const stray = (name: string) => new HoldfastError('not_of_organization', { name, organization })
  const person = (name: string, path: readonly string[]): void => {
    if (members.has(nameKey(name)) || world.passing.has(nameKey(name))) return
    missing.push({ name: `user ${name}`, path, error: stray(name) })
  }
  const account = (name: string, path: readonly string[]): void => {
    if (!accounts.has(nameKey(name))) missing.push({ name: `service account ${name}`, path, error: stray(name) })
  }
  for (const [group, { members: inside = {} }] of Object.entries(file.groups ?? {})) {
    for (const name of Object.keys(inside)) {
      const path = ['groups', group, 'members', name]
      if (name.startsWith(accountPrefix)) account(name.slice(accountPrefix.length), path)
      else person(name, path)
    }
  }
  for (const [place, workspace] of Object.entries(file.workspaces ?? {})) {
    const path = (section: string, name: string) => ['workspaces', place, section, name]
    for (const name of Object.keys(workspace.members ?? {})) person(name, path('members', name))
    for (const name of Object.keys(workspace.serviceAccounts ?? {})) account(name, path('serviceAccounts', name))
    for (const name of Object.keys(workspace.groups ?? {})) {
      if (groups.has(nameKey(name))) continue
      missing.push({
        name: `group ${name}`,
        path: path('groups', name),
        error: new HoldfastError('group_not_found'),
      })
    }
  }
  return missing
}

function keysOf(section: Readonly<Record<string, unknown>>): Set<string> {
  return new Set(Object.keys(section).map(nameKey))
}
