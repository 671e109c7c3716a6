/** People, organizations and tokens for tests, made through the real services. */
import { systemOrigin } from '../../src/domain/event.ts'
import { plainOrganization } from '../../src/domain/facts.ts'
import { systemGrant } from '../../src/domain/policy.ts'
import type { Role } from '../../src/domain/role.ts'
import { createUser } from '../../src/features/accounts/service.ts'
import { addMember, createOrganization, findNamespace } from '../../src/features/organizations/service.ts'
import { createToken, parseScoped, type TokenRole } from '../../src/features/tokens/service.ts'
import type { Hub } from '../../src/hub.ts'

export interface TestUser {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly password: string
  /** The value of an access token; empty unless `tokenRole` was given. */
  readonly token: string
}

interface UserOptions {
  readonly tokenRole?: TokenRole
  /** For a fine-grained token: `model:acme/x=repo.write`. */
  readonly scoped?: readonly string[]
  readonly isAdmin?: boolean
  readonly password?: string
  readonly email?: string
}

const reason = 'tests'

export async function makeUser({ hub }: { hub: Hub }, name: string, options: UserOptions = {}): Promise<TestUser> {
  const email = options.email ?? `${name.toLowerCase()}@example.org`
  // Hashing costs 40 ms: only tests that sign in ask for a password.
  const password = options.password ?? null
  const made = await createUser(hub, systemGrant('user.create', { on: 'instance' }, reason), systemOrigin, {
    name,
    email,
    password,
    isAdmin: options.isAdmin ?? false,
  })
  const user = { ...made, email, password: password ?? '', token: '' }
  if (options.tokenRole === undefined) return user
  return { ...user, token: await makeToken({ hub }, user, { role: options.tokenRole, scoped: options.scoped }) }
}

let tokensMade = 0

/** The value of a new token. */
export async function makeToken(
  { hub }: { hub: Hub },
  owner: { readonly id: string; readonly name: string },
  options: {
    readonly role: TokenRole
    readonly scoped?: readonly string[] | undefined
    readonly gated?: boolean
    readonly name?: string
    readonly expiresAt?: number
  },
): Promise<string> {
  const { value } = await createToken(
    hub,
    systemGrant('token.create', { on: 'self' }, reason),
    systemOrigin,
    {
      name: options.name ?? `test-${++tokensMade}`,
      role: options.role,
      expiresAt: options.expiresAt ?? null,
      ...(options.role === 'fineGrained'
        ? {
            fineGrained: {
              canReadGatedRepos: options.gated ?? false,
              global: [],
              scoped: (options.scoped ?? []).map(parseScoped),
            },
          }
        : {}),
    },
    owner,
  )
  return value
}

export async function makeOrganization(
  { hub }: { hub: Hub },
  name: string,
  owner: { readonly id: string; readonly name: string },
  members: Readonly<Record<string, Role>> = {},
): Promise<{ id: string; name: string }> {
  const allowed = systemGrant('org.create', { on: 'self' }, reason)
  const made = await createOrganization(hub, allowed, systemOrigin, {
    name,
    fullname: null,
    defaultVisibility: 'private',
    owner,
  })
  for (const [username, role] of Object.entries(members)) {
    const organization = await findNamespace(hub.db, name)
    if (organization === null) throw new Error(`There is no organization ${name}.`)
    const adding = systemGrant(
      'org.add_user',
      { on: 'organization', name, organization: plainOrganization(organization) },
      reason,
    )
    await addMember(hub, adding, systemOrigin, { username, role })
  }
  return made
}

/** Signs in through the form; returns the `Cookie` header. */
export async function signInAs(
  { url }: { url: string },
  user: { readonly name: string; readonly password: string },
): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: user.name, password: user.password }),
    redirect: 'manual',
  })
  const cookie = response.headers.getSetCookie().find((value) => value.startsWith('token='))
  if (response.status !== 303 || cookie === undefined) throw new Error(`Signing in failed: ${response.status}`)
  return cookie.split(';')[0] ?? ''
}
