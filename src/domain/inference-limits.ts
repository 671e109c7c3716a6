/**
 * How much of an organization's inference may be used: requests and tokens, in a minute and in a calendar month (UTC). Of several limits that a call
 * falls under each holds. Pure rules; who counts is `features/inference/spending.ts`.
 */
import { HoldfastError } from './errors.ts'

export const limitNames = ['requestsPerMinute', 'requestsPerMonth', 'tokensPerMinute', 'tokensPerMonth'] as const
export type LimitName = (typeof limitNames)[number]

/** Null: any amount. 0: nothing. */
export type LimitAmounts = Readonly<Record<LimitName, number | null>>

export const noLimit: LimitAmounts = {
  requestsPerMinute: null,
  requestsPerMonth: null,
  tokensPerMinute: null,
  tokensPerMonth: null,
}
export const largestLimit = 1_000_000_000_000

/** Of anything that has them, such as a row or a body. */
export function amountsIn(one: LimitAmounts): LimitAmounts {
  const { requestsPerMinute, requestsPerMonth, tokensPerMinute, tokensPerMonth } = one
  return { requestsPerMinute, requestsPerMonth, tokensPerMinute, tokensPerMonth }
}

export const isUnlimited = (amounts: LimitAmounts): boolean => limitNames.every((name) => amounts[name] === null)

/** Whose limit it is: `account` of a member or service account in an organization, `person` of who pays for themselves. */
export type LimitScope = 'organization' | 'workspace' | 'account' | 'token' | 'person'

/** One limit of one subject, with what of it is used. */
export interface Meter {
  readonly scope: LimitScope
  /** As people are told: `organization acme`. */
  readonly whom: string
  readonly name: LimitName
  readonly limit: number
  readonly used: number
  readonly secondsLeft: number
  /** Of the whole window. */
  readonly seconds: number
}

/** What is over; where several are, that which lasts longest: before it ends nothing gets through. */
export function overMeter(meters: readonly Meter[]): Meter | null {
  return meters
    .filter(({ used, limit }) => used >= limit)
    .reduce<Meter | null>((worst, one) => (worst === null || one.secondsLeft > worst.secondsLeft ? one : worst), null)
}

/** Of which the least is left, as a share of it. */
export function tightestMeter(meters: readonly Meter[]): Meter | null {
  const share = ({ used, limit }: Meter): number => (limit === 0 ? 0 : Math.max(0, limit - used) / limit)
  return meters.reduce<Meter | null>((least, one) => (least === null || share(one) < share(least) ? one : least), null)
}

/** In the form of the Hub's own windows, whose names are of letters and `_`: clients read no others. */
export function meterHeaders({ scope, name, limit, used, secondsLeft, seconds }: Meter): Record<string, string> {
  const window = `${scope}_${unitOf(name)}_per_${isOfMinute(name) ? 'minute' : 'month'}`
  return {
    ratelimit: `"${window}";r=${Math.max(0, limit - used)};t=${secondsLeft}`,
    'ratelimit-policy': `"fixed window";"${window}";q=${limit};w=${seconds}`,
  }
}

export const isOfMinute = (name: LimitName): boolean => name.endsWith('Minute')
const unitOf = (name: LimitName): 'requests' | 'tokens' => (name.startsWith('requests') ? 'requests' : 'tokens')

/** `raise`: who could change it, and where. Its headers name the window. */
export function limitFault(meter: Meter, raise: string): HoldfastError {
  const { name, limit, whom, secondsLeft } = meter
  const params = {
    limit: `${limit.toLocaleString('en')} ${unitOf(name)} a ${isOfMinute(name) ? 'minute' : 'month'}`,
    whom,
    seconds: secondsLeft,
    raise,
  }
  const headers = { 'retry-after': String(secondsLeft) }
  return isOfMinute(name)
    ? new HoldfastError('rate_limit_exceeded', params, { headers })
    : // Nobody's client should wait for weeks in silence: those of OpenAI's API ask this header whether to try again.
      new HoldfastError('insufficient_quota', params, { headers: { ...headers, 'x-should-retry': 'false' } })
}

/** The calendar month of a moment, in UTC: `key` such as 202611; `endsAt` and its length in milliseconds. */
export function monthOf(at: number): { readonly key: number; readonly endsAt: number; readonly lengthMs: number } {
  const date = new Date(at)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  const endsAt = Date.UTC(year, month + 1)
  return { key: year * 100 + month + 1, endsAt, lengthMs: endsAt - Date.UTC(year, month) }
}
