/**
 * Service accounts: identities for automation that belong to an organization and to no person (SA-6). They have no password, no page and no
 * seat; they act with their tokens alone, and what they may do is their role and what groups and workspaces give them.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { nameKey } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import {
  clearTemporary,
  raiseData,
  raiseRole,
  refuseOwnTemporary,
  runningGrant,
  type Term,
} from '../temporary-roles/service.ts'
import { type RemovedToken, removeStored } from '../tokens/service.ts'
import { parseAccountExpiry, parseAccountName, parseRemark, type ServiceAccount } from './account.ts'
import { type Minter, minterOf, requireNoWidening, requireRoleToGive } from './minting.ts'
import {
  deleteAccount,
  findAccount,
  findAccountByName,
  insertAccount,
  lockAccount,
  updateAccount,
  updateAccountRole,
} from './queries.ts'

export { parseAccountExpiry, parseAccountName, requireActive, type ServiceAccount } from './account.ts'
export { createAccountToken, type NewAccountToken } from './account-tokens.ts'

export { type Minter, minterOf, refuseFormerValue, requireHeld, requireWithinFence } from './minting.ts'

/** Until the transaction ends nobody else changes the account or its tokens. Null where the organization has none of this id. */
export async function lockServiceAccount(
  hub: Hub,
  tx: Tx,
  organizationId: string,
  id: string,
): Promise<ServiceAccount | null> {
  return await lockAccount(tx, hub.db.dialect, organizationId, id, hub.clock.now())
}

type AccountAction =
  | 'org.service_account.create'
  | 'org.service_account.update'
  | 'org.service_account.disable'
  | 'org.service_account.enable'
  | 'org.service_account.delete'

export interface NewAccount {
  readonly name: string
  readonly description?: string | null | undefined
  readonly contact?: string | null | undefined
  readonly role: Role
  /** Milliseconds; null or absent: never. */
  readonly expiresAt?: number | null | undefined
}

/** Throws `invalid_input`, `service_account_name_taken`, or `beyond_minter` where a token cannot give the role. */
export async function createServiceAccount(
  hub: Hub,
  allowed: Allowed<'org.service_account.create'>,
  origin: Origin,
  input: NewAccount,
): Promise<ServiceAccount> {
  const minter = await minterOf(hub, allowed)
  return await hub.transaction((tx) => createServiceAccountIn(hub, tx, allowed, origin, { minter, input }))
}

/** `createServiceAccount` inside a transaction, which a name that is taken dooms. `minter`: `minterOf` the same permission. */
export async function createServiceAccountIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.service_account.create'>,
  origin: Origin,
  { minter, input }: { readonly minter: Minter; readonly input: NewAccount },
): Promise<ServiceAccount> {
  requireRoleToGive(minter, input.role)
  const { id: organizationId } = allowed.resource
  const now = hub.clock.now()
  const account: ServiceAccount = {
    id: hub.clock.id(),
    organizationId,
    name: parseAccountName(input.name),
    description: parseRemark(input.description, 'description'),
    contact: parseRemark(input.contact, 'contact'),
    role: input.role,
    temporary: null,
    createdAt: now,
    createdBy: allowed.principal.kind === 'user' ? allowed.principal.id : null,
    expiresAt: parseAccountExpiry(input.expiresAt ?? null, now),
    disabledAt: null,
  }
  const { role, temporary: _none, ...row } = account
  await unlessTaken(account.name, () => insertAccount(tx, { ...row, nameKey: nameKey(account.name) }, role))
  await record(hub, tx, allowed, origin, account, { role, expiresAt: account.expiresAt })
  return account
}

/** Throws `service_account_not_found`: the same for an id of another organization. */
export async function getServiceAccount(
  hub: Hub,
  allowed: Allowed<
    | 'org.service_account.read'
    | `org.service_account.token.${'create' | 'update' | 'rotate' | 'delete'}`
    | `org.service_account.key.${'read' | 'create' | 'delete'}`
  >,
  id: string,
): Promise<ServiceAccount> {
  const account = await findAccount(hub.db.read, allowed.resource.id, id, hub.clock.now())
  if (account === null) throw new HoldfastError('service_account_not_found')
  return account
}

/** By the name that people gave it, for the command line. Throws `service_account_not_found`. */
export async function getServiceAccountByName(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.create'>,
  name: string,
): Promise<ServiceAccount> {
  const account = await findAccountByName(hub.db, allowed.resource.id, nameKey(name.trim()), hub.clock.now())
  if (account === null) throw new HoldfastError('service_account_not_found')
  return account
}

export interface AccountChange {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly contact?: string | null | undefined
  readonly role?: Role | undefined
  /** The role is for a while; null or absent: for good. */
  readonly term?: Term | null
  readonly expiresAt?: number | null | undefined
}

/** What is absent stays. A changed role holds for its running tokens from the next request. Throws as `createServiceAccount` does. */
export async function updateServiceAccount(
  hub: Hub,
  allowed: Allowed<'org.service_account.update'>,
  origin: Origin,
  id: string,
  change: AccountChange,
): Promise<ServiceAccount> {
  const minter = await minterOf(hub, allowed)
  return await hub.transaction((tx) => updateServiceAccountIn(hub, tx, allowed, origin, { minter, id, change }))
}

/** `updateServiceAccount` inside a transaction, which a name that is taken dooms. `minter`: `minterOf` the same permission. */
export async function updateServiceAccountIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.service_account.update'>,
  origin: Origin,
  { minter, id, change }: { readonly minter: Minter; readonly id: string; readonly change: AccountChange },
): Promise<ServiceAccount> {
  const wanted = {
    ...(change.name === undefined ? {} : { name: parseAccountName(change.name) }),
    ...(change.description === undefined ? {} : { description: parseRemark(change.description, 'description') }),
    ...(change.contact === undefined ? {} : { contact: parseRemark(change.contact, 'contact') }),
  }
  const now = hub.clock.now()
  const before = await lock(hub, tx, allowed, id)
  requireNoWidening(minter, before, change)
  const isNewExpiry = change.expiresAt !== undefined && change.expiresAt !== before.expiresAt
  const after: ServiceAccount = {
    ...before,
    ...wanted,
    ...(isNewExpiry ? { expiresAt: parseAccountExpiry(change.expiresAt ?? null, now) } : {}),
    role: change.role ?? before.role,
  }
  await refuseOwnTemporary(hub, tx, allowed, id, [before.organizationId])
  const { name, description, contact, expiresAt } = after
  await unlessTaken(name, () =>
    updateAccount(tx, id, { name, nameKey: nameKey(name), description, contact, expiresAt }),
  )
  const until = await changeAccountRole(hub, tx, allowed, before, change)
  await record(hub, tx, allowed, origin, after, { from: inEvent(before), to: { ...inEvent(after), ...until } })
  return await lock(hub, tx, allowed, id)
}

/** For a while or for good. Gives what the event says of its end. */
async function changeAccountRole(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.service_account.update'>,
  before: ServiceAccount,
  { role, term }: AccountChange,
) {
  if (role === undefined) return {}
  if (term == null) {
    if (role !== before.role || before.temporary !== null) {
      await updateAccountRole(tx, before.organizationId, before.id, role)
    }
    return {}
  }
  const raised = await raiseRole(hub, tx, allowed, {
    targetId: before.organizationId,
    targetKind: 'organization',
    principalId: before.id,
    principalKind: 'service-account',
    kind: 'given',
    role,
    ...term,
  })
  return raiseData(term, raised)
}

/** A temporary role in the organization is over now, and the lasting one counts again. Throws `no_temporary_role`. */
export async function endAccountRole(
  hub: Hub,
  allowed: Allowed<'org.service_account.update'>,
  origin: Origin,
  id: string,
): Promise<ServiceAccount> {
  return await hub.transaction(async (tx) => {
    const before = await lock(hub, tx, allowed, id)
    const row = await runningGrant(hub, tx, before.organizationId, id)
    await clearTemporary(tx, row.targetId, id)
    const after = await lock(hub, tx, allowed, id)
    await record(hub, tx, allowed, origin, after, { from: inEvent(before), to: inEvent(after), ended: 'early' })
    return after
  })
}

/** Its tokens go for good, in the same transaction; groups, workspaces and roles stay recorded (SA-30). Gives how many there were. */
export async function disableServiceAccount(
  hub: Hub,
  allowed: Allowed<'org.service_account.disable'>,
  origin: Origin,
  id: string,
): Promise<{ readonly account: ServiceAccount; readonly tokens: number }> {
  return await hub.transaction((tx) => disableServiceAccountIn(hub, tx, allowed, origin, id))
}

/** `disableServiceAccount` inside a transaction. */
export async function disableServiceAccountIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.service_account.disable'>,
  origin: Origin,
  id: string,
): Promise<{ readonly account: ServiceAccount; readonly tokens: number }> {
  const before = await lock(hub, tx, allowed, id)
  if (before.disabledAt !== null) return { account: before, tokens: 0 }
  const account = { ...before, disabledAt: hub.clock.now() }
  const removed = await removeStored(hub, tx, id, null)
  await updateAccount(tx, id, { disabledAt: account.disabledAt })
  await record(hub, tx, allowed, origin, account, { tokens: tokensInEvent(removed) })
  return { account, tokens: removed.length }
}

/** Usable again, with what it was in; without tokens (SA-32). */
export async function enableServiceAccount(
  hub: Hub,
  allowed: Allowed<'org.service_account.enable'>,
  origin: Origin,
  id: string,
): Promise<ServiceAccount> {
  return await hub.transaction((tx) => enableServiceAccountIn(hub, tx, allowed, origin, id))
}

/** `enableServiceAccount` inside a transaction. */
export async function enableServiceAccountIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.service_account.enable'>,
  origin: Origin,
  id: string,
): Promise<ServiceAccount> {
  const before = await lock(hub, tx, allowed, id)
  if (before.disabledAt === null) return before
  const account = { ...before, disabledAt: null }
  await updateAccount(tx, id, { disabledAt: null })
  await record(hub, tx, allowed, origin, account, {})
  return account
}

/** For good, with its tokens, roles, groups and workspaces. What it did stays: commits, and lines of the audit log (SA-33). */
export async function deleteServiceAccount(
  hub: Hub,
  allowed: Allowed<'org.service_account.delete'>,
  origin: Origin,
  id: string,
): Promise<ServiceAccount> {
  return await hub.transaction((tx) => deleteServiceAccountIn(hub, tx, allowed, origin, id))
}

/** `deleteServiceAccount` inside a transaction. */
export async function deleteServiceAccountIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.service_account.delete'>,
  origin: Origin,
  id: string,
): Promise<ServiceAccount> {
  const account = await lock(hub, tx, allowed, id)
  const removed = await removeStored(hub, tx, id, null)
  await deleteAccount(tx, id)
  await record(hub, tx, allowed, origin, account, { ...inEvent(account), tokens: tokensInEvent(removed) })
  return account
}

async function lock(hub: Hub, tx: Tx, allowed: Allowed<AccountAction>, id: string): Promise<ServiceAccount> {
  const account = await lockAccount(tx, hub.db.dialect, allowed.resource.id, id, hub.clock.now())
  if (account === null) throw new HoldfastError('service_account_not_found')
  return account
}

async function unlessTaken<T>(name: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (isUniqueViolation(error)) throw new HoldfastError('service_account_name_taken', { name })
    throw error
  }
}

function inEvent({ name, role, description, contact, expiresAt }: ServiceAccount) {
  return { name, role, description, contact, expiresAt }
}

/** `name …last4`, as they are told apart. */
function tokensInEvent(tokens: readonly RemovedToken[]): string[] {
  return tokens.map(({ id, name, last4 }) => `${id} ${name} …${last4}`)
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<AccountAction>,
  origin: Origin,
  account: ServiceAccount,
  data: Parameters<typeof recordEvent>[4]['data'],
): Promise<void> {
  const { resource } = allowed
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'service-account', id: account.id, name: account.name },
    ownerId: resource.id,
    data: { organization: resource.name, ...data },
  })
}
