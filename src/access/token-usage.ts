/**
 * What each token touched, from where and with what (idea 5). Gathered in memory and written once a minute as access/last-used.ts does, so that a request
 * pays for one look into a map and no statement. Everything is bounded: what is gathered, the things of one token and day, its addresses and its programs.
 * Lost for at most a minute by a crash.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Logger } from 'pino'
import type { Origin } from '../domain/event.ts'
import type { Facts } from '../domain/facts.ts'
import { narrowestPermission } from '../domain/narrower.ts'
import type { Action } from '../domain/permissions.ts'
import { withoutTokens } from '../domain/token.ts'
import type { Db, Tx } from '../platform/db/database.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'

/** In place of further things of a token that touched too many in a day. */
export const otherThings = ''
export const mostThingsADay = 200
/** Of addresses, and of programs: those that were seen last. */
export const mostCallers = 50
const mostGathered = 20_000
const flushEveryMs = 60_000
const dayMs = 86_400_000

/** Takes `{tokenId, address, program, at}`: a token that was known from elsewhere came from a new address. */
export const newAddressQueue = 'token-new-address'

export interface TokenUsage {
  /** `bytes`: that the answer sent. */
  note(action: Action, facts: Facts, origin: Origin, bytes: number, now: number): void
  /** Writes what is gathered; called by the timer and on stop. */
  flush(): Promise<void>
  stop(): Promise<void>
}

interface Touch {
  readonly tokenId: string
  readonly day: number
  readonly thingKind: 'repo' | 'organization' | 'user'
  readonly thingId: string
  readonly permission: string
  uses: number
  bytes: number
}

interface Caller {
  readonly tokenId: string
  readonly kind: 'address' | 'program'
  readonly value: string
  readonly firstAt: number
  lastAt: number
  uses: number
}

export function trackTokenUsage(db: Db, log: Logger): TokenUsage {
  let touches = new Map<string, Touch>()
  let callers = new Map<string, Caller>()

  const flush = async (): Promise<void> => {
    const [touched, called] = [[...touches.values()], [...callers.values()]]
    touches = new Map()
    callers = new Map()
    if (called.length === 0) return
    await db.transaction(async (tx) => {
      const living = await livingAmong(tx, [...new Set(called.map(({ tokenId }) => tokenId))])
      const isLiving = ({ tokenId }: { readonly tokenId: string }) => living.has(tokenId)
      await writeTouches(tx, touched.filter(isLiving))
      await writeCallers(tx, called.filter(isLiving))
    })
  }
  const timer = setInterval(() => {
    flush().catch((error: unknown) => log.error({ error }, 'What tokens touched could not be written'))
  }, flushEveryMs)
  timer.unref()

  const seen = (tokenId: string, kind: Caller['kind'], value: string | null, now: number) => {
    if (value === null || value === '') return
    const key = `${tokenId} ${kind} ${value}`
    const known = callers.get(key)
    if (known !== undefined) {
      known.uses++
      known.lastAt = now
    } else if (callers.size < mostGathered) {
      callers.set(key, { tokenId, kind, value, firstAt: now, lastAt: now, uses: 1 })
    }
  }
  return {
    note: (action, facts, origin, bytes, now) => {
      if (facts.credential?.kind !== 'token') return
      const { id: tokenId } = facts.credential
      seen(tokenId, 'address', origin.ip, now)
      seen(tokenId, 'program', withoutTokens(origin.userAgent)?.slice(0, 200) ?? null, now)
      const thing = thingOf(facts)
      const permission = narrowestPermission(action)
      if (thing === null || permission === null) return
      const day = now - (now % dayMs)
      const key = `${tokenId} ${day} ${thing.id} ${permission}`
      const known = touches.get(key)
      if (known !== undefined) {
        known.uses++
        known.bytes += bytes
      } else if (touches.size < mostGathered) {
        touches.set(key, { tokenId, day, thingKind: thing.kind, thingId: thing.id, permission, uses: 1, bytes })
      }
    },
    flush,
    stop: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}

function thingOf({ resource }: Facts): { readonly kind: Touch['thingKind']; readonly id: string } | null {
  switch (resource.on) {
    case 'repo':
      return resource.repo === null ? null : { kind: 'repo', id: resource.repo.id }
    case 'organization':
      return resource.organization === null ? null : { kind: 'organization', id: resource.organization.id }
    case 'namespace':
      return resource.owner === null ? null : { kind: resource.owner.kind, id: resource.owner.id }
    case 'group':
      return resource.group === null ? null : { kind: 'organization', id: resource.group.organization.id }
    case 'workspace':
      return resource.workspace === null ? null : { kind: 'organization', id: resource.workspace.organization.id }
    default:
      return null
  }
}

const rowsAtOnce = 100

function* chunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += rowsAtOnce) yield rows.slice(at, at + rowsAtOnce)
}

async function livingAmong(tx: Tx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const living = new Set<string>()
  for (const some of chunks(ids)) {
    const rows = await tx.selectFrom('accessToken').select('id').where('id', 'in', some).execute()
    for (const { id } of rows) living.add(id)
  }
  return living
}

/** What goes beyond the things that a token may have in a day counts as one. */
async function writeTouches(tx: Tx, touches: readonly Touch[]): Promise<void> {
  const rows = new Map<string, Touch>()
  for (const [, ofDay] of Map.groupBy(touches, ({ tokenId, day }) => `${tokenId} ${day}`)) {
    const [{ tokenId, day } = { tokenId: '', day: 0 }] = ofDay
    const known = new Set(
      (
        await tx
          .selectFrom('tokenUse')
          .select('thingId')
          .distinct()
          .where('tokenId', '=', tokenId)
          .where('day', '=', day)
          .execute()
      ).map(({ thingId }) => thingId),
    )
    for (const touch of ofDay) {
      const fits = known.has(touch.thingId) || known.size < mostThingsADay
      if (fits) known.add(touch.thingId)
      const row = fits ? touch : { ...touch, thingId: otherThings }
      const key = `${tokenId} ${day} ${row.thingId} ${row.permission}`
      const same = rows.get(key)
      if (same === undefined) rows.set(key, row)
      else rows.set(key, { ...same, uses: same.uses + row.uses, bytes: same.bytes + row.bytes })
    }
  }
  const plus = (column: 'uses' | 'bytes'): RawBuilder<number> =>
    sql<number>`${sql.ref(`tokenUse.${column}`)} + ${sql.ref(`excluded.${column}`)}`
  for (const some of chunks([...rows.values()])) {
    await tx
      .insertInto('tokenUse')
      .values([...some])
      .onConflict((conflict) =>
        conflict
          .columns(['tokenId', 'day', 'thingId', 'permission'])
          .doUpdateSet({ uses: plus('uses'), bytes: plus('bytes') }),
      )
      .execute()
  }
}

async function writeCallers(tx: Tx, callers: readonly Caller[]): Promise<void> {
  for (const [tokenId, ofToken] of Map.groupBy(callers, ({ tokenId: id }) => id)) {
    const known = await tx.selectFrom('tokenCaller').select(['kind', 'value']).where('tokenId', '=', tokenId).execute()
    const wasKnown = ({ kind, value }: Caller) => known.some((one) => one.kind === kind && one.value === value)
    const fresh = ofToken.filter((caller) => !wasKnown(caller))
    for (const some of chunks(ofToken)) {
      await tx
        .insertInto('tokenCaller')
        .values([...some])
        .onConflict((conflict) =>
          conflict.columns(['tokenId', 'kind', 'value']).doUpdateSet({
            lastAt: sql<number>`"excluded"."lastAt"`,
            uses: sql<number>`"tokenCaller"."uses" + "excluded"."uses"`,
          }),
        )
        .execute()
    }
    if (known.length + fresh.length > mostCallers) await forgetOldest(tx, tokenId)
    const came = fresh.find(({ kind }) => kind === 'address')
    if (came === undefined || !known.some(({ kind }) => kind === 'address')) continue
    const program = ofToken.find(({ kind }) => kind === 'program')?.value ?? null
    await enqueue(tx, newAddressQueue, { tokenId, address: came.value, program, at: came.firstAt })
  }
}

async function forgetOldest(tx: Tx, tokenId: string): Promise<void> {
  for (const kind of ['address', 'program'] as const) {
    await tx
      .deleteFrom('tokenCaller')
      .where('tokenId', '=', tokenId)
      .where('kind', '=', kind)
      .where('value', 'in', (q) =>
        q
          .selectFrom('tokenCaller')
          .select('value')
          .where('tokenId', '=', tokenId)
          .where('kind', '=', kind)
          .orderBy('lastAt', 'desc')
          .orderBy('value')
          // SQLite takes an offset only with a limit.
          .limit(1_000_000)
          .offset(mostCallers),
      )
      .execute()
  }
}
