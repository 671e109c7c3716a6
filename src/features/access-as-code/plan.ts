/** What would have to change for an organization to be as a file says: a pure comparison, in a fixed order. */
import { createHash } from 'node:crypto'
import { nameKey } from '../../domain/names.ts'
import type { AccessDocument } from './document.ts'
import { visible } from './visible.ts'

export interface Change {
  readonly kind: 'add' | 'change' | 'remove'
  /** Such as `workspaces, Research, members, ada`: names may have dots in them. */
  readonly path: readonly string[]
  /** Such as `workspaces.Research.members.ada`, to be read. */
  readonly target: string
  /** Null for what is not there. */
  readonly from: unknown
  readonly to: unknown
  readonly sentence: string
}

type Section = Readonly<Record<string, unknown>>

/** Sections of records by name, and what one of each is called. */
const nouns: Readonly<Record<string, string>> = {
  members: 'Member',
  groups: 'Group',
  workspaces: 'Workspace',
  serviceAccounts: 'Service account',
}

/** Sections that the file leaves out are left alone. */
export function planChanges(now: AccessDocument, file: AccessDocument): Change[] {
  const changes: Change[] = []
  compareFields(changes, ['settings'], now.settings ?? {}, file.settings)
  compareFields(changes, ['tokenPolicy'], now.tokenPolicy ?? {}, file.tokenPolicy)
  compareNames(changes, ['serviceAccounts'], now.serviceAccounts, file.serviceAccounts)
  compareNames(changes, ['members'], now.members, file.members)
  compareNames(changes, ['groups'], now.groups, file.groups)
  compareNames(changes, ['workspaces'], now.workspaces, file.workspaces)
  return changes
}

function compareNames(changes: Change[], path: readonly string[], now: Section = {}, file?: Section): void {
  if (file === undefined) return
  const before = new Map(Object.entries(now).map(([name, value]) => [nameKey(name), { name, value }]))
  const after = new Map(Object.entries(file).map(([name, value]) => [nameKey(name), { name, value }]))
  for (const key of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const old = before.get(key)
    const wanted = after.get(key)
    const place = [...path, old?.name ?? wanted?.name ?? key]
    if (old === undefined) tell(changes, 'add', place, null, wanted?.value ?? null)
    else if (wanted === undefined) tell(changes, 'remove', place, old.value, null)
    else if (isSection(old.value) && isSection(wanted.value)) compareFields(changes, place, old.value, wanted.value)
    else if (old.value !== wanted.value) tell(changes, 'change', place, old.value, wanted.value)
  }
}

function compareFields(changes: Change[], path: readonly string[], now: Section, file?: Section): void {
  if (file === undefined) return
  // A description that is not there is none; lists of an entry that are not there are left alone.
  const fields = new Set(Object.keys(file))
  if ('description' in now) fields.add('description')
  for (const field of [...fields].sort()) {
    const old = now[field]
    const wanted = file[field]
    const place = [...path, field]
    if (field === 'autoJoin' && wanted === undefined) continue
    if (isSection(wanted) && field !== 'autoJoin') compareNames(changes, place, isSection(old) ? old : {}, wanted)
    else if (comparable(field, old) !== comparable(field, wanted))
      tell(changes, 'change', place, old ?? null, wanted ?? null)
  }
}

/** Moments are the same however they are written, and so is who joins. */
function comparable(field: string, value: unknown): unknown {
  if (field === 'autoJoin' && isSection(value)) return `${value.scope} ${value.role}`
  return field === 'expiresAt' && typeof value === 'string' ? Date.parse(value) : (value ?? null)
}

const isSection = (value: unknown): value is Section => typeof value === 'object' && value !== null

function tell(changes: Change[], kind: Change['kind'], path: readonly string[], from: unknown, to: unknown): void {
  changes.push({
    kind,
    path,
    target: visible(path.join('.')),
    from,
    to,
    sentence: visible(sentenceOf(kind, path, from, to)),
  })
}

function sentenceOf(kind: Change['kind'], path: readonly string[], from: unknown, to: unknown): string {
  const what = thing(path)
  if (kind === 'add') return isSection(to) ? `${what} is made${contents(to)}.` : `${what} is added as ${shown(to)}.`
  if (kind === 'remove') {
    const lost = path.length === 2 ? losses[path[0] ?? ''] : undefined
    return `${what} is removed${isSection(from) ? '' : `, who was ${shown(from)}`}${lost === undefined ? '' : `: ${lost}`}.`
  }
  return `${what}: ${shown(from)} becomes ${shown(to)}.`
}

/** What goes with what is removed, as on the pages. */
const losses: Readonly<Record<string, string>> = {
  members: 'their groups, roles in workspaces and repos, and invitations go too',
  groups: 'what its members had through it goes too',
  workspaces: 'its repos go back to the organization, whose members see them then',
  serviceAccounts: 'its tokens, groups and roles go for good',
}

/** `workspaces, Research, members, ada`: Workspace "Research", member "ada". */
function thing(path: readonly string[]): string {
  const words: string[] = []
  for (let index = 0; index < path.length; index++) {
    const noun = nouns[path[index] ?? '']
    const name = path[index + 1]
    if (noun === undefined || name === undefined) words.push(path[index] ?? '')
    else {
      words.push(`${words.length === 0 ? noun : noun.toLowerCase()} "${name}"`)
      index++
    }
  }
  return words.join(', ')
}

/** As many of one list stand in a sentence; `to` has them all. */
const mostInSentence = 20

/** Who gets what by something new: whoever reviews a plan reads its sentences. */
function contents(made: Section): string {
  const parts = Object.entries(made).flatMap(([field, value]) => {
    if (value === null || value === undefined) return []
    if (!isSection(value) || field === 'autoJoin') return [`${field} ${shown(value)}`]
    const names = Object.entries(value).map(([name, role]) => `${JSON.stringify(name)} as ${shown(role)}`)
    const more = names.length > mostInSentence ? ` and ${names.length - mostInSentence} more` : ''
    return names.length === 0 ? [] : [`${field} ${names.slice(0, mostInSentence).join(', ')}${more}`]
  })
  return parts.length === 0 ? '' : `, with ${parts.join('; ')}`
}

const shown = (value: unknown): string =>
  value === null || value === undefined ? 'none' : JSON.stringify(value).replaceAll('"', '')

/**
 * What somebody saw who saw these changes: the same only where the organization is the same, and the changes are. It is no secret and opens
 * nothing. Hex, 64 characters.
 */
export function digestOf(organizationId: string, now: AccessDocument, changes: readonly Change[]): string {
  const seen = changes.map(({ kind, path, from, to }) => [kind, path, from, to])
  return createHash('sha256')
    .update(JSON.stringify([1, organizationId, now, seen]))
    .digest('hex')
}

/** How many names and settings the changes touch: a workspace with three roles in it counts as four. */
export function sizeOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { from, to }) => sum + Math.max(1, namesIn(from), namesIn(to)), 0)
}

function namesIn(value: unknown): number {
  if (!isSection(value)) return 0
  return Object.values(value).reduce<number>((sum, each) => sum + (isSection(each) ? Object.keys(each).length : 0), 1)
}
