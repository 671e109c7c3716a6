/** A service account with a token that inherits what it may do, put straight into the database. */
import { randomBytes } from 'node:crypto'
import { tokenHash } from '../../src/access/credentials.ts'
import { serviceAccountName } from '../../src/domain/facts.ts'
import { nameKey } from '../../src/domain/names.ts'
import type { Role } from '../../src/domain/role.ts'
import { makeTokenValue } from '../../src/domain/token.ts'
import type { Hub } from '../../src/hub.ts'

export interface TestMachine {
  readonly id: string
  /** `sa-` and its id. */
  readonly name: string
  readonly token: string
}

export async function insertServiceAccount(
  { hub }: { hub: Hub },
  organizationId: string,
  name: string,
  role: Role,
): Promise<TestMachine> {
  const id = hub.clock.id()
  const value = makeTokenValue(randomBytes, (text) => hub.keys.mac('token-checksum', text))
  const createdAt = hub.clock.now()
  await hub.transaction(async (tx) => {
    await tx
      .insertInto('serviceAccount')
      .values({
        id,
        organizationId,
        name,
        nameKey: nameKey(name),
        description: null,
        contact: null,
        createdAt,
        createdBy: null,
        expiresAt: null,
        disabledAt: null,
      })
      .execute()
    await tx
      .insertInto('roleGrant')
      .values({
        targetId: organizationId,
        targetKind: 'organization',
        principalId: id,
        principalKind: 'service-account',
        role,
        createdAt,
        createdBy: null,
      })
      .execute()
    await tx
      .insertInto('accessToken')
      .values({
        id: hub.clock.id(),
        hash: tokenHash(hub.keys, value),
        last4: value.slice(-4),
        ownerId: id,
        name: 'all of it',
        description: null,
        role: 'inherit',
        canReadGatedRepos: 0,
        globalPermissions: '[]',
        createdAt,
        rotatedAt: null,
        expiresAt: null,
        lastUsedAt: null,
        lastIp: null,
        lastUserAgent: null,
        parentId: null,
        usesLeft: null,
        newAddressAt: null,
      })
      .execute()
  })
  return { id, name: serviceAccountName(id), token: value }
}
