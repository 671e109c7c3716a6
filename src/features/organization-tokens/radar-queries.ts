/**
 * The SQL of an organization's radar (idea 8): tokens that reach it and need attention. What is the matter with one is said by conditions in
 * the statement, so that pages and filters go by the same words as the findings.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { firstUseMs, radarDayMs, unusedMs, warningDays } from '../../domain/token-radar.ts'
import type { Db } from '../../platform/db/database.ts'
import { reaching, type TokenMark } from './queries.ts'

export const radarKinds = [
  'owner_left',
  'no_contact',
  'expiring',
  'never_used',
  'unused',
  'never_expires',
  'classic_write',
] as const
export type RadarKind = (typeof radarKinds)[number]

/** Times by kind would be columns without use: what a finding needs to be worded stands in the row. */
export interface RadarRow {
  readonly id: string
  readonly ownerKind: 'user' | 'service-account'
  readonly ownerId: string
  readonly ownerName: string
  readonly name: string
  readonly last4: string
  readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly kinds: readonly RadarKind[]
}

type Condition = RawBuilder<SqlBool>
const bornAt = sql`coalesce("token"."rotatedAt", "token"."createdAt")`

/** The old value of a refreshed token keeps its own last use: whether that was after `since`. */
function oldUsedSince(since: number): Condition {
  return sql<SqlBool>`exists (select 1 from "formerTokenValue" as "old" where "old"."tokenId" = "token"."id"
    and "old"."ownerId" = "token"."ownerId" and "old"."validUntil" is not null and "old"."lastUsedAt" > ${since})`
}

/** As the radar for one's own tokens judges them. */
function conditionsOfAny(
  now: number,
): Pick<Record<RadarKind, Condition>, 'expiring' | 'never_used' | 'unused' | 'never_expires'> {
  const tiers = sql.join(
    warningDays.map((days) => {
      const ms = days * radarDayMs
      return sql`when "token"."expiresAt" <= ${now + ms} then (case when "token"."expiresAt" - ${bornAt} > ${ms} then 1 else 0 end)`
    }),
    sql` `,
  )
  return {
    expiring: sql<SqlBool>`"token"."expiresAt" is not null and (case ${tiers} else 0 end) = 1`,
    never_used: sql<SqlBool>`"token"."lastUsedAt" is null and ${bornAt} < ${now - firstUseMs} and not ${oldUsedSince(0)}`,
    unused: sql<SqlBool>`("token"."lastUsedAt" < ${now - unusedMs} or ("token"."lastUsedAt" is null and ${oldUsedSince(0)}))
      and not ${oldUsedSince(now - unusedMs)}`,
    never_expires: sql<SqlBool>`"token"."expiresAt" is null`,
  }
}

const never = sql<SqlBool>`1 = 0`

function conditionsOfPerson(now: number): Record<RadarKind, Condition> {
  return {
    ...conditionsOfAny(now),
    owner_left: sql<SqlBool>`"person"."state" <> 'active'`,
    no_contact: never,
    classic_write: sql<SqlBool>`"token"."role" = 'write'`,
  }
}

function conditionsOfMachine(now: number): Record<RadarKind, Condition> {
  return {
    ...conditionsOfAny(now),
    owner_left: never,
    no_contact: sql<SqlBool>`coalesce(trim("machine"."contact"), '') = ''`,
    classic_write: never,
  }
}

function anyOf(conditions: Record<RadarKind, Condition>, kind: RadarPage['kind']): Condition {
  const some = kind === null ? radarKinds : typeof kind === 'string' ? [kind] : kind
  return sql<SqlBool>`(${sql.join(
    some.map((one) => sql`(${conditions[one]})`),
    sql` or `,
  )})`
}

/** The names of what holds, with a comma after each. */
function kindsColumn(conditions: Record<RadarKind, Condition>): RawBuilder<string> {
  const words = radarKinds.map((kind) => sql`case when ${conditions[kind]} then ${sql.lit(`${kind},`)} else '' end`)
  return sql<string>`${sql.join(words, sql` || `)}`
}

export interface RadarPage {
  readonly after: TokenMark | null
  readonly limit: number
  /** Only tokens of which this is so, or one of these. */
  readonly kind: RadarKind | readonly RadarKind[] | null
}

/** By owner, then token. A token that was revoked for the organization needs nothing more. */
export async function listNeedingAttention(
  db: Db,
  organizationId: string,
  now: number,
  page: RadarPage,
): Promise<RadarRow[]> {
  const [people, machines] = await Promise.all([
    listOfPeople(db, organizationId, now, page),
    listOfMachines(db, organizationId, now, page),
  ])
  const rows = [
    ...people.map((row) => ({ ...row, ownerKind: 'user' as const })),
    ...machines.map((row) => ({ ...row, ownerKind: 'service-account' as const })),
  ].map((row) => ({ ...row, kinds: radarKinds.filter((kind) => row.kinds.split(',').includes(kind)) }))
  const place = ({ ownerId, id }: TokenMark): string => `${ownerId}.${id}`
  return rows.sort((a, b) => (place(a) < place(b) ? -1 : 1)).slice(0, page.limit)
}

async function listOfPeople(db: Db, organizationId: string, now: number, page: RadarPage) {
  const conditions = conditionsOfPerson(now)
  let query = reaching(db.list, organizationId, now)
    .innerJoin('user as person', 'person.id', 'token.ownerId')
    .select(kindsColumn(conditions).as('kinds'))
    .where((q) => q.or([q('said.verdict', 'is', null), q('said.verdict', '<>', 'revoked')]))
    .where(anyOf(conditions, page.kind))
  if (page.after !== null) {
    query = query.where(
      sql<boolean>`("member"."principalId", "token"."id") > (${page.after.ownerId}, ${page.after.id})`,
    )
  }
  return await query.orderBy('member.principalId').orderBy('token.id').limit(page.limit).execute()
}

/** Disabled ones reach nothing, nor do expired ones. */
async function listOfMachines(db: Db, organizationId: string, now: number, page: RadarPage) {
  const conditions = conditionsOfMachine(now)
  let query = db.list
    .selectFrom('serviceAccount as machine')
    .innerJoin('accessToken as token', 'token.ownerId', 'machine.id')
    .select(['token.id', 'token.ownerId', 'machine.name as ownerName', 'token.name', 'token.last4', 'token.role'])
    .select(['token.createdAt', 'token.rotatedAt', 'token.expiresAt', 'token.lastUsedAt'])
    .select(kindsColumn(conditions).as('kinds'))
    .where('machine.organizationId', '=', organizationId)
    .where('machine.disabledAt', 'is', null)
    .where((q) => q.or([q('machine.expiresAt', 'is', null), q('machine.expiresAt', '>', now)]))
    .where('token.parentId', 'is', null)
    .where((q) => q.or([q('token.expiresAt', 'is', null), q('token.expiresAt', '>', now)]))
    .where(anyOf(conditions, page.kind))
  if (page.after !== null) {
    query = query.where(sql<boolean>`("machine"."id", "token"."id") > (${page.after.ownerId}, ${page.after.id})`)
  }
  return await query.orderBy('machine.id').orderBy('token.id').limit(page.limit).execute()
}
