/**
 * One organization of 10,000 members, 1,000 groups, 10,000 workspaces (unless said) of 20 groups each and as many repos as asked for, written by SQL that
 * both databases understand.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../src/platform/db/database.ts'

export const organizationName = 'large'
const members = 10_000
const groups = 1000
const usualWorkspaces = 10_000
const groupsOfWorkspace = 20
const groupsOfPerson = 5
const groupsOfBusyPerson = 200

const id = (kind: string, number: number): string => `${kind}${number.toString(16).padStart(22, '0')}`
export const organizationId = id('0a', 0)
/** In 5 groups. */
export const memberId = id('0c', 1)
/** In 200 groups. */
export const busyId = id('0c', 2)
/** A service account in 5 groups. */
export const machineId = id('0e', 0)
export const hashOf = (credential: string, owner: string): string => `${credential} of ${owner}`

export async function fillWorld(db: Db, repos: number, workspaces = usualWorkspaces): Promise<void> {
  const isPostgres = db.dialect === 'postgres'
  const n = sql.ref('n')
  const hex = (kind: string, number: RawBuilder<unknown>) =>
    isPostgres
      ? sql`${sql.lit(kind)} || lpad(to_hex(${number}), 22, '0')`
      : sql`${sql.lit(kind)} || printf('%022x', ${number})`
  const numbers = (from: number, to: number) =>
    sql`with recursive "numbers" ("n") as (select ${sql.lit(from)}${isPostgres ? sql`::bigint` : sql``} union all select "n" + 1 from "numbers" where "n" < ${sql.lit(to - 1)})`
  const insert = async (
    table: string,
    count: number,
    columns: Readonly<Record<string, RawBuilder<unknown>>>,
    atOnce = 50_000,
  ) => {
    const names = sql.join(Object.keys(columns).map((name) => sql.ref(name)))
    for (let from = 0; from < count; from += atOnce) {
      const rows = sql`${numbers(from, Math.min(count, from + atOnce))} select ${sql.join(Object.values(columns))} from "numbers"`
      await db.transaction(
        async (tx) => {
          await sql`insert into ${sql.table(table)} (${names}) ${rows}`.execute(tx)
        },
        { timeLimitMs: 600_000 },
      )
    }
  }
  const lit = (value: string | number) => sql`${sql.lit(value)}`
  const zero = lit(0)
  const named = (word: string) => sql`${sql.lit(word)} || ${n}`

  await db.transaction(async (tx) => {
    await tx
      .insertInto('namespace')
      .values({
        id: organizationId,
        kind: 'organization',
        name: organizationName,
        nameKey: organizationName,
        createdAt: 0,
      })
      .execute()
    await tx
      .insertInto('organization')
      .values({ id: organizationId, fullname: null, defaultVisibility: 'private', createdAt: 0, createdBy: memberId })
      .execute()
  })
  await insert('namespace', members, {
    id: hex('0c', n),
    kind: lit('user'),
    name: named('m'),
    nameKey: named('m'),
    createdAt: zero,
  })
  await insert('user', members, { id: hex('0c', n), isAdmin: zero, state: lit('active'), createdAt: zero })
  const grant = (
    target: RawBuilder<unknown>,
    targetKind: string,
    principal: RawBuilder<unknown>,
    principalKind: string,
    role: string,
  ) => ({
    targetId: target,
    targetKind: lit(targetKind),
    principalId: principal,
    principalKind: lit(principalKind),
    role: lit(role),
    createdAt: zero,
  })
  await insert('roleGrant', members, grant(lit(organizationId), 'organization', hex('0c', n), 'user', 'read'))
  const part = (kind: string, word: string) => ({
    id: hex(kind, n),
    organizationId: lit(organizationId),
    name: named(word),
    nameKey: named(word),
    createdAt: zero,
  })
  await insert('memberGroup', groups, part('0d', 'group'))
  await insert('workspace', workspaces, part('0b', 'workspace'))
  // Each in 20 groups that lie 50 apart; a person's 5 groups lie 200 apart, so that one in ten workspaces has one of them.
  const step = sql`(${n} / ${sql.lit(groupsOfWorkspace)})`
  await insert(
    'roleGrant',
    workspaces * groupsOfWorkspace,
    grant(hex('0b', step), 'workspace', hex('0d', sql`((${step} + (${n} % 20) * 50) % 1000)`), 'group', 'write'),
  )
  const membership = (group: RawBuilder<unknown>, principal: RawBuilder<unknown>, kind: string) => ({
    groupId: group,
    principalId: principal,
    principalKind: lit(kind),
    role: lit('member'),
    createdAt: zero,
  })
  const person = sql`(${n} / ${sql.lit(groupsOfPerson)})`
  await insert(
    'groupMember',
    members * groupsOfPerson,
    membership(hex('0d', sql`((${person} + (${n} % 5) * 200) % 1000)`), hex('0c', person), 'user'),
  )
  await db.transaction((tx) =>
    tx
      .deleteFrom('groupMember')
      .where('principalId', '=', busyId)
      .execute()
      .then(() => undefined),
  )
  await insert('groupMember', groupsOfBusyPerson, membership(hex('0d', sql`(${n} * 5)`), lit(busyId), 'user'))

  await insert('serviceAccount', 1, {
    id: lit(machineId),
    organizationId: lit(organizationId),
    name: lit('ci'),
    nameKey: lit('ci'),
    createdAt: zero,
  })
  await insert('roleGrant', 1, grant(lit(organizationId), 'organization', lit(machineId), 'service-account', 'read'))
  await insert(
    'groupMember',
    groupsOfPerson,
    membership(hex('0d', sql`(${n} * 200)`), lit(machineId), 'service-account'),
  )
  await credentials(db)
  await insert(
    'repo',
    repos,
    {
      id: hex('0f', n),
      kind: lit('model'),
      ownerId: lit(organizationId),
      name: named('repo'),
      nameKey: named('repo'),
      fullName: named(`${organizationName}/repo`),
      fullNameKey: named(`${organizationName}/repo`),
      visibility: lit('private'),
      creatorId: lit(id('0c', 9)),
      workspaceId: hex('0b', sql`(${n} % ${sql.lit(workspaces)})`),
      downloads: zero,
      downloadsAllTime: zero,
      likes: zero,
      trendingScore: zero,
      usedStorage: zero,
      createdAt: zero,
      updatedAt: zero,
    },
    20_000,
  )
  await db.transaction((tx) => sql`analyze`.execute(tx).then(() => undefined), { timeLimitMs: 600_000 })
}

/** A session and a token for each of the people, a token for the machine. */
async function credentials(db: Db): Promise<void> {
  await db.transaction(async (tx) => {
    for (const owner of [memberId, busyId, machineId]) {
      await tx
        .insertInto('accessToken')
        .values({
          ...{ lastUsedAt: null, lastIp: null, lastUserAgent: null },
          id: owner,
          ownerId: owner,
          name: 'bench',
          hash: hashOf('token', owner),
          last4: 'abcd',
          role: 'write',
          description: null,
          canReadGatedRepos: 1,
          globalPermissions: '[]',
          createdAt: 1,
          rotatedAt: null,
          expiresAt: null,
        })
        .execute()
      if (owner === machineId) continue
      await tx
        .insertInto('session')
        .values({
          id: owner,
          userId: owner,
          tokenHash: hashOf('session', owner),
          createdAt: 1,
          lastUsedAt: 1,
          lastIp: null,
          userAgent: null,
          expiresAt: Number.MAX_SAFE_INTEGER,
          freshAt: null,
        })
        .execute()
    }
  })
}
