/** Rows that tests need without going through the feature that would make them. */
import type { RepoKind } from '../../src/domain/facts.ts'
import type { Db, Tx } from '../../src/platform/db/database.ts'

export interface RepoSeed {
  readonly id: string
  readonly kind?: RepoKind
  readonly owner: { readonly id: string; readonly name: string }
  readonly gated?: 'auto' | 'manual'
  readonly orgMembersGated?: boolean
  readonly name: string
  readonly visibility?: 'public' | 'private' | 'protected'
  readonly creatorId?: string
  readonly workspaceId?: string | null
  readonly isDisabled?: boolean
}

/** A repo without a git repository behind it. */
export async function insertRepo(db: Db, seed: RepoSeed): Promise<void> {
  const fullName = `${seed.owner.name}/${seed.name}`
  await db.transaction(async (tx) => {
    await tx
      .insertInto('repo')
      .values({
        id: seed.id,
        kind: seed.kind ?? 'model',
        ownerId: seed.owner.id,
        name: seed.name,
        nameKey: seed.name.toLowerCase(),
        fullName,
        fullNameKey: fullName.toLowerCase(),
        visibility: seed.visibility ?? 'private',
        creatorId: seed.creatorId ?? seed.owner.id,
        workspaceId: seed.workspaceId ?? null,
        description: null,
        disabledAt: seed.isDisabled === true ? 1 : null,
        gated: seed.gated ?? 'open',
        orgMembersGated: seed.orgMembersGated === true ? 1 : 0,
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
        createdAt: 1,
        updatedAt: 1,
        deletedAt: null,
      })
      .execute()
  })
}

/** Active people, each with a verified address `NAME@example.org`, whose id is theirs too; made at the time 1. */
export async function insertPeople(
  tx: Tx,
  people: readonly { readonly id: string; readonly name: string }[],
): Promise<void> {
  await tx
    .insertInto('namespace')
    .values(people.map(({ id, name }) => ({ id, kind: 'user' as const, name, nameKey: name, createdAt: 1 })))
    .execute()
  await tx
    .insertInto('user')
    .values(people.map(({ id }) => ({ id, isAdmin: 0 as const, state: 'active' as const, createdAt: 1 })))
    .execute()
  await tx
    .insertInto('email')
    .values(
      people.map(({ id, name }) => ({
        id,
        userId: id,
        address: `${name}@example.org`,
        addressKey: `${name}@example.org`,
        verifiedAt: 1,
        isPrimary: 1 as const,
        createdAt: 1,
      })),
    )
    .execute()
}
