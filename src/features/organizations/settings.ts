/**
 * The settings of an organization. What was changed is told by events under the Hub's names, each with the old and the new value; what is set
 * to what it is already changes nothing and says nothing.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import type { OwnerFacts } from '../../domain/facts.ts'
import { type AdmissionPolicy, importListFault, patternsOf } from '../../domain/import-list.ts'
import type { LeakedTokenPolicy, PushProtection } from '../../domain/leak-policy.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { ScanPolicy } from '../../domain/quarantine.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { findOrganization, type OrganizationRow } from './queries.ts'
import { countWithoutFactor, hasSecondFactor, lockOrganization, updateOrganization } from './settings-queries.ts'

/** What administrators change with a token or in a session; absent leaves it. */
export interface SettingsChange {
  /** Null or empty takes it away; at most 100 characters. */
  readonly fullname?: string | null | undefined
  /** Null or empty takes it away; at most 1,000 characters. */
  readonly description?: string | null | undefined
  readonly defaultRole?: Role | undefined
  readonly defaultVisibility?: 'public' | 'private' | undefined
  readonly membersVisibility?: 'members' | 'public' | undefined
  readonly workspaceCreation?: Exclude<Role, 'no_access'> | undefined
  /** What happens to files that scanners find unsafe. */
  readonly scanPolicy?: ScanPolicy | undefined
  /** What happens to pickles whose imports neither our lists nor the organization's list names. */
  readonly pickleAdmission?: AdmissionPolicy | undefined
  /** That list; null or empty admits nothing beyond ours. */
  readonly pickleAllowList?: string | null | undefined
  readonly leakedTokens?: LeakedTokenPolicy | undefined
  readonly pushProtection?: PushProtection | undefined
}

const longest = { fullname: 100, description: 1_000 } as const

/** Throws `organization_not_found` where it was deleted meanwhile. */
export async function getSettings(hub: Hub, organizationId: string): Promise<OrganizationRow> {
  const row = await findOrganization(hub.db, organizationId)
  if (row === null) throw new HoldfastError('organization_not_found')
  return row
}

/** Throws `invalid_input` (with `field`) for a text that is too long, or whoever is added by default an administrator. */
export async function changeSettings(
  hub: Hub,
  allowed: Allowed<'org.update_settings'>,
  origin: Origin,
  change: SettingsChange,
): Promise<OrganizationRow> {
  return await hub.transaction((tx) => changeSettingsIn(hub, tx, allowed, origin, change))
}

/** `changeSettings` inside a transaction. */
export async function changeSettingsIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.update_settings'>,
  origin: Origin,
  change: SettingsChange,
): Promise<OrganizationRow> {
  const organization = allowed.resource
  const wanted = checked(change)
  const before = await lockOrganization(tx, hub.db.dialect, organization.id)
  if (before === null) throw new HoldfastError('organization_not_found')
  const changed = Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => value !== undefined && value !== before[name as Setting]),
  ) as Partial<Record<Setting, string | null>>
  if (Object.keys(changed).length === 0) return before
  const admissionAt =
    'pickleAdmission' in changed || 'pickleAllowList' in changed ? { admissionAt: hub.clock.now() } : {}
  await updateOrganization(tx, organization.id, { ...(changed as Partial<OrganizationRow>), ...admissionAt })
  for (const [action, names] of Object.entries(told(changed))) {
    const data = Object.fromEntries(names.map((name) => [name, difference(name, before[name], changed[name] ?? null)]))
    await record(hub, tx, allowed, origin, organization, action, data)
  }
  return { ...before, ...(changed as Partial<OrganizationRow>) }
}

/**
 * Whether members need a second factor (AUTH-4e). Throws `own_factor_first` where who asks for it has none: they would be the first who is
 * kept out, and could not take it back.
 */
export async function requireSecondFactor(
  hub: Hub,
  allowed: Allowed<'org.settings.security'>,
  origin: Origin,
  isRequired: boolean,
): Promise<void> {
  await hub.transaction((tx) => requireSecondFactorIn(hub, tx, allowed, origin, isRequired))
}

/** `requireSecondFactor` inside a transaction. */
export async function requireSecondFactorIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.settings.security'>,
  origin: Origin,
  isRequired: boolean,
): Promise<void> {
  const { resource: organization, principal } = allowed
  const before = await lockOrganization(tx, hub.db.dialect, organization.id)
  if (before === null) throw new HoldfastError('organization_not_found')
  if (isRequired && principal.kind === 'user' && !(await hasSecondFactor(tx, principal.id))) {
    throw new HoldfastError('own_factor_first')
  }
  if ((before.secondFactorRequired === 1) === isRequired) return
  await updateOrganization(tx, organization.id, { secondFactorRequired: isRequired ? 1 : 0 })
  const action = `org.settings.security.2fa.${isRequired ? 'enable' : 'disable'}`
  await record(hub, tx, allowed, origin, organization, action, {})
}

/** Members who would be kept out, or are, until they have a second factor. */
export async function membersWithoutFactor(hub: Hub, organizationId: string): Promise<number> {
  return await countWithoutFactor(hub.db, organizationId)
}

type Setting = keyof SettingsChange

function checked(change: SettingsChange): Record<Setting, string | null | undefined> {
  if (change.defaultRole === 'admin') {
    const reason = 'The default role is below admin: administrators are named one by one.'
    throw new HoldfastError('invalid_input', { reason, field: 'defaultRole' })
  }
  return {
    fullname: checkedText('fullname', change.fullname),
    description: checkedText('description', change.description),
    defaultRole: change.defaultRole,
    defaultVisibility: change.defaultVisibility,
    membersVisibility: change.membersVisibility,
    workspaceCreation: change.workspaceCreation,
    scanPolicy: change.scanPolicy,
    leakedTokens: change.leakedTokens,
    pushProtection: change.pushProtection,
    pickleAdmission: change.pickleAdmission,
    pickleAllowList: change.pickleAllowList === undefined ? undefined : checkedList(change.pickleAllowList ?? ''),
  }
}

function checkedList(text: string): string {
  const lines = text.replace(/\r\n?/g, '\n').trimEnd()
  const reason = importListFault(lines)
  if (reason !== null) throw new HoldfastError('invalid_input', { reason, field: 'pickleAllowList' })
  return lines
}

/** Of a list, which lines came and went, all of them: a hundred harmless ones must not hide the one that admits everything. The last line that fits counts, so another order is a change too. */
function difference(name: Setting, from: string | null, to: string | null): EventData {
  if (name !== 'pickleAllowList') return { from, to }
  const [before, after] = [patternsOf(from ?? ''), patternsOf(to ?? '')]
  const [had, has] = [new Set(before), new Set(after)]
  const kept = after.filter((line) => had.has(line))
  return {
    added: after.filter((line) => !had.has(line)),
    removed: before.filter((line) => !has.has(line)),
    isReordered: before.filter((line) => has.has(line)).join('\n') !== kept.join('\n'),
  }
}

function checkedText(field: 'fullname' | 'description', text: string | null | undefined): string | null | undefined {
  if (text == null) return text
  const trimmed = (field === 'fullname' ? text.replace(/\s+/g, ' ') : text.replace(/\r\n?/g, '\n')).trim()
  const control = field === 'fullname' ? /\p{Cc}/u : /[^\P{Cc}\n\t]/u
  if (trimmed.length > longest[field] || control.test(trimmed)) {
    const what = field === 'fullname' ? 'A full name' : 'A description'
    const reason = `${what} has at most ${longest[field].toLocaleString('en')} characters, and no control characters.`
    throw new HoldfastError('invalid_input', { reason, field })
  }
  return trimmed === '' ? null : trimmed
}

/** Which event tells of which settings, under the Hub's names. */
function told(changed: Partial<Record<Setting, string | null>>): Record<string, Setting[]> {
  const events: Record<string, Setting[]> = {}
  for (const name of Object.keys(changed) as Setting[]) {
    const action =
      name === 'fullname' || name === 'description'
        ? 'org.settings.profile'
        : name === 'membersVisibility'
          ? `org.settings.security.members_privacy.${changed[name] === 'members' ? 'enable' : 'disable'}`
          : 'org.update_settings'
    events[action] = [...(events[action] ?? []), name]
  }
  return events
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  organization: OwnerFacts,
  action: string,
  data: EventData,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    action,
    resource: { kind: 'organization', id: organization.id, name: organization.name },
    ownerId: organization.id,
    data,
  })
}
