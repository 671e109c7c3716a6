/** Applications that people register, and what others let them do. Only in a session, like tokens. */
import { randomUUID } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { rememberEnded, removeStored } from '../tokens/service.ts'
import { type Client, clientOf, mostRedirectUris, parseRedirectUri } from './client.ts'
import {
  deleteClient,
  deleteConsent,
  dropUnfetched,
  findClientRow,
  insertClient,
  listClientRows,
  listConnectionRows,
  listGrantsOf,
  listMemberships,
  putClient,
  updateClient,
} from './queries.ts'
import { type ScopeName, scopeNames, scopesOf } from './scopes.ts'

const mostClients = 50
const mostConnections = 500
const nameLimit = 60

/** What `hf auth login` calls itself, unless HF_DEVICE_CODE_OAUTH_CLIENT_ID says otherwise. */
const hfClient = {
  id: '26be6b09-91c5-47da-9861-d2d2bb7a7e36',
  ownerId: null,
  name: 'Hugging Face command line',
  secretHash: null,
  secretLast4: null,
  redirectUris: '[]',
  scope: scopeNames.join(' '),
  takesDevices: 1,
  createdAt: 0,
} as const

/** At each start: the application that comes with the hub is there, as this version has it. */
export async function ensureOwnApplication(hub: Hub): Promise<void> {
  await hub.transaction((tx) => putClient(tx, hfClient))
}

export interface NewApplication {
  readonly name: string
  /** One in each line. */
  readonly redirectUris: string
  readonly scopes: readonly string[]
  /** Whether it can keep a secret: a server can, a page or a program on somebody's machine cannot. */
  readonly confidential: boolean
  readonly takesDevices: boolean
}

/** The secret goes to who asked, once. */
export interface MadeApplication {
  readonly client: Client
  readonly secret: string | null
}

type OwnAction = 'oauth.client.read' | 'oauth.client.create' | 'oauth.client.update' | 'oauth.client.delete'

export async function listOwnApplications(hub: Hub, allowed: Allowed<'oauth.client.read'>): Promise<Client[]> {
  return (await listClientRows(hub.db.read, personOf(allowed).id, mostClients)).map(clientOf)
}

/** Throws `application_not_found` for what is not one's own. */
export async function getOwnApplication(hub: Hub, allowed: Allowed<OwnAction>, id: string): Promise<Client> {
  const row = await findClientRow(hub.db.read, id)
  if (row === null || row.ownerId !== personOf(allowed).id) throw new HoldfastError('application_not_found')
  return clientOf(row)
}

/** Throws `invalid_input` and `email_not_verified`. */
export async function createApplication(
  hub: Hub,
  allowed: Allowed<'oauth.client.create'>,
  origin: Origin,
  input: NewApplication,
): Promise<MadeApplication> {
  const person = personOf(allowed)
  await requireVerifiedEmail(hub, person.id)
  const settings = parseSettings(input)
  const secret = input.confidential ? newSecret() : null
  const row = {
    ...settings,
    id: randomUUID(),
    ownerId: person.id,
    ...secretColumns(secret),
    createdAt: hub.clock.now(),
  }
  await hub.transaction(async (tx) => {
    if ((await listClientRows(tx, person.id, mostClients)).length >= mostClients) {
      throw new HoldfastError('invalid_input', {
        reason: `You have ${mostClients} applications, which is as many as you may. Delete one first.`,
      })
    }
    await insertClient(tx, row)
    await record(hub, tx, allowed, origin, row, {
      redirectUris: row.redirectUris,
      scope: row.scope,
      public: secret === null,
    })
  })
  return { client: clientOf(row), secret }
}

/** Throws `invalid_input` and `application_not_found`. */
export async function updateApplication(
  hub: Hub,
  allowed: Allowed<'oauth.client.update'>,
  origin: Origin,
  id: string,
  input: Omit<NewApplication, 'confidential'>,
): Promise<void> {
  const settings = parseSettings(input)
  await hub.transaction(async (tx) => {
    if (!(await updateClient(tx, personOf(allowed).id, id, settings))) throw new HoldfastError('application_not_found')
    const { redirectUris, scope } = settings
    await record(hub, tx, allowed, origin, { id, name: settings.name }, { redirectUris, scope })
  })
}

/** The secret before is refused from the next request. A public application becomes one with a secret. Throws `application_not_found`. */
export async function renewSecret(
  hub: Hub,
  allowed: Allowed<'oauth.client.update'>,
  origin: Origin,
  id: string,
): Promise<MadeApplication> {
  const client = await getOwnApplication(hub, allowed, id)
  const secret = newSecret()
  const columns = secretColumns(secret)
  await hub.transaction(async (tx) => {
    if (!(await updateClient(tx, personOf(allowed).id, id, columns))) throw new HoldfastError('application_not_found')
    await record(hub, tx, allowed, origin, client, { secret: true, last4: columns.secretLast4 })
  })
  return { client: { ...client, ...columns }, secret }
}

/** With every sign-in of everybody. Throws `application_not_found`. */
export async function deleteApplication(
  hub: Hub,
  allowed: Allowed<'oauth.client.delete'>,
  origin: Origin,
  id: string,
): Promise<{ name: string; tokens: number }> {
  return await hub.transaction(async (tx) => {
    const deleted = await deleteClient(tx, personOf(allowed).id, id)
    if (deleted === null) throw new HoldfastError('application_not_found')
    await rememberEnded(tx, deleted.ended, hub.clock.now())
    const tokens = deleted.ended.length
    await record(hub, tx, allowed, origin, { id, name: deleted.name }, { tokens })
    return { name: deleted.name, tokens }
  })
}

export interface Connection {
  readonly clientId: string
  readonly name: string
  /** Who registered it; null for one that comes with the hub. */
  readonly ownerName: string | null
  readonly scopes: readonly ScopeName[]
  /** Those that one is still in, by name. */
  readonly organizations: readonly string[]
  readonly grantedAt: number
  readonly signIns: number
  readonly lastUsedAt: number | null
}

export async function listConnections(hub: Hub, allowed: Allowed<'oauth.connection.read'>): Promise<Connection[]> {
  const { id } = personOf(allowed)
  const [rows, memberships] = await Promise.all([
    listConnectionRows(hub.db.read, id, mostConnections),
    listMemberships(hub.db.read, id, hub.clock.now()),
  ])
  return rows.map((row) => {
    const ids = JSON.parse(row.organizationIds) as string[]
    return {
      clientId: row.clientId,
      name: row.name,
      ownerName: row.ownerId === null ? null : (row.ownerName ?? ''),
      scopes: scopesOf(row.scope),
      organizations: memberships.filter((one) => ids.includes(one.id)).map(({ name }) => name),
      grantedAt: row.grantedAt,
      signIns: Number(row.tokens),
      lastUsedAt: row.lastUsedAt === null ? null : Number(row.lastUsedAt),
    }
  })
}

/**
 * Ends all sign-ins to an application, those too that it was allowed and has not fetched yet; the next one asks again. Throws `application_not_found`.
 */
export async function disconnect(
  hub: Hub,
  allowed: Allowed<'oauth.connection.delete'>,
  origin: Origin,
  clientId: string,
): Promise<{ name: string }> {
  const person = personOf(allowed)
  const client = await findClientRow(hub.db.read, clientId)
  if (client === null) throw new HoldfastError('application_not_found')
  await hub.transaction(async (tx) => {
    if (!(await deleteConsent(tx, person.id, clientId))) throw new HoldfastError('application_not_found')
    // Before the grants are read: one that is just being fetched is among them, or finds nothing to fetch.
    await dropUnfetched(tx, person.id, clientId)
    const grants = await listGrantsOf(tx, person.id, clientId)
    for (const { tokenId } of grants) await removeStored(hub, tx, person.id, tokenId)
    await record(hub, tx, allowed, origin, client, { tokens: grants.length })
  })
  return { name: client.name }
}

function parseSettings(input: Omit<NewApplication, 'confidential'>) {
  const name = input.name.trim().replace(/\s+/g, ' ')
  // Direction marks and the like could make one name look like another.
  if (name === '' || name.length > nameLimit || /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(name)) {
    throw new HoldfastError('invalid_input', {
      reason: `An application has a name of 1 to ${nameLimit} characters.`,
      field: 'name',
    })
  }
  const lines = input.redirectUris.split('\n').map((line) => line.trim())
  const redirectUris = [...new Set(lines.filter((line) => line !== ''))].map(parseRedirectUri)
  if (redirectUris.length > mostRedirectUris) {
    throw new HoldfastError('invalid_input', {
      reason: `An application has at most ${mostRedirectUris} redirect addresses.`,
      field: 'redirectUris',
    })
  }
  if (redirectUris.length === 0 && !input.takesDevices) {
    throw new HoldfastError('invalid_input', {
      reason: 'Name at least one address to send people back to, or let it sign in devices.',
      field: 'redirectUris',
    })
  }
  const scopes = scopeNames.filter((scope) => input.scopes.includes(scope))
  if (scopes.length === 0) {
    throw new HoldfastError('invalid_input', { reason: 'Tick what the application may ask for.', field: 'scopes' })
  }
  return {
    name,
    redirectUris: JSON.stringify(redirectUris),
    scope: scopes.join(' '),
    takesDevices: input.takesDevices ? (1 as const) : (0 as const),
  }
}

const secretColumns = (secret: string | null) => ({
  secretHash: secret === null ? null : hashSecret(secret),
  secretLast4: secret === null ? null : secret.slice(-4),
})

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<OwnAction | 'oauth.connection.delete'>,
  origin: Origin,
  client: { readonly id: string; readonly name: string },
  data: Parameters<typeof recordEvent>[4]['data'],
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'oauth-app', id: client.id, name: client.name },
    ownerId: personOf(allowed).id,
    data: { clientId: client.id, ...data },
  })
}

function personOf(allowed: Allowed<OwnAction | 'oauth.connection.read' | 'oauth.connection.delete'>): {
  id: string
  name: string
} {
  if (allowed.principal.kind !== 'user') throw new Error('Applications belong to people.')
  return allowed.principal
}
