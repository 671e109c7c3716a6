/** The SQL of the administration of a hub: lists and counts for its pages. Counts are bounded: a page says "10,000+" rather than counting a million. */
import { type SqlBool, sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { AnnouncementTable, UserTable } from '../../platform/db/schema.ts'

/** Counts go as far as this. */
export const mostCounted = 10_000

export interface HubCounts {
  readonly users: number
  readonly organizations: number
  readonly repos: number
}

export async function countHub(db: Db): Promise<HubCounts> {
  const upTo = async (table: 'user' | 'organization' | 'repo'): Promise<number> => {
    const { count } = await db.list
      .selectFrom((q) =>
        q
          .selectFrom(table)
          .select('id')
          .limit(mostCounted + 1)
          .as('some'),
      )
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }
  const [users, organizations, repos] = await Promise.all([upTo('user'), upTo('organization'), upTo('repo')])
  return { users, organizations, repos }
}

export interface PersonRow {
  readonly id: string
  readonly name: string
  readonly nameKey: string
  readonly fullname: string | null
  readonly email: string | null
  readonly isVerified: boolean
  readonly isAdmin: boolean
  readonly state: UserTable['state']
  readonly createdAt: number
  readonly hasSecondFactor: boolean
}

export interface PeopleQuery {
  /** Lower case: what a name begins with, or a whole address if there is an @ in it; empty for all. */
  readonly search: string
  readonly after: string
  readonly limit: number
}

/** By name, after the name `after` (lower case). */
export async function selectPeople(db: Db, { search, after, limit }: PeopleQuery): Promise<PersonRow[]> {
  let query = db.list
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .leftJoin('email', (join) => join.onRef('email.userId', '=', 'user.id').on('email.isPrimary', '=', 1))
    .select(['user.id', 'namespace.name', 'namespace.nameKey', 'user.fullname', 'user.isAdmin', 'user.state'])
    .select(['user.createdAt', 'user.secondFactorAt', 'email.address as email', 'email.verifiedAt'])
    .where('namespace.nameKey', '>', after)
    .orderBy('namespace.nameKey')
    .limit(limit)
  if (search.includes('@')) {
    query = query.where('user.id', 'in', (q) =>
      q.selectFrom('email').select('email.userId').where('email.addressKey', '=', search),
    )
  } else if (search !== '') {
    query = query.where('namespace.nameKey', '>=', search).where('namespace.nameKey', '<', endOf(search))
  }
  const rows = await query.execute()
  return rows.map(({ secondFactorAt, verifiedAt, isAdmin, ...row }) => ({
    ...row,
    isAdmin: isAdmin === 1,
    isVerified: verifiedAt !== null,
    hasSecondFactor: secondFactorAt !== null,
  }))
}

/** What comes after everything that begins with `prefix`: names are ASCII. */
function endOf(prefix: string): string {
  return `${prefix}\x7f`
}

export interface OrganizationRow {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
  readonly createdAt: number
  readonly seatLimit: number | null
  /** As far as `mostCounted`. */
  readonly members: number
  readonly repos: number
}

/** By name with `search` (what it begins with), else the newest first; `after` is the name or the id of the last one, null for the first page. */
export async function selectOrganizations(
  db: Db,
  { search, after, limit }: { readonly search: string; readonly after: string | null; readonly limit: number },
): Promise<OrganizationRow[]> {
  // The page first, and what is counted of each afterwards: a planner that joins first reads them all.
  const page = db.list.selectFrom((q) => {
    const ids = q.selectFrom('organization').select('organization.id').limit(limit)
    if (search === '') {
      const newest = ids.orderBy('organization.id', 'desc')
      return (after === null ? newest : newest.where('organization.id', '<', after)).as('page')
    }
    const named = q
      .selectFrom('namespace')
      .select('namespace.id')
      .where('namespace.nameKey', '>=', search)
      .where('namespace.nameKey', '<', endOf(search))
      .where('namespace.kind', '=', 'organization')
      .orderBy('namespace.nameKey')
      .limit(limit)
    return (after === null ? named : named.where('namespace.nameKey', '>', after)).as('page')
  })
  const query = page
    .innerJoin('organization', 'organization.id', 'page.id')
    .innerJoin('namespace', 'namespace.id', 'page.id')
    .select(['organization.id', 'namespace.name', 'organization.fullname', 'namespace.createdAt'])
    .select(['organization.seatLimit'])
    .select(
      sql<number>`(select count(*) from (select 1 from "roleGrant" where "targetId" = "page"."id"
        and "targetKind" = 'organization' and "principalKind" = 'user' limit ${mostCounted + 1}) as "m")`.as('members'),
    )
    .select(
      sql<number>`(select count(*) from (select 1 from "repo" where "ownerId" = "page"."id"
        and "deletedAt" is null limit ${mostCounted + 1}) as "r")`.as('repos'),
    )
    .orderBy(search === '' ? 'organization.id' : 'namespace.nameKey', search === '' ? 'desc' : 'asc')
  const rows = await query.execute()
  return rows.map((row) => ({ ...row, members: Number(row.members), repos: Number(row.repos) }))
}

export interface QueueState {
  readonly queue: string
  /** As far as `mostInQueue`. */
  readonly waiting: number
  /** When the one that is due first is due; null for none. */
  readonly nextAt: number | null
  readonly running: number
  readonly failed: number
}

export const mostInQueue = 1_000

/** One index range for each queue and state: a queue of a million waiting jobs costs no more than one of a thousand. */
export async function selectQueues(db: Db, queues: readonly string[]): Promise<QueueState[]> {
  const parts = queues.flatMap((queue) =>
    (['ready', 'running', 'dead'] as const).map(
      (state) => sql`select ${queue} as "queue", ${state} as "state", count(*) as "count", min("runAt") as "nextAt"
        from (select "runAt" from "job" where "state" = ${state} and "queue" = ${queue} order by "runAt"
        limit ${mostInQueue + 1}) as "some"`,
    ),
  )
  const { rows } = await sql<{ queue: string; state: string; count: number; nextAt: number | null }>`${sql.join(
    parts,
    sql` union all `,
  )}`.execute(db.list)
  return queues.map((queue) => {
    const of = (state: string) => rows.find((row) => row.queue === queue && row.state === state)
    const nextAt = of('ready')?.nextAt
    return {
      queue,
      waiting: Number(of('ready')?.count ?? 0),
      nextAt: nextAt == null ? null : Number(nextAt),
      running: Number(of('running')?.count ?? 0),
      failed: Number(of('dead')?.count ?? 0),
    }
  })
}

// Announcements

export interface AnnouncementRow extends AnnouncementTable {
  readonly by: string | null
}

/** Those that run and those to come, the newest first; what is over is shown no more. */
export async function selectAnnouncements(db: Db, now: number, limit: number): Promise<AnnouncementRow[]> {
  return await db.read
    .selectFrom('announcement')
    .leftJoin('namespace', 'namespace.id', 'announcement.createdBy')
    .selectAll('announcement')
    .select('namespace.name as by')
    .where((eb) => eb.or([eb('announcement.endsAt', 'is', null), eb('announcement.endsAt', '>', now)]))
    .orderBy('announcement.id', 'desc')
    .limit(limit)
    .execute()
}

/** Inserts, unless `most` are running or to come. False then. */
export async function insertAnnouncement(tx: Tx, row: AnnouncementTable, now: number, most: number): Promise<boolean> {
  // What is over goes: the list never grows beyond the limit.
  await tx.deleteFrom('announcement').where('endsAt', '<=', now).execute()
  const isFull = sql<SqlBool>`(select count(*) from "announcement") >= ${most}`
  const { full } = await tx.selectNoFrom(isFull.as('full')).executeTakeFirstOrThrow()
  // SQLite has no booleans: it answers 0 or 1.
  if (Number(full)) return false
  await tx.insertInto('announcement').values(row).execute()
  return true
}

export async function deleteAnnouncement(tx: Tx, id: string): Promise<string | null> {
  const row = await tx.deleteFrom('announcement').where('id', '=', id).returning('text').executeTakeFirst()
  return row?.text ?? null
}
