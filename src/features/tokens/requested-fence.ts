/** Where, from when and how much a token works, as it is asked for. */
import { type Fence, parseNetworks } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { limitsInWords, parseAmount, parsePaths, parsePrograms } from '../../domain/token-limits.ts'

/** What was asked for of a fence. What is absent stays as it was. */
export interface RequestedFence {
  readonly networks?: readonly string[] | undefined
  /** Milliseconds; null: from now on. */
  readonly notBefore?: number | null | undefined
  readonly paths?: readonly string[] | undefined
  readonly programs?: readonly string[] | undefined
  /** Null: without a limit. */
  readonly requestsPerMinute?: number | null | undefined
  readonly bytesPerDay?: number | null | undefined
}

/** Throws `invalid_input`. */
export function parseFence(before: Fence, asked: RequestedFence): Fence {
  const { networks, notBefore, paths, programs, requestsPerMinute, bytesPerDay } = asked
  if (notBefore !== undefined && notBefore !== null && !Number.isSafeInteger(notBefore)) {
    throw new HoldfastError('invalid_input', { reason: 'This is no time.', field: 'notBefore' })
  }
  return {
    networks: networks === undefined ? before.networks : parseNetworks(networks),
    notBefore: notBefore === undefined ? before.notBefore : notBefore,
    paths: paths === undefined ? before.paths : parsePaths(paths),
    programs: programs === undefined ? before.programs : parsePrograms(programs),
    requestsPerMinute:
      requestsPerMinute === undefined ? before.requestsPerMinute : parseAmount('requestsPerMinute', requestsPerMinute),
    bytesPerDay: bytesPerDay === undefined ? before.bytesPerDay : parseAmount('bytesPerDay', bytesPerDay),
  }
}

/** A fence as it stands in the audit log. */
export function fenceInWords(fence: Fence): string[] {
  const { networks, notBefore } = fence
  const from = notBefore === null ? [] : [`not before ${new Date(notBefore).toISOString()}`]
  return [...networks, ...from, ...limitsInWords(fence)]
}
