/**
 * The role that a row of `roleGrant` gives at a moment: the temporary one until its end, then what was there before, exact to the millisecond and
 * whatever the job has settled by then. Every statement that asks what somebody may do, or lists it, reads a role by this.
 */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Role } from '../domain/role.ts'

type Moment = Expression<unknown> | number

/** `grant`: the name of a row of `roleGrant` in the statement. Null: none any more, as if there were no row. */
export function roleAt(grant: string, now: Moment): RawBuilder<Role | null> {
  const column = (name: string) => sql.ref(`${grant}.${name}`)
  return sql<Role | null>`case when ${column('temporaryUntil')} > ${now} then ${column('temporaryRole')}
    when ${column('endsWhole')} = 1 then null else ${column('role')} end`
}

/** Whether the row gives any role at that moment, were it `no_access`. */
export function holdsAt(grant: string, now: Moment): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.ref(`${grant}.endsWhole`)} = 0 or ${sql.ref(`${grant}.temporaryUntil`)} > ${now})`
}

/** Whether the row opens anything at that moment. */
export function opensAt(grant: string, now: Moment): RawBuilder<SqlBool> {
  return sql<SqlBool>`coalesce(${roleAt(grant, now)}, 'no_access') <> 'no_access'`
}

/** When the temporary role of the row ends; null where none is running. */
export function endsAt(grant: string, now: Moment): RawBuilder<number | null> {
  const until = sql.ref(`${grant}.temporaryUntil`)
  return sql<number | null>`case when ${until} > ${now} then ${until} end`
}

/** The role that is left after the temporary one; null for none, and where none is running. */
export function roleAfter(grant: string, now: Moment): RawBuilder<Role | null> {
  const column = (name: string) => sql.ref(`${grant}.${name}`)
  return sql<Role | null>`case when ${column('temporaryUntil')} > ${now} and ${column('endsWhole')} = 0 then ${column('role')} end`
}
