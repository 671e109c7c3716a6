/** People, tokens and repos for tests of what lies beyond them: rows put straight into the database, repositories filled by real git. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { tokenHash } from '../../src/access/credentials.ts'
import type { RepoKind } from '../../src/domain/facts.ts'
import { nameKey, repoAddress } from '../../src/domain/names.ts'
import { makeTokenValue } from '../../src/domain/token.ts'
import type { Hub } from '../../src/hub.ts'
import { repositoryFolder } from '../../src/platform/git/git-store.ts'
import { createRepository } from '../../src/platform/git/repository.ts'
import { clientEnvironment } from './git-store.ts'

const run = promisify(execFile)

export interface TestUser {
  readonly id: string
  readonly name: string
}

export interface TestToken {
  readonly id: string
  readonly value: string
}

export interface TestRepo {
  readonly id: string
  readonly kind: RepoKind
  readonly namespace: string
  readonly name: string
  /** With the prefix of its kind, as it stands in addresses. */
  readonly address: string
}

export async function makeUser(hub: Hub, name: string): Promise<TestUser> {
  const id = hub.clock.id()
  const createdAt = hub.clock.now()
  await hub.transaction(async (tx) => {
    await tx
      .insertInto('namespace')
      .values({ id, kind: 'user', name, nameKey: nameKey(name), createdAt })
      .execute()
    await tx
      .insertInto('user')
      .values({
        id,
        fullname: null,
        passwordHash: null,
        passwordChangedAt: null,
        isAdmin: 0,
        state: 'active',
        createdAt,
      })
      .execute()
    const address = `${nameKey(name)}@example.com`
    await tx
      .insertInto('email')
      .values({
        id: hub.clock.id(),
        userId: id,
        address,
        addressKey: address,
        verifiedAt: createdAt,
        isPrimary: 1,
        createdAt,
      })
      .execute()
  })
  return { id, name }
}

/** A token of the user; `grants` (entity id to permissions) make it fine-grained. */
export async function makeToken(
  hub: Hub,
  user: TestUser,
  role: 'read' | 'write' | 'fineGrained' = 'write',
  grants: Readonly<Record<string, readonly string[]>> = {},
): Promise<TestToken> {
  const id = hub.clock.id()
  const value = makeTokenValue(randomBytes, (text) => hub.keys.mac('token-checksum', text))
  await hub.transaction(async (tx) => {
    await tx
      .insertInto('accessToken')
      .values({
        id,
        hash: tokenHash(hub.keys, value),
        last4: value.slice(-4),
        ownerId: user.id,
        name: `token ${id}`,
        role,
        canReadGatedRepos: 0,
        globalPermissions: '[]',
        createdAt: hub.clock.now(),
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
    for (const [entityId, permissions] of Object.entries(grants)) {
      await tx
        .insertInto('tokenGrant')
        .values({
          tokenId: id,
          entityType: 'model',
          entityId,
          entityName: entityId,
          permissions: JSON.stringify(permissions),
        })
        .execute()
    }
  })
  return { id, value }
}

/** An empty repository with its row. */
export async function makeRepo(
  hub: Hub,
  owner: TestUser,
  name: string,
  options: { readonly kind?: RepoKind; readonly visibility?: 'public' | 'private' } = {},
): Promise<TestRepo> {
  const id = hub.clock.id()
  const { kind = 'model', visibility = 'public' } = options
  const at = hub.clock.now()
  await createRepository(hub.git, id)
  await hub.transaction((tx) =>
    tx
      .insertInto('repo')
      .values({
        id,
        kind,
        ownerId: owner.id,
        name,
        nameKey: nameKey(name),
        fullName: `${owner.name}/${name}`,
        fullNameKey: nameKey(`${owner.name}/${name}`),
        visibility,
        creatorId: owner.id,
        workspaceId: null,
        description: null,
        disabledAt: null,
        headCommit: null,
        cardData: null,
        pipelineTag: null,
        libraryName: null,
        sdk: null,
        downloads: 0,
        downloadsAllTime: 0,
        likes: 0,
        trendingScore: 0,
        usedStorage: 0,
        createdAt: at,
        updatedAt: at,
        deletedAt: null,
      })
      .execute(),
  )
  return { id, kind, namespace: owner.name, name, address: repoAddress(kind, owner.name, name) }
}

/** Runs `script` in a work tree of `main` and pushes every ref over the file system; gives the id of the commit at `main`. */
export async function fillRepo(hub: Hub, repo: TestRepo, script: string): Promise<string> {
  const work = await mkdtemp(path.join(tmpdir(), 'holdfast-work-'))
  const bare = repositoryFolder(hub.git, repo.id)
  try {
    const commands = `git init -q -b main .\n${script}\ngit push -q --mirror "${bare}"\ngit rev-parse refs/heads/main`
    const { stdout } = await run('bash', ['-ec', commands], { cwd: work, env: clientEnvironment, maxBuffer: 1 << 26 })
    return stdout.trim().split('\n').at(-1) ?? ''
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
