/**
 * Holds limits against what is used. Requests count when they are let through, tokens when the server has said how many there were: a call begins
 * while the sums are below the limits, and what it takes beyond them stands in the way of the next ones. Minutes are counted in the memory of this
 * process; a month is what the database has summed up, and what this process let through since. Between the look and the count nothing is awaited, so
 * however many calls come at once, no more than the limit get through.
 */
import {
  isUnlimited,
  type LimitAmounts,
  type LimitScope,
  limitNames,
  type Meter,
  monthOf,
  noLimit,
} from '../../domain/inference-limits.ts'
import type { Hub } from '../../hub.ts'
import type { InferenceUsageTable } from '../../platform/db/schema.ts'
import { findLimitsOfCall, findMonthOfCall, type LimitRow, type MonthRow } from './limit-queries.ts'

/** Whom a call counts for. */
export interface Spender {
  readonly billed: { readonly id: string; readonly name: string }
  readonly workspace: { readonly id: string; readonly name: string } | null
  readonly account: { readonly id: string; readonly kind: 'user' | 'service-account' | 'organization' }
  /** Of a child token its parent: many children have no more than it. */
  readonly tokenId: string | null
}

/** A record of a call, with the tokens that it is held to have taken. */
export interface Counted {
  readonly call: InferenceUsageTable
  readonly heldTokens: number
}

/** Limits that others changed hold after so long, and so do the calls that other processes let through. */
export const freshMs = 5_000
const minuteMs = 60_000
const mostRemembered = 100_000

interface Minute {
  readonly endsAt: number
  calls: number
  tokens: number
}

interface Month {
  readonly key: number
  /** As the database had it last. */
  calls: number
  tokens: number
  /** Let through or counted here, and not in the database yet. */
  callsHere: number
  tokensHere: number
  lookedAt: number
}

interface Budget {
  readonly scope: LimitScope
  readonly whom: string
  readonly subject: string
  readonly amounts: LimitAmounts
}

interface Known {
  readonly at: number
  readonly month: number
  readonly budgets: Promise<readonly Budget[]>
}

const keyOf = (billedId: string, subject: string): string => `${billedId} ${subject}`

class Spending {
  readonly #hub: Hub
  readonly #known = new Map<string, Known>()
  /** In the order in which they began. */
  readonly #minutes = new Map<string, Minute>()
  readonly #months = new Map<string, Month>()
  #monthsForgottenAt = Number.NEGATIVE_INFINITY

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /** What limits such calls, as it stands: for a look, and to hold a call against before `count`. */
  async metersOf(spender: Spender): Promise<() => readonly Meter[]> {
    const budgets = (await this.#budgetsOf(spender)).filter(({ amounts }) => !isUnlimited(amounts))
    return () => budgets.flatMap((budget) => this.#meters(spender.billed.id, budget))
  }

  /** A call is let through. */
  count(spender: Spender): void {
    const now = this.#hub.clock.now()
    for (const subject of subjectsOf(spender)) {
      this.#minuteOf(spender.billed.id, subject, now).calls++
      this.#monthOf(spender.billed.id, subject, now).callsHere++
    }
  }

  /** A call ended, and will be written down. */
  ended({ call, heldTokens }: Counted): void {
    if (heldTokens === 0) return
    const now = this.#hub.clock.now()
    for (const subject of subjectsOfRow(call)) {
      this.#minuteOf(call.billedId, subject, now).tokens += heldTokens
      this.#monthOf(call.billedId, subject, call.at).tokensHere += heldTokens
    }
  }

  /** What was added to the database, and the sums that it has since. */
  written(added: readonly MonthRow[], sums: readonly MonthRow[]): void {
    for (const { billedId, month, subject, calls, tokens } of added) {
      const known = this.#months.get(keyOf(billedId, subject))
      if (known?.key !== month) continue
      known.callsHere = Math.max(0, known.callsHere - calls)
      known.tokensHere = Math.max(0, known.tokensHere - tokens)
    }
    for (const row of sums) this.#learn(row)
  }

  /** Limits were changed here. */
  forgetLimits(): void {
    this.#known.clear()
  }

  /** In this minute, by this process. */
  minuteOf(billedId: string, subject: string): { readonly calls: number; readonly tokens: number } {
    const minute = this.#minutes.get(keyOf(billedId, subject))
    return minute === undefined || minute.endsAt <= this.#hub.clock.now() ? { calls: 0, tokens: 0 } : minute
  }

  #budgetsOf(spender: Spender): Promise<readonly Budget[]> {
    const now = this.#hub.clock.now()
    const month = monthOf(now).key
    const { billed, workspace, account, tokenId } = spender
    const key = [billed.id, workspace?.id ?? '', account.id, tokenId ?? ''].join(' ')
    const known = this.#known.get(key)
    if (known !== undefined && known.month === month && now - known.at < freshMs) return known.budgets
    this.#known.delete(key)
    for (const [oldest, { at }] of this.#known) {
      if (now - at < freshMs && this.#known.size < mostRemembered) break
      this.#known.delete(oldest)
    }
    // However many calls come at once, one looks.
    const budgets = this.#load(spender, month)
    this.#known.set(key, { at: now, month, budgets })
    budgets.catch(() => {
      if (this.#known.get(key)?.budgets === budgets) this.#known.delete(key)
    })
    return budgets
  }

  async #load(spender: Spender, month: number): Promise<readonly Budget[]> {
    const { billed, workspace, account, tokenId } = spender
    const isPersonal = billed.id === account.id && account.kind === 'user'
    const asked = {
      ...{ billedId: billed.id, month, workspaceId: workspace?.id ?? '' },
      accountId: isPersonal ? '' : account.id,
      tokenId: isPersonal ? '' : (tokenId ?? ''),
    }
    const [limits, sums] = await Promise.all([
      isPersonal
        ? []
        : findLimitsOfCall(this.#hub.db, {
            organizationId: billed.id,
            workspaceId: workspace?.id ?? '',
            accountId: account.id,
            accountDefault: account.kind === 'service-account' ? 'service-account' : 'member',
          }),
      findMonthOfCall(this.#hub.db, asked),
    ])
    for (const sum of sums) this.#learn(sum)
    return isPersonal ? [personal(this.#hub, billed)] : budgetsIn(limits, spender)
  }

  /** Within a month sums only grow: of two that overtook each other the larger is the later. */
  #learn({ billedId, month, subject, calls, tokens }: MonthRow): void {
    const known = this.#monthFor(billedId, subject, month)
    if (known.key !== month) return
    known.calls = Math.max(known.calls, Number(calls))
    known.tokens = Math.max(known.tokens, Number(tokens))
  }

  #meters(billedId: string, { scope, whom, subject, amounts }: Budget): readonly Meter[] {
    const now = this.#hub.clock.now()
    const minute = this.#minutes.get(keyOf(billedId, subject))
    const isRunning = minute !== undefined && minute.endsAt > now
    const ofMinute = {
      secondsLeft: isRunning ? Math.ceil((minute.endsAt - now) / 1_000) : minuteMs / 1_000,
      seconds: minuteMs / 1_000,
    }
    const month = this.#monthOf(billedId, subject, now)
    const { endsAt, lengthMs } = monthOf(now)
    const ofMonth = { secondsLeft: Math.ceil((endsAt - now) / 1_000), seconds: lengthMs / 1_000 }
    const used = {
      requestsPerMinute: isRunning ? minute.calls : 0,
      tokensPerMinute: isRunning ? minute.tokens : 0,
      requestsPerMonth: month.calls + month.callsHere,
      tokensPerMonth: month.tokens + month.tokensHere,
    }
    return limitNames.flatMap((name) => {
      const limit = amounts[name]
      if (limit === null) return []
      return [{ scope, whom, name, limit, used: used[name], ...(name.endsWith('Minute') ? ofMinute : ofMonth) }]
    })
  }

  #minuteOf(billedId: string, subject: string, now: number): Minute {
    const key = keyOf(billedId, subject)
    const running = this.#minutes.get(key)
    if (running !== undefined && running.endsAt > now) return running
    this.#minutes.delete(key)
    for (const [oldest, { endsAt }] of this.#minutes) {
      if (endsAt > now && this.#minutes.size < mostRemembered) break
      this.#minutes.delete(oldest)
    }
    const minute = { endsAt: now + minuteMs, calls: 0, tokens: 0 }
    this.#minutes.set(key, minute)
    return minute
  }

  #monthOf(billedId: string, subject: string, at: number): Month {
    return this.#monthFor(billedId, subject, monthOf(at).key)
  }

  /** A later month takes the place of an earlier one, never the other way round. */
  #monthFor(billedId: string, subject: string, key: number): Month {
    const now = this.#hub.clock.now()
    const known = this.#months.get(keyOf(billedId, subject))
    if (known !== undefined && known.key >= key) {
      known.lookedAt = now
      return known
    }
    if (this.#months.size >= mostRemembered) this.#forgetMonths(now)
    const month = { key, calls: 0, tokens: 0, callsHere: 0, tokensHere: 0, lookedAt: now }
    this.#months.set(keyOf(billedId, subject), month)
    return month
  }

  /**
   * What nobody asked for in a while is read again before it counts; what the database does not have yet stays. Only once in a while: else each call
   * would walk through all of them where none can be forgotten.
   */
  #forgetMonths(now: number): void {
    if (now - this.#monthsForgottenAt < freshMs) return
    this.#monthsForgottenAt = now
    for (const [key, { callsHere, tokensHere, lookedAt }] of this.#months) {
      if (callsHere === 0 && tokensHere === 0 && now - lookedAt > 2 * freshMs) this.#months.delete(key)
    }
  }
}

/** As the administrators of the hub set it for everybody. */
function personal({ config }: Hub, { id, name }: Spender['billed']): Budget {
  const orNone = (limit: number): number | null => (limit === 0 ? null : limit)
  const amounts = {
    requestsPerMinute: orNone(config.personRequestsPerMinute),
    requestsPerMonth: orNone(config.personRequestsPerMonth),
    tokensPerMinute: orNone(config.personTokensPerMinute),
    tokensPerMonth: orNone(config.personTokensPerMonth),
  }
  return { scope: 'person', whom: name, subject: id, amounts }
}

/** What is set for one of them by name takes the place of the default as a whole. */
function budgetsIn(limits: readonly LimitRow[], { billed, workspace, account, tokenId }: Spender): Budget[] {
  const amountsOf = (...subjects: readonly string[]): LimitAmounts => {
    const row = subjects.map((subject) => limits.find((one) => one.subject === subject)).find((one) => one)
    return row ?? noLimit
  }
  const kind = account.kind === 'service-account' ? account.kind : 'member'
  const budgets: Budget[] = [
    { scope: 'organization', whom: `organization ${billed.name}`, subject: billed.id, amounts: amountsOf(billed.id) },
  ]
  if (workspace !== null) {
    const amounts = amountsOf(workspace.id, 'workspace')
    budgets.push({ scope: 'workspace', whom: `workspace ${workspace.name}`, subject: workspace.id, amounts })
  }
  if (account.id !== billed.id) {
    const whom = `this ${kind.replace('-', ' ')} of ${billed.name}`
    budgets.push({ scope: 'account', whom, subject: account.id, amounts: amountsOf(account.id, kind) })
  }
  if (tokenId !== null) {
    const whom = `each token in ${billed.name}`
    budgets.push({ scope: 'token', whom, subject: tokenId, amounts: amountsOf('token') })
  }
  return budgets
}

function subjectsOf({ billed, workspace, account, tokenId }: Spender): readonly string[] {
  return distinct([billed.id, workspace?.id, ...(isOwn(billed.id, account) ? [] : [account.id, tokenId])])
}

/** A person has one budget for all of their tokens. */
function isOwn(billedId: string, { id, kind }: { readonly id: string; readonly kind: string }): boolean {
  return id === billedId && kind === 'user'
}

/** Whom a record counts for, as its call did. */
function subjectsOfRow(row: InferenceUsageTable): readonly string[] {
  const { billedId, workspaceId, actorId, actorKind, tokenId, parentTokenId } = row
  const isPersonal = isOwn(billedId, { id: actorId, kind: actorKind })
  return distinct([billedId, workspaceId, ...(isPersonal ? [] : [actorId, parentTokenId ?? tokenId])])
}

const distinct = (subjects: readonly (string | null | undefined)[]): readonly string[] => [
  ...new Set(subjects.filter((subject) => typeof subject === 'string')),
]

export const tokensOf = ({ tokensIn, tokensOut }: Pick<InferenceUsageTable, 'tokensIn' | 'tokensOut'>): number =>
  (tokensIn ?? 0) + (tokensOut ?? 0)

/** What records add to the sums of their months. In one order everywhere, so that two writers never wait for each other. */
export function monthsIn(counted: readonly Counted[]): MonthRow[] {
  const sums = new Map<string, MonthRow>()
  for (const { call, heldTokens } of counted) {
    const { billedId } = call
    const month = monthOf(call.at).key
    for (const subject of subjectsOfRow(call)) {
      const key = `${billedId} ${month} ${subject}`
      const { calls, tokens } = sums.get(key) ?? { calls: 0, tokens: 0 }
      const sum = { billedId, month, subject, calls: calls + 1, tokens: tokens + heldTokens }
      sums.set(key, sum)
    }
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum)
}

const all = new WeakMap<Hub, Spending>()

/** One for each open hub. */
export function spendingOf(hub: Hub): Spending {
  const known = all.get(hub)
  if (known !== undefined) return known
  const spending = new Spending(hub)
  all.set(hub, spending)
  return spending
}
